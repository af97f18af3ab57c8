#include "core/xspec/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ParseSshAddressTest, TakesHostAndUser) {
  struct Row {
    const char* why;
    const char* text;
    const char* user;
    const char* host;
  };
  for (const Row& row : {
           Row{"a host alone", "build2", "", "build2"},
           Row{"a user", "me@build2", "me", "build2"},
           Row{"-l", "-l me build2", "me", "build2"},
           Row{"user@ wins over -l", "-l you me@build2", "me", "build2"},
           Row{"the last @ separates", "me@corp@build2", "me@corp", "build2"},
           Row{"IPv6", "::1", "", "::1"},
           Row{"options may follow the host", "build2 -p 22", "", "build2"},
       }) {
    const auto address = ParseSshAddress(row.text);
    ASSERT_TRUE(address.ok()) << row.why << ": " << address.status();
    EXPECT_EQ(address->user, row.user) << row.why;
    EXPECT_EQ(address->host, row.host) << row.why;
  }
}

TEST(ParseSshAddressTest, TakesEveryOption) {
  const auto address = ParseSshAddress(
      "-p5000 -i key1 -i 'my key' -F cfg -J jump -o Compression=yes "
      "-o \"ProxyCommand nc %h %p\" host");
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(address->port, 5000);
  EXPECT_THAT(address->identities, ElementsAre("key1", "my key"));
  EXPECT_EQ(address->config_file, "cfg");
  EXPECT_EQ(address->jump, "jump");
  EXPECT_THAT(address->options,
              ElementsAre("Compression=yes", "ProxyCommand nc %h %p"));
}

TEST(ParseSshAddressTest, RefusesWhatIsWrong) {
  struct Row {
    const char* why;
    const char* text;
    const char* cause;
  };
  for (const Row& row : {
           Row{"no host", "-p 22", "names no host"},
           Row{"a remote command", "host ls", "two hosts"},
           Row{"an unknown option", "-X host", "'-X' is not understood"},
           Row{"an end of options", "-- host", "'--' is not understood"},
           Row{"a lone dash", "-", "'-' is not understood"},
           Row{"an option without value", "host -p", "'-p' needs a value"},
           Row{"no port", "-p x host", "no port"},
           Row{"port zero", "-p 0 host", "no port"},
           Row{"too high a port", "-p 65536 host", "no port"},
           Row{"an empty user", "@host", "no user's name"},
           Row{"an empty host", "me@", "no host's name"},
           Row{"an option as host", "me@-oX", "no host's name"},
           Row{"an option as user", "-l -oX host", "no user's name"},
           Row{"a shell's work as host", "$(id)", "no host's name"},
           Row{"a blank in the host", "'a b'", "no host's name"},
           Row{"an open quotation", "'host", "no closing"},
       }) {
    const auto address = ParseSshAddress(row.text);
    ASSERT_FALSE(address.ok()) << row.why;
    EXPECT_THAT(std::string(address.status().message()), HasSubstr(row.cause))
        << row.why;
  }
}

TEST(ParseSocketAddressTest, TakesHostAndPort) {
  const auto v4 = ParseSocketAddress("build2:8888");
  ASSERT_TRUE(v4.ok());
  EXPECT_EQ(v4->host, "build2");
  EXPECT_EQ(v4->port, 8888);
  const auto v6 = ParseSocketAddress("[fe80::1%eth0]:1");
  ASSERT_TRUE(v6.ok());
  EXPECT_EQ(v6->host, "fe80::1%eth0");
  EXPECT_EQ(v6->port, 1);
}

TEST(ParseSocketAddressTest, RefusesWhatIsWrong) {
  struct Row {
    const char* why;
    const char* text;
    const char* cause;
  };
  for (const Row& row : {
           Row{"nothing", "", "needs a port"},
           Row{"no port", "host", "needs a port"},
           Row{"no port after IPv6", "[::1]", "needs a port"},
           Row{"an empty port", "host:", "no port"},
           Row{"a signed port", "host:+80", "no port"},
           Row{"too high a port", "host:70000", "no port"},
           Row{"an empty host", ":80", "no host's name"},
           Row{"IPv6 without brackets", "::1:80", "brackets"},
           Row{"text after the bracket", "[::1]x:80", "[IPv6]:PORT"},
           Row{"an open bracket", "[::1:80", "[IPv6]:PORT"},
           Row{"brackets around nothing", "[]:80", "no host's name"},
           Row{"a user", "me@host:80", "no host's name"},
       }) {
    const auto address = ParseSocketAddress(row.text);
    ASSERT_FALSE(address.ok()) << row.why;
    EXPECT_THAT(std::string(address.status().message()), HasSubstr(row.cause))
        << row.why;
  }
}

TEST(ParseListenAddressTest, TakesPortZeroForOneThatIsFree) {
  const auto address = ParseListenAddress("--bind", "[::]:0");
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(to_string(*address), "[::]:0");
  EXPECT_EQ(to_string(*ParseListenAddress("--bind", "0.0.0.0:8888")),
            "0.0.0.0:8888");
  EXPECT_FALSE(ParseSocketAddress("h:0").ok());
  EXPECT_THAT(
      std::string(ParseListenAddress("--bind", "8888").status().message()),
      HasSubstr("'--bind' needs a port"));
}

}  // namespace
}  // namespace dist
