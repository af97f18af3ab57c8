#include "transports/ssh/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kDefaults[] =
    "host localhost\nuser me\nhostname localhost\nport 22\n"
    "ciphers a,b\nkexalgorithms k\n";

SshSettings Parse(const std::string& text) {
  const auto settings = ParseSshSettings(
      "user me\nhostname h\nport 22\nciphers a,b\n" + text, kDefaults);
  EXPECT_TRUE(settings.ok()) << settings.status();
  return settings.value_or(SshSettings());
}

TEST(SshSettingsTest, ReadsWhatSshPrints) {
  const auto settings = ParseSshSettings(
      "host build\nuser ada\nhostname build.example\nport 2222\n"
      "identitiesonly yes\nidentityfile ~/.ssh/one\nidentityfile ~/.ssh/two\n"
      "identityagent none\nuserknownhostsfile /a /b\n"
      "globalknownhostsfile /c\nhostkeyalias farm\nproxyjump x,y\n"
      "addressfamily inet6\nbindaddress ::1\nconnecttimeout 7\n"
      "compression yes\nbatchmode yes\nciphers b,a\nkexalgorithms k\n"
      "numberofpasswordprompts 1\npubkeyauthentication true\n",
      kDefaults);
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(settings->alias, "build");
  EXPECT_EQ(settings->user, "ada");
  EXPECT_EQ(settings->host, "build.example");
  EXPECT_EQ(settings->port, 2222);
  EXPECT_TRUE(settings->identities_only);
  EXPECT_THAT(settings->identities, ElementsAre("~/.ssh/one", "~/.ssh/two"));
  EXPECT_EQ(settings->identity_agent, "none");
  EXPECT_THAT(settings->user_known_hosts, ElementsAre("/a", "/b"));
  EXPECT_THAT(settings->global_known_hosts, ElementsAre("/c"));
  EXPECT_EQ(settings->host_key_alias, "farm");
  EXPECT_EQ(settings->proxy_jump, "x,y");
  EXPECT_EQ(settings->address_family, "inet6");
  EXPECT_EQ(settings->bind_address, "::1");
  EXPECT_EQ(settings->connect_timeout, 7);
  EXPECT_TRUE(settings->compression);
  EXPECT_TRUE(settings->batch);
  EXPECT_EQ(settings->passphrase_prompts, 1);
  EXPECT_TRUE(settings->public_keys);
  EXPECT_EQ(settings->ciphers, "b,a");  // Not the default: the user's.
  EXPECT_EQ(settings->key_exchanges, "");
  EXPECT_THAT(settings->beyond_libssh, IsEmpty());
}

TEST(SshSettingsTest, NoneIsNothing) {
  const SshSettings settings = Parse(
      "connecttimeout none\nproxyjump none\nproxycommand none\n"
      "userknownhostsfile none\nidentityfile none\nidentityagent "
      "SSH_AUTH_SOCK\ncertificatefile none\n");
  EXPECT_EQ(settings.connect_timeout, 0);
  EXPECT_EQ(settings.proxy_jump, "");
  EXPECT_EQ(settings.proxy_command, "");
  EXPECT_THAT(settings.user_known_hosts, IsEmpty());
  EXPECT_THAT(settings.identities, IsEmpty());
  EXPECT_EQ(settings.identity_agent, "");
  EXPECT_THAT(settings.beyond_libssh, IsEmpty());
}

TEST(SshSettingsTest, NamesWhatLibsshCannotDo) {
  for (const auto& [line, name] :
       {std::pair<const char*, const char*>{"certificatefile /c",
                                            "CertificateFile"},
        {"pkcs11provider /p", "PKCS11Provider"},
        {"knownhostscommand /k", "KnownHostsCommand"},
        {"bindinterface eth0", "BindInterface"},
        {"proxyusefdpass yes", "ProxyUseFdpass"},
        {"preferredauthentications password", "PreferredAuthentications"},
        {"pubkeyauthentication no", "PubkeyAuthentication no"}}) {
    EXPECT_THAT(Parse(line).beyond_libssh, ElementsAre(name)) << line;
  }
  EXPECT_THAT(
      Parse("preferredauthentications publickey,password").beyond_libssh,
      IsEmpty());
}

TEST(SshSettingsTest, RefusesWhatNamesNoHost) {
  for (const char* text :
       {"", "hostname h\nuser u\n", "hostname h\nport 22\n",
        "user u\nport 22\n", "hostname h\nuser u\nport 70000\n",
        "hostname h\nuser u\nport -1\n"}) {
    EXPECT_FALSE(ParseSshSettings(text, kDefaults).ok()) << text;
  }
}

const char* Variable(const char* name) {
  return strcmp(name, "V") == 0 ? "value" : nullptr;
}

TEST(SshTokensTest, AreReplaced) {
  SshTokens tokens;
  tokens.alias = "n";
  tokens.host = "h%r";
  tokens.port = "2";
  tokens.user = "r";
  tokens.local_user = "u";
  tokens.home = "/home/u";
  tokens.uid = "7";
  tokens.key_alias = "k";
  tokens.local_host = "l.example";
  const auto expand = [&](const char* text) {
    const auto out = ExpandSshTokens(text, tokens, Variable);
    return out.ok() ? *out : std::string(out.status().message());
  };
  EXPECT_EQ(expand("~/.ssh/%n-%h-%p-%r-%u-%i-%k-%l-%L"),
            "/home/u/.ssh/n-h%r-2-r-u-7-k-l.example-l");
  EXPECT_EQ(expand("%d/100%%/a~b"), "/home/u/100%/a~b");
  EXPECT_EQ(expand("x${V}y"), "xvaluey");
  EXPECT_EQ(expand("${W}"), "the variable W is not set");
  EXPECT_EQ(expand("${W"), "no closing } after ${");
  EXPECT_EQ(expand("%"), "nothing follows the last %");
  EXPECT_EQ(expand("%C"), "the token %C");
  EXPECT_EQ(ExpandSshTokens("%C", tokens, Variable).status().code(),
            absl::StatusCode::kUnimplemented);
}

TEST(SshJumpTest, IsTakenApart) {
  const auto check = [](const char* text, const char* user, const char* host,
                        int port, const char* before) {
    const auto jump = ParseSshJump(text);
    ASSERT_TRUE(jump.ok()) << text << jump.status();
    EXPECT_EQ(jump->user, user) << text;
    EXPECT_EQ(jump->host, host) << text;
    EXPECT_EQ(jump->port, port) << text;
    EXPECT_EQ(jump->before, before) << text;
  };
  check("gate", "", "gate", 0, "");
  check("me@gate:2222", "me", "gate", 2222, "");
  check("a,me@b:1,c", "", "c", 0, "a,me@b:1");
  check("ssh://me@gate:22/", "me", "gate", 22, "");
  check("[::1]:2222", "", "::1", 2222, "");
  check("me@[fe80::1]", "me", "fe80::1", 0, "");
  check("fe80::1", "", "fe80::1", 0, "");
}

TEST(SshJumpTest, RefusesWhatIsNone) {
  for (const char* text :
       {"", ",", "a,", "-oProxyCommand=x", "a:", "a:0", "a:70000", "a:b", "@a",
        "a b", "a;b", "$(a)", "[::1", "[::1]2", "[::1]::2", "'a'"}) {
    EXPECT_FALSE(ParseSshJump(text).ok()) << text;
  }
}

}  // namespace
}  // namespace dist
