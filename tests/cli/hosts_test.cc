#include "cli/hosts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/cli/temp_folder.h"
#include "transports/tls/key.h"

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

absl::StatusOr<PlannedHosts> Plan(const std::vector<std::string>& texts,
                                  const ReachOptions& reach = {}) {
  std::vector<XSpec> specs;
  for (const std::string& text : texts) specs.push_back(*ParseXSpec(text));
  return PlanHosts(*ExpandSpecs(specs), reach);
}

std::vector<std::string> Names(const PlannedHosts& hosts) {
  std::vector<std::string> names;
  for (const HostAddress& address : hosts.addresses) {
    names.push_back(address.name);
  }
  return names;
}

std::vector<uint32_t> HostOf(const PlannedHosts& hosts) {
  std::vector<uint32_t> of;
  for (const HostId host : hosts.host_of) of.push_back(host.value());
  return of;
}

TEST(PlanHosts, MakesOneHostOfWhatIsReachedAlike) {
  const auto hosts =
      Plan({"2*popen", "exec=sh", "2*exec=sh//chdir=/tmp//python=p", "popen",
            "exec=bash"});
  ASSERT_TRUE(hosts.ok()) << hosts.status();
  EXPECT_THAT(Names(*hosts), ElementsAre("localhost", "sh", "bash"));
  EXPECT_THAT(HostOf(*hosts), ElementsAre(0, 0, 1, 1, 1, 0, 2));
  EXPECT_EQ(hosts->addresses[0].transport, "popen");
  EXPECT_EQ(hosts->addresses[1].transport, "exec");
  EXPECT_EQ(hosts->addresses[1].command, "sh");
  EXPECT_TRUE(IsHere(hosts->addresses[0]));
  EXPECT_FALSE(IsHere(hosts->addresses[1]));
}

TEST(PlanHosts, EachListenIsAHostThatHasItsPlace) {
  ReachOptions reach;
  reach.key_file = "/k";
  const std::vector<std::string> specs = {"2*listen=[::]:0", "popen",
                                          "listen=[::]:0"};
  const auto expected = Plan(specs, reach);
  ASSERT_TRUE(expected.ok()) << expected.status();
  EXPECT_THAT(Names(*expected),
              ElementsAre("[::]:0", "localhost", "[::]:0 #2"));
  EXPECT_THAT(HostOf(*expected), ElementsAre(0, 0, 1, 2));
  EXPECT_EQ(expected->addresses[2].transport, "listen");
  EXPECT_EQ(expected->addresses[2].place, 1u);
  EXPECT_EQ(expected->addresses[2].key_file, "/k");
  EXPECT_EQ(to_string(expected->addresses[2].socket), "[::]:0");
  reach.arrivals.hosts = {"ci", "ci"};
  EXPECT_THAT(Names(*Plan(specs, reach)),
              ElementsAre("ci", "localhost", "ci #2"));
  EXPECT_FALSE(Plan({"listen=h:1//id=a", "exec=sh//via=a"}).ok());
}

TEST(PlanHosts, ReachesAHostThroughAnother) {
  const auto hosts =
      Plan({"exec=sh//via=b//id=a", "exec=bash//id=b", "exec=sh//id=c",
            "popen//via=a//id=d", "exec=sh//via=e", "popen//id=e"});
  ASSERT_TRUE(hosts.ok()) << hosts.status();
  // The outer one is known first, whatever the order of the specifications.
  EXPECT_THAT(Names(*hosts),
              ElementsAre("bash", "sh via bash", "sh", "localhost"));
  EXPECT_THAT(HostOf(*hosts), ElementsAre(1, 0, 2, 1, 2, 3));
  ASSERT_NE(hosts->addresses[1].via, nullptr);
  EXPECT_EQ(hosts->addresses[1].via->command, "bash");
  EXPECT_EQ(hosts->addresses[2].via, nullptr);
}

TEST(PlanHosts, NamesHostsApart) {
  const std::string longer(100, 'x');
  const auto hosts = Plan({absl::StrCat("exec=", longer, "1"),
                           absl::StrCat("exec=", longer, "2"), "exec=a"});
  ASSERT_TRUE(hosts.ok()) << hosts.status();
  const std::string cut = absl::StrCat(std::string(37, 'x'), "...");
  EXPECT_THAT(Names(*hosts), ElementsAre(cut, absl::StrCat(cut, " #2"), "a"));
}

TEST(PlanHosts, HandsOnWhatSshIsDoneWith) {
  const auto hosts = Plan({"ssh=a//id=a", "ssh=b//via=a", "exec=sh//via=a"},
                          {SshChoice::kOpenSsh, ""});
  ASSERT_TRUE(hosts.ok()) << hosts.status();
  EXPECT_EQ(hosts->addresses[0].ssh_choice, SshChoice::kOpenSsh);
  EXPECT_EQ(hosts->addresses[1].ssh_choice, SshChoice::kOpenSsh);
  EXPECT_EQ(hosts->addresses[2].via->ssh_choice, SshChoice::kOpenSsh);
}

TEST(PlanHosts, ReadsTheKeyThatSocketsNeed) {
  const TempFolder folder;
  const std::string key = folder.Path("key");
  const auto none = Plan({"socket=h:1"}, {SshChoice::kAuto, key});
  EXPECT_THAT(std::string(none.status().message()),
              StartsWith(absl::StrCat("--tx socket=h:1: key file ", key,
                                      ": there is none\nhelp: ")));
  ASSERT_TRUE(MakeServeKey(key).ok());
  const auto hosts =
      Plan({"2*socket=[::1]:8888", "socket=h:1"}, {SshChoice::kAuto, key});
  ASSERT_TRUE(hosts.ok()) << hosts.status();
  EXPECT_THAT(Names(*hosts), ElementsAre("[::1]:8888", "h:1"));
  EXPECT_THAT(HostOf(*hosts), ElementsAre(0, 0, 1));
  EXPECT_EQ(hosts->addresses[0].socket.host, "::1");
  EXPECT_EQ(hosts->addresses[0].socket.port, 8888);
  EXPECT_EQ(hosts->addresses[1].key_file, key);
  for (const std::vector<std::string>& specs :
       {std::vector<std::string>{"exec=sh//id=a", "socket=h:1//via=a"},
        std::vector<std::string>{"socket=h:1//id=a", "exec=sh//via=a"}}) {
    const auto refused = Plan(specs, {SshChoice::kAuto, key});
    EXPECT_THAT(std::string(refused.status().message()),
                HasSubstr(": nothing leads through a dist serve"));
  }
  // What is there is that host.
  EXPECT_TRUE(
      Plan({"socket=h:1//id=a", "popen//via=a"}, {SshChoice::kAuto, key}).ok());
}

}  // namespace
}  // namespace dist
