// What the door knows without anybody at it: who has to go, what an opening
// looks like, who counts as one.
#include "transports/serve/door.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "transports/serve/lobby.h"
#include "transports/serve/opening.h"

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1000);

TEST(Lobby, WhoeverComesInCrowdsCrowdsOutHimself) {
  Lobby lobby(4);
  EXPECT_EQ(lobby.Add(1, "honest", kNow), std::nullopt);
  EXPECT_EQ(lobby.Add(2, "crowd", kNow), std::nullopt);
  EXPECT_EQ(lobby.Add(3, "crowd", kNow), std::nullopt);
  EXPECT_EQ(lobby.Add(4, "other", kNow), std::nullopt);
  EXPECT_EQ(lobby.Add(5, "crowd", kNow), 2u);
  lobby.Remove(2);
  EXPECT_EQ(lobby.Add(6, "late", kNow), 3u);
  lobby.Remove(3);
  EXPECT_EQ(lobby.size(), 4u);
}

TEST(Lobby, AThousandOfOneAddressNeverReachAnother) {
  Lobby lobby(16);
  lobby.Add(1, "honest", kNow);
  for (Lobby::Guest guest = 2; guest < 1000; ++guest) {
    const auto out = lobby.Add(guest, "crowd", kNow);
    EXPECT_NE(out, 1u);
    EXPECT_NE(out, guest);
    if (out) lobby.Remove(*out);
  }
  EXPECT_EQ(lobby.size(), 16u);
}

TEST(Lobby, KnowsWhoseTimeIsOver) {
  Lobby lobby(9);
  EXPECT_EQ(lobby.NextDeadline(), absl::InfiniteFuture());
  lobby.Add(1, "a", kNow + absl::Seconds(2));
  lobby.Add(2, "a", kNow + absl::Seconds(1));
  EXPECT_EQ(lobby.NextDeadline(), kNow + absl::Seconds(1));
  EXPECT_THAT(lobby.Expired(kNow), IsEmpty());
  EXPECT_THAT(lobby.Expired(kNow + absl::Seconds(1)), ElementsAre(2));
  EXPECT_THAT(lobby.Expired(kNow + absl::Seconds(9)), ElementsAre(1, 2));
  lobby.Remove(2);
  EXPECT_EQ(lobby.NextDeadline(), kNow + absl::Seconds(2));
}

sockaddr_in6 Six(const char* text, int port = 5000) {
  sockaddr_in6 six = {};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(port);
  inet_pton(AF_INET6, text, &six.sin6_addr);
  return six;
}

std::string OriginOf(const char* text) {
  const sockaddr_in6 six = Six(text);
  return Origin(&six, sizeof(six));
}

TEST(Origin, IsAnAddressOrAnIpv6Network) {
  EXPECT_EQ(OriginOf("2001:db8:1:2::1"), OriginOf("2001:db8:1:2:ffff::9"));
  EXPECT_NE(OriginOf("2001:db8:1:2::1"), OriginOf("2001:db8:1:3::1"));
  EXPECT_NE(OriginOf("::ffff:10.0.0.1"), OriginOf("::ffff:10.0.0.2"));
  sockaddr_in four = {};
  four.sin_family = AF_INET;
  four.sin_port = htons(80);
  inet_pton(AF_INET, "10.0.0.1", &four.sin_addr);
  EXPECT_EQ(Origin(&four, sizeof(four)), OriginOf("::ffff:10.0.0.1"));
  EXPECT_EQ(PeerName(&four, sizeof(four)), "10.0.0.1:80");
  const sockaddr_in6 six = Six("2001:db8::1");
  EXPECT_EQ(PeerName(&six, sizeof(six)), "[2001:db8::1]:5000");
}

// A first message of `size` bytes in all.
std::string First(size_t size) {
  std::string bytes = "\x16\x03\x01";
  bytes += static_cast<char>((size - 5) >> 8);
  bytes += static_cast<char>(size - 5);
  bytes += '\x01';
  bytes += '\0';
  bytes += static_cast<char>((size - 9) >> 8);
  bytes += static_cast<char>(size - 9);
  bytes.resize(size, 'x');
  return bytes;
}

TEST(JudgeOpening, WantsOneWholeFirstMessage) {
  const std::string good = First(300);
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(JudgeOpening(good.substr(0, size)), Opening::kPartial) << size;
  }
  EXPECT_EQ(JudgeOpening(good), Opening::kWhole);
  EXPECT_EQ(JudgeOpening(good + "x"), Opening::kForeign);
  EXPECT_EQ(JudgeOpening(First(kMaxOpening)), Opening::kWhole);
  EXPECT_EQ(JudgeOpening(First(kMaxOpening + 1)), Opening::kForeign);
}

TEST(JudgeOpening, RefusesAtTheFirstByteThatIsWrong) {
  const std::string good = First(300);
  for (const size_t at : {0, 1, 2, 3, 5, 6}) {
    std::string bad = good.substr(0, at + 1);
    bad[at] = '\x7f';
    if (at == 3) bad += '\0';  // A length has two bytes.
    if (at == 6) bad += good.substr(7, 2);
    EXPECT_EQ(JudgeOpening(bad), Opening::kForeign) << at;
  }
  for (const char* const word : {"GET / HTTP/1.1", "SSH-2.0", "\x16\x02"}) {
    EXPECT_EQ(JudgeOpening(word), Opening::kForeign) << word;
  }
}

TEST(Refusals, AreToldInMeasure) {
  std::vector<std::string> told;
  Refusals refusals([&](const std::string& line) { told.push_back(line); });
  for (int i = 0; i < 1000; ++i) refusals.Add(absl::StrCat("no ", i), kNow);
  EXPECT_THAT(told, ElementsAre("no 0", "no 1", "no 2", "no 3", "no 4"));
  told.clear();
  refusals.Add("later", kNow + absl::Seconds(10));
  EXPECT_THAT(told, ElementsAre("995 more were refused", "later"));
}

TEST(ListenAt, SaysWhereAndWhyNot) {
  SocketAddress address{"127.0.0.1", 0};
  const auto first = ListenAt("--bind", &address);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_GT(address.port, 0);
  const auto second = ListenAt("--bind", &address);
  EXPECT_THAT(std::string(second.status().message()),
              testing::HasSubstr(
                  absl::StrCat("cannot listen at 127.0.0.1:", address.port,
                               ": Address already in use\nhelp: ")));
  SocketAddress six{"::1", 0};
  EXPECT_TRUE(ListenAt("--bind", &six).ok());
}

}  // namespace
}  // namespace dist
