// Hosts that come by themselves: who is let in, who gets which place, and who
// is not missed when he goes.
#include "transports/serve/reception.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/support/process_test.h"
#include "transports/serve/caller.h"
#include "transports/transport.h"
#include "transports/wait.h"

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Wish = ServeRequest::Kind;

const ServeKey kKey(std::string(ServeKey::kBytes, 'k'));
constexpr char kVersion[] = "1.0+test";

Patience For(double seconds) {
  Patience patience;
  patience.deadline = absl::Now() + absl::Seconds(seconds);
  return patience;
}

class ReceptionTest : public ::testing::Test {
 protected:
  ReceptionTest() {
    auto listening = ListenAt("--listen", &address_);
    EXPECT_TRUE(listening.ok()) << listening.status();
    reception_ = std::make_unique<Reception>(
        *std::move(listening), kKey, kVersion, [this](const std::string& line) {
          const std::lock_guard<std::mutex> lock(mutex_);
          log_ += line + "\n";
        });
  }

  std::string log() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return log_;
  }

  absl::StatusOr<Call> Say(const ServeRequest& request,
                           const ServeKey& key = kKey) {
    return CallPeer({address_, "dist --listen", "/k"}, key, request, For(10));
  }
  // A host that waits.
  Call Offer(const std::string& host) {
    auto call = Say({Wish::kOffer, kVersion, host});
    EXPECT_TRUE(call.ok()) << call.status();
    EXPECT_EQ(call->reply.kind, ServeReply::Kind::kWait);
    return *std::move(call);
  }
  std::vector<std::string> Await(size_t count) {
    const auto names = reception_->Await(count, For(10));
    EXPECT_TRUE(names.ok()) << names.status();
    return names.value_or(std::vector<std::string>());
  }
  std::string Take(size_t place) {
    const auto offer = reception_->Take(place, For(10));
    if (!offer.ok()) return std::string(offer.status().message());
    return absl::StrCat(offer->host, offer->expected ? "" : "!");
  }

  OwnedFd Open() {
    OwnedFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in at = {};
    at.sin_family = AF_INET;
    at.sin_port = htons(address_.port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&at), sizeof(at)),
              0);
    return fd;
  }

  SocketAddress address_{"127.0.0.1", 0};
  std::mutex mutex_;
  std::string log_;
  std::unique_ptr<Reception> reception_;
};

TEST_F(ReceptionTest, GivesPlacesInTheOrderOfComing) {
  const Call a = Offer("a");
  const Call b = Offer("b");
  const Call c = Offer("c");
  EXPECT_THAT(Await(2), ElementsAre("a", "b"));
  EXPECT_EQ(Take(1), "b");
  EXPECT_EQ(Take(0), "a");
  // One that came without a place gets that of one who is gone.
  EXPECT_EQ(Take(0), "c!");
}

TEST_F(ReceptionTest, AHostThatComesBackGetsItsPlace) {
  std::vector<Call> calls;
  for (const char* const host : {"a", "b"}) calls.push_back(Offer(host));
  Await(2);
  EXPECT_EQ(Take(0), "a");
  EXPECT_EQ(Take(1), "b");
  for (const char* const host : {"x", "b", "a"}) calls.push_back(Offer(host));
  EXPECT_EQ(Take(0), "a");
  EXPECT_EQ(Take(1), "b");
  EXPECT_EQ(Take(1), "x!");
}

TEST_F(ReceptionTest, APlaceIsKeptForItsHost) {
  const Call a = Offer("a");
  Await(1);
  const auto other = reception_->Take(1, For(0.2));
  EXPECT_EQ(other.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(other.status().message()),
              HasSubstr("it has not come back\nhelp: "));
  EXPECT_EQ(Take(0), "a");
}

TEST_F(ReceptionTest, WaitsForHostsAndSaysWhoIsThere) {
  std::vector<std::string> notes;
  Patience patience = For(10);
  patience.note = [&](const std::string& line) { notes.push_back(line); };
  absl::StatusOr<std::vector<std::string>> names;
  std::thread waiting([&] { names = reception_->Await(2, patience); });
  const Call first = Offer("a");
  const Call second = Offer("a");
  waiting.join();
  ASSERT_TRUE(names.ok()) << names.status();
  EXPECT_THAT(*names, ElementsAre("a", "a"));
  EXPECT_EQ(notes.back(), "2 of 2 hosts there: a, a");
}

TEST_F(ReceptionTest, AHostThatGoesIsNotCounted) {
  std::vector<std::string> notes;
  std::mutex mutex;
  Patience patience = For(20);
  patience.note = [&](const std::string& line) {
    const std::lock_guard<std::mutex> lock(mutex);
    notes.push_back(line);
  };
  absl::StatusOr<std::vector<std::string>> names;
  std::thread waiting([&] { names = reception_->Await(2, patience); });
  const auto noted = [&](const std::string& line) {
    return Eventually([&] {
      const std::lock_guard<std::mutex> lock(mutex);
      return !notes.empty() && notes.back() == line;
    });
  };
  {
    const Call gone = Offer("gone");
    EXPECT_TRUE(noted("1 of 2 hosts there: gone"));
  }
  EXPECT_TRUE(noted("0 of 2 hosts there"));
  {
    // So is one that speaks before it is asked.
    Call rude = Offer("rude");
    ASSERT_TRUE(rude.tls.Write("hello?", 6).ok());
    EXPECT_TRUE(noted("0 of 2 hosts there"));
  }
  const Call b = Offer("b");
  const Call c = Offer("c");
  waiting.join();
  EXPECT_THAT(*names, ElementsAre("b", "c"));
}

TEST_F(ReceptionTest, WaitingEndsWhenItShall) {
  const OwnedFd stop(eventfd(1, EFD_CLOEXEC));
  Patience patience;
  patience.cancel_fd = stop.get();
  EXPECT_TRUE(absl::IsCancelled(reception_->Await(1, patience).status()));
  EXPECT_TRUE(absl::IsCancelled(reception_->Take(0, patience).status()));
}

TEST_F(ReceptionTest, TurnsAwayWhatIsNoHostOfOurs) {
  auto call = Say({Wish::kOffer, "0.9+old", "h"});
  ASSERT_TRUE(call.ok()) << call.status();
  EXPECT_THAT(std::string(RefusalOf("here", call->reply).message()),
              HasSubstr("here is dist 1.0+test, this is"));
  call = Say({Wish::kNode, kVersion, ""});
  ASSERT_TRUE(call.ok()) << call.status();
  EXPECT_THAT(std::string(RefusalOf("here", call->reply).message()),
              HasSubstr("here is a dist --listen, which waits for hosts\n"));
  const ServeKey other(std::string(ServeKey::kBytes, 'o'));
  call = Say({Wish::kOffer, kVersion, "h"}, other);
  EXPECT_EQ(call.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(call.status().message()),
              HasSubstr("copy the key file that dist --listen names there"));
  EXPECT_TRUE(Eventually([&] {
    return absl::StrContains(log(), "has another");
  })) << log();
  EXPECT_THAT(log(), HasSubstr(": it is dist 0.9+old, this is 1.0+test\n"));
  EXPECT_THAT(log(), HasSubstr(": it wants a host, and is none\n"));
}

// The terminal is the run's then.
TEST_F(ReceptionTest, IsQuietOnceTheRunBegins) {
  const Call a = Offer("a");
  Await(1);
  ASSERT_TRUE(Say({Wish::kOffer, "0.9+old", "h"}).ok());
  EXPECT_EQ(log(), "");
}

TEST_F(ReceptionTest, ACrowdOfHostileClientsKeepsNobodyOut) {
  rlimit files;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < 2200) {
    GTEST_SKIP() << "NOT TESTED: needs 2200 descriptors";
  }
  std::mt19937 random(7);
  std::vector<OwnedFd> crowd;
  std::vector<Call> honest;
  for (int i = 0; i < 1000; ++i) {
    crowd.push_back(Open());
    std::string bytes(1 + random() % 2000, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    if (i % 2 == 0) bytes = "\x16\x03\x01";  // And no more.
    (void)!send(crowd.back().get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (i % 100 != 0) continue;
    const absl::Time begin = absl::Now();
    honest.push_back(Offer(absl::StrCat("h", i / 100)));
    EXPECT_LT(absl::Now() - begin, absl::Seconds(1));
  }
  EXPECT_EQ(Await(10).size(), 10u);
  EXPECT_EQ(Take(9), "h9");
  EXPECT_LT(log().size(), 2000u);
}

// What a host says to the request of a node.
TEST_F(ReceptionTest, AHostThatAnswersNonsenseIsPassedOver) {
  Call rude = Offer("rude");
  Call trouble = Offer("trouble");
  Await(1);
  std::thread hosts([&] {
    const auto request = HearLine(&rude.tls, For(10));
    EXPECT_TRUE(request.ok()) << request.status();
    rude.tls.Write("GET / HTTP/1.1\n", 15).IgnoreError();
    EXPECT_TRUE(HearLine(&trouble.tls, For(10)).ok());
    TurnAway(&trouble.tls, {ServeReply::Kind::kTrouble, "no room"});
  });
  HostAddress host;
  host.transport = "listen";
  host.name = "rude";
  host.reception = std::shared_ptr<Reception>(reception_.get(), [](auto*) {});
  std::vector<std::string> notes;
  Patience patience = For(10);
  patience.note = [&](const std::string& line) { notes.push_back(line); };
  const auto made = ConnectByTable(host, patience);
  hosts.join();
  EXPECT_EQ(std::string(made.status().message()),
            "trouble cannot start a node: no room\nhelp: see what dist serve "
            "says there");
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_THAT(notes[0], HasSubstr("rude: trouble at 127.0.0.1:"));
}

}  // namespace
}  // namespace dist
