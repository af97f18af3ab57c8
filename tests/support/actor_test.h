// A fixture that runs actors one message at a time, on fake time.
//
// Do not include <caf/test/dsl.hpp>: it needs CAF's own test engine, and its
// FAIL(...) does not compile after <gtest/gtest.h>.
#ifndef DIST_TESTS_SUPPORT_ACTOR_TEST_H_
#define DIST_TESTS_SUPPORT_ACTOR_TEST_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "actors/protocol/handles.h"
#include "actors/protocol/register.h"

namespace dist {

class ActorTest : public ::testing::Test {
 protected:
  ~ActorTest() override {
    for (const caf::actor& actor : actors_) {
      caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    }
    Run();
    sched_.inline_all_enqueues();  // For messages sent by destructors.
  }

  // Ends `actor` with the test, or the actor system would wait for it.
  template <class Handle>
  Handle Own(Handle actor) {
    actors_.push_back(caf::actor_cast<caf::actor>(actor));
    return actor;
  }

  // Delivers messages in FIFO order until none is left. Fires no timeout.
  void Run() { sched_.run(); }

  // Delivers messages in an order that `seed` picks; per mailbox it stays FIFO.
  void RunShuffled(unsigned seed) {
    std::mt19937 rng(seed);
    while (sched_.has_job()) {
      auto& jobs = sched_.jobs;
      std::swap(jobs.front(), jobs[rng() % jobs.size()]);
      sched_.run_once();
    }
  }

  // Lets `total` pass in steps: a timer that re-arms itself fires once a step.
  void Advance(caf::timespan total,
               caf::timespan step = std::chrono::seconds(1)) {
    for (caf::timespan t{0}; t < total; t += step) {
      sched_.advance_time(std::min(step, total - t));
      Run();
    }
  }

  // Delivered once the actors run.
  template <class Handle, class Message>
  void Send(const Handle& to, Message message) {
    self_->send(to, std::move(message));
  }

 private:
  struct Config : caf::actor_system_config {
    Config() {
      RegisterMessages(*this);
      set("scheduler.policy", caf::atom("testing"));
    }
  };

  std::vector<caf::actor> actors_;

 protected:
  Config config_;
  caf::actor_system system_{config_};
  caf::scheduler::test_coordinator& sched_ =
      dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  caf::scoped_actor self_{system_};
};

}  // namespace dist

#endif  // DIST_TESTS_SUPPORT_ACTOR_TEST_H_
