#include "tests/sim/sim_world.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/overload.h"
#include "core/wire/codec.h"
#include "tests/sim/sim_state.h"

namespace dist {
namespace sim {

SimWorker* SimWorld::Find(uint32_t host, uint64_t link, uint32_t worker) {
  SimHost& at = hosts_[host];
  if (!at.up || at.link != link) return nullptr;
  const auto found = at.workers.find(worker);
  return found == at.workers.end() ? nullptr : &found->second;
}

void SimWorld::Later(uint32_t host, uint32_t worker, int64_t delay,
                     std::function<void(SimWorker&)> what) {
  const uint64_t link = hosts_[host].link;
  After(delay, [=] {
    if (SimWorker* w = Find(host, link, worker)) what(*w);
  });
}

// ---- Between machine and nodes --------------------------------------------

void SimWorld::Digest(const RunCommand& command) {
  std::string bytes = absl::StrCat(command.index(), " ");
  if (const auto* tell = std::get_if<TellNode>(&command)) {
    absl::StrAppend(&bytes, tell->host.value(), " ", Encode(tell->command));
  } else if (const auto* announce = std::get_if<Announce>(&command)) {
    absl::StrAppend(&bytes, announce->event.index());
    if (const auto* judged = std::get_if<TestJudged>(&announce->event)) {
      absl::StrAppend(&bytes, *judged->id, Word(judged->verdict),
                      judged->worker, judged->attempt);
    }
  }
  for (const char c : bytes) {  // FNV-1a.
    result_.digest = (result_.digest ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  }
}

void SimWorld::Obey(const Commands& commands, bool stale) {
  checker_.AfterCall(commands, stale, now_);
  for (const RunCommand& command : commands) {
    if (digest_) Digest(command);
    std::visit(
        Overload{[&](const ConnectHost& c) { Connect(c.host.value()); },
                 [&](const TellNode& c) { Order(c.host.value(), c.command); },
                 [](const Announce&) {},
                 [&](const WakeAt& c) {
                   const int64_t at = absl::ToUnixMicros(c.at);
                   After(at - now_, [this] { Obey(machine_.Wake(Now())); });
                 },
                 [](const EndRun&) {}},
        command);
  }
}

void SimWorld::Connect(uint32_t host) {
  const uint64_t link = ++hosts_[host].link;
  if (link > 1) ++result_.counts.reconnects;
  const bool late = random_.Percent(10);
  const int64_t delay =
      static_cast<int64_t>(random_.Below(late ? 30000 : 300)) * kMs;
  const bool never = Trouble(scenario_.link_trouble);
  After(delay, [=] {
    SimHost& at = hosts_[host];
    if (at.link != link) return;
    if (never) return LoseHost(host);
    at.up = true;
    at.last_word = at.last_order = now_;
    NodeReady ready;
    ready.cpus = static_cast<uint32_t>(random_.Below(4));
    Send(host, ready);
    if (Trouble(scenario_.link_trouble)) {
      const uint64_t most = scenario_.dreadful ? 700 : 3000;
      After(static_cast<int64_t>(random_.Below(most)) * kMs, [=] {
        if (hosts_[host].link == link) LoseHost(host);
      });
    }
  });
}

// The machine hears of it a little later; what was under way gets lost.
void SimWorld::LoseHost(uint32_t host) {
  SimHost& at = hosts_[host];
  const uint64_t link = ++at.link;
  at.up = false;
  at.workers.clear();
  at.lists.clear();
  After(static_cast<int64_t>(random_.Below(50)) * kMs, [=] {
    if (hosts_[host].link != link) return;
    ++result_.counts.hosts_lost;
    checker_.BeforeHostLost(HostId(host));
    Obey(machine_.OnHostLost(HostId(host), "lost", Now()));
  });
}

void SimWorld::Send(uint32_t host, NodeEvent event) {
  SimHost& at = hosts_[host];
  const int64_t delay = Delay(host);
  at.last_word = std::max(at.last_word, now_ + delay);
  const uint64_t link = at.link;
  After(at.last_word - now_, [this, host, link, event = std::move(event)] {
    if (hosts_[host].link != link) return;
    const bool stale = checker_.BeforeEvent(HostId(host), event);
    if (stale) ++result_.counts.stale_words;
    if (stale && std::holds_alternative<TestsReported>(event)) {
      ++result_.counts.results_after_loss;
    }
    Obey(machine_.OnNode(HostId(host), event, Now()), stale);
    if (!std::holds_alternative<NodeReady>(event) && random_.Percent(20)) {
      said_.emplace_back(host, event);
    }
    if (cut_.words && random_.Percent(10)) Repeat(host);
  });
}

// Words of a dead worker come again, perhaps over a new link.
void SimWorld::Repeat(uint32_t host) {
  if (said_.empty()) return;
  const auto& [from, event] = said_[random_.Below(said_.size())];
  if (from != host || !hosts_[host].up) return;
  if (std::holds_alternative<CollectionListed>(event)) return;
  const WorkerId worker = SimChecker::SpeakerOf(event);
  if (hosts_[host].workers.count(worker.value()) > 0) return;
  // The worker is gone, but the machine may not have been told yet.
  if (!checker_.IsOver(worker)) return;
  ++result_.counts.stale_words;
  if (std::holds_alternative<TestsReported>(event)) {
    ++result_.counts.results_after_loss;
  }
  checker_.BeforeEvent(HostId(host), event);
  Obey(machine_.OnNode(HostId(host), event, Now()), true);
}

void SimWorld::Interrupt() {
  if (checker_.ended()) return;
  ++result_.counts.interrupts;
  ++*std::array{&result_.counts.interrupts_collecting,
                &result_.counts.interrupts_running,
                &result_.counts.interrupts_stopping,
                &result_.counts.interrupts_ending}[checker_.phase()];
  Obey(machine_.OnInterrupt("interrupted", Now()));
}

void SimWorld::Order(uint32_t host, const NodeCommand& command) {
  SimHost& at = hosts_[host];
  if (!at.up) {
    // The shell may give a connection up, or be too late for it.
    const bool close = std::holds_alternative<CloseNode>(command);
    if (close && random_.Percent(50)) LoseHost(host);
    return;
  }
  const int64_t delay = Delay(host);
  at.last_order = std::max(at.last_order, now_ + delay);
  const uint64_t link = at.link;
  After(at.last_order - now_, [=] {
    if (hosts_[host].link != link) return;
    const auto find = [&](WorkerId id) { return Find(host, link, id.value()); };
    std::visit(Overload{[&](const StartWorker& c) { Begin(host, c); },
                        [&](const RunTests& c) {
                          SimWorker* worker = find(c.worker);
                          if (worker == nullptr) return;
                          if (c.positions.empty()) {
                            worker->waits = false;
                            worker->asks = true;
                          }
                          for (const uint32_t position : c.positions) {
                            worker->queue.emplace_back(position, c.lease);
                          }
                          Step(host, c.worker.value());
                        },
                        [&](const ReturnTests& c) { GiveBack(host, c); },
                        [&](const FinishWorker& c) {
                          if (SimWorker* worker = find(c.worker))
                            worker->finish = true;
                          Step(host, c.worker.value());
                        },
                        [&](const InterruptWorker& c) {
                          if (find(c.worker) == nullptr || random_.Percent(20))
                            return;
                          find(c.worker)->interrupted = true;
                          if (random_.Percent(10)) {
                            Die(host, c.worker.value(), DeathCause::kDied);
                          } else {
                            Exit(host, c.worker.value(), 2, true);
                          }
                        },
                        [&](const KillWorker& c) {
                          SimWorker* worker = find(c.worker);
                          if (worker == nullptr || worker->undead) return;
                          Die(host, c.worker.value(), DeathCause::kKilled);
                        },
                        [&](const ListCollection& c) {
                          Send(host, ListOf(host, c.hash));
                        },
                        [&](const CloseNode&) { LoseHost(host); },
                        [&](const SyncTold&) {}, [&](const FetchFiles&) {},
                        [&](const FetchAnswered&) {}, [&](const ProbeHost&) {}},
               command);
  });
}

SimResult SimWorld::Run() {
  const size_t most_events = 20000 + 20 * scenario_.ids.size();
  Obey(machine_.Start(Now()));
  if (random_.Percent(15) && cut_.stops) {
    const auto at = static_cast<int64_t>(random_.Below(3000)) * kMs;
    After(at, [this] { Interrupt(); });
    if (random_.Percent(50)) {
      After(at + static_cast<int64_t>(random_.Below(1500)) * kMs,
            [this] { Interrupt(); });
    }
  }
  // Only people end a run that hangs.
  After(500000 * kMs, [this] {
    if (hung_) Interrupt();
  });
  while (!agenda_.empty() && result_.events < most_events &&
         checker_.violation().empty()) {
    ++result_.events;
    Advance();
  }
  checker_.AtEnd();
  result_.violation = checker_.violation();
  result_.status = checker_.status();
  result_.counts.judged = checker_.judged();
  result_.counts.all_hosts_lost = checker_.all_hosts_lost();
  return result_;
}

SimResult Simulate(Scenario scenario) {
  return SimWorld(SimCut(), false, std::move(scenario)).Run();
}

}  // namespace sim

SimResult Simulate(const SimCase& which, bool digest) {
  return sim::SimWorld(which.cut, digest, sim::MakeScenario(which)).Run();
}

}  // namespace dist
