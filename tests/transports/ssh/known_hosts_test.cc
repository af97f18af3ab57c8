#include "transports/ssh/known_hosts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace dist {
namespace {

using ::testing::ElementsAre;
using Verdict = KnownKeys::Verdict;

TEST(KnownHostsLineTest, IsTakenApart) {
  const auto line =
      ParseKnownHostsLine("@revoked  a,b\tssh-ed25519 QUJD a comment\r");
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(line->mark, KnownHostsMark::kRevoked);
  EXPECT_EQ(line->names, "a,b");
  EXPECT_EQ(line->type, "ssh-ed25519");
  EXPECT_EQ(line->key, "QUJD");
}

TEST(KnownHostsLineTest, OthersAreLeftOut) {
  for (const char* line :
       {"", "  ", "# a ssh-rsa QUJD", "a", "a ssh-rsa", "a ssh-rsa ???",
        "@unknown a ssh-rsa QUJD", "@revoked", "a ssh-rsa ="}) {
    EXPECT_FALSE(ParseKnownHostsLine(line).has_value()) << line;
  }
}

TEST(MatchesKnownHostTest, Patterns) {
  EXPECT_TRUE(MatchesKnownHost("build", "build"));
  EXPECT_TRUE(MatchesKnownHost("BUILD.Example", "build.example"));
  EXPECT_FALSE(MatchesKnownHost("build", "build2"));
  EXPECT_TRUE(MatchesKnownHost("a,build*,c", "build2"));
  EXPECT_TRUE(MatchesKnownHost("build?", "build2"));
  EXPECT_FALSE(MatchesKnownHost("build?", "build"));
  EXPECT_FALSE(MatchesKnownHost("*,!build2", "build2"));
  EXPECT_TRUE(MatchesKnownHost("*,!build2", "build3"));
  EXPECT_FALSE(MatchesKnownHost("!build2", "build3"));
  EXPECT_TRUE(MatchesKnownHost("[build]:2222", "[build]:2222"));
  EXPECT_FALSE(MatchesKnownHost("build", "[build]:2222"));
  EXPECT_TRUE(MatchesKnownHost("*a*b*", "xxaxxbxx"));
  EXPECT_FALSE(MatchesKnownHost("*a*b*", "xxbxxaxx"));
  EXPECT_FALSE(MatchesKnownHost(",", ""));
}

TEST(MatchesKnownHostTest, LongPatternsAreQuick) {
  std::string pattern, name;
  for (int i = 0; i < 2000; ++i) {
    pattern += "*a";
    name += "a";
  }
  EXPECT_FALSE(MatchesKnownHost(pattern + "b", name));
}

// By `ssh-keygen -H`.
constexpr char kHashed[] =
    "|1|nQYDa9w0oaUgvilmDnCGUZDUg9o=|NZr74LDioTzOLPeJEE+5Bp3roPc=";

TEST(MatchesKnownHostTest, HashedNames) {
  EXPECT_TRUE(MatchesKnownHost(kHashed, "[build.example]:2222"));
  EXPECT_FALSE(MatchesKnownHost(kHashed, "build.example"));
  EXPECT_FALSE(MatchesKnownHost("|2|YQ==|YQ==", "a"));
  EXPECT_FALSE(MatchesKnownHost("|1|YQ==", "a"));
  EXPECT_FALSE(MatchesKnownHost("|1|?|?", "a"));
}

struct Row {
  const char* why;
  const char* text;
  int port;
  const char* alias;
  Verdict verdict;
  const char* where;
};

TEST(KnownKeysTest, Judges) {
  // The host is h; it shows an ed25519 key "S0VZ".
  const Row rows[] = {
      {"nothing is known", "", 22, "", Verdict::kUnknown, ""},
      {"another host is known", "x ssh-ed25519 S0VZ", 22, "", Verdict::kUnknown,
       ""},
      {"the key is known", "x ssh-rsa QQ==\nh ssh-ed25519 S0VZ", 22, "",
       Verdict::kKnown, "f:2"},
      {"the key has changed", "h ssh-ed25519 QQ==", 22, "", Verdict::kChanged,
       "f:1"},
      {"one of two keys fits", "h ssh-ed25519 QQ==\nh ssh-ed25519 S0VZ", 22, "",
       Verdict::kKnown, "f:2"},
      {"only another type is known", "h ssh-rsa QQ==", 22, "",
       Verdict::kOtherType, "f:1"},
      {"a change weighs more than another type",
       "h ssh-rsa QQ==\nh ssh-ed25519 QQ==", 22, "", Verdict::kChanged, "f:2"},
      {"it is revoked, though known",
       "h ssh-ed25519 S0VZ\n@revoked * ssh-ed25519 S0VZ", 22, "",
       Verdict::kRevoked, "f:2"},
      {"another key is revoked",
       "@revoked h ssh-ed25519 QQ==\nh ssh-ed25519 S0VZ", 22, "",
       Verdict::kKnown, "f:2"},
      {"an authority is no host key", "@cert-authority h ssh-ed25519 S0VZ", 22,
       "", Verdict::kUnknown, ""},
      {"a port has its own line", "[h]:99 ssh-ed25519 S0VZ", 99, "",
       Verdict::kKnown, "f:1"},
      {"the line without port will do", "h ssh-ed25519 S0VZ", 99, "",
       Verdict::kKnown, "f:1"},
      {"but says nothing against a port's key", "h ssh-ed25519 QQ==", 99, "",
       Verdict::kUnknown, ""},
      {"a port's line is not for port 22", "[h]:99 ssh-ed25519 S0VZ", 22, "",
       Verdict::kUnknown, ""},
      {"an alias replaces host and port", "farm ssh-ed25519 S0VZ", 99, "farm",
       Verdict::kKnown, "f:1"},
      {"the host's own name does not count then", "[h]:99 ssh-ed25519 S0VZ", 99,
       "farm", Verdict::kUnknown, ""},
  };
  for (const Row& row : rows) {
    KnownKeys keys;
    keys.Add(row.text, "f", "H", row.port, row.alias);
    std::string where;
    EXPECT_EQ(keys.Judge("ssh-ed25519", "S0VZ", &where), row.verdict)
        << row.why;
    EXPECT_EQ(where, row.where) << row.why;
  }
}

TEST(KnownKeysTest, KnowsTheTypesToAskFor) {
  KnownKeys keys;
  keys.Add("h ssh-rsa QQ==\nh ssh-ed25519 QQ==\nh ssh-rsa Qg==", "f", "h", 22,
           "");
  EXPECT_THAT(keys.Types(), ElementsAre("ssh-rsa", "ssh-ed25519"));
  EXPECT_FALSE(keys.NeedsCertificate());
}

TEST(KnownKeysTest, KnowsThatOnlyACertificateWouldDo) {
  KnownKeys keys;
  keys.Add("@cert-authority *.h ssh-rsa QQ==", "f", "a.h", 22, "");
  EXPECT_TRUE(keys.NeedsCertificate());
  keys.Add("a.h ssh-rsa QQ==", "g", "a.h", 22, "");
  EXPECT_FALSE(keys.NeedsCertificate());
}

}  // namespace
}  // namespace dist
