#include "transports/ssh/program_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dist {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

SshAddress Address() {
  SshAddress address;
  address.host = "build1";
  address.user = "me";
  address.config_file = "my config";
  return address;
}

std::string Say(absl::string_view words, absl::string_view shown = "") {
  return std::string(ProgramFailure(Address(), words, shown).message());
}

TEST(ProgramFailureTest, AnUnknownKeyComesWithWhatToDo) {
  constexpr char kWords[] =
      "No ED25519 host key is known for [10.0.0.1]:2222 and you have "
      "requested strict checking.\r\nHost key verification failed.\r\n";
  EXPECT_TRUE(MissesHostKey(kWords));
  EXPECT_EQ(ProgramFailure(Address(), kWords).code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Say(kWords, "ssh-ed25519 SHA256:abc"),
            "the host key of [10.0.0.1]:2222 is not known (ssh-ed25519 "
            "SHA256:abc)\nhelp: this shows it, and asks whether to accept it: "
            "ssh -o StrictHostKeyChecking=ask -F 'my config' me@build1 true");
  EXPECT_THAT(Say(kWords), HasSubstr("is not known\n"));
}

TEST(ProgramFailureTest, AChangedKeyIsSaidLoudly) {
  constexpr char kWords[] =
      "@@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n"
      "The fingerprint for the ED25519 key sent by the remote host is\n"
      "SHA256:abc.\nPlease contact your system administrator.\n"
      "Add correct host key in /k to get rid of this message.\n"
      "Offending ED25519 key in /k:7\n  remove with:\n"
      "  ssh-keygen -f \"/k\" -R \"[10.0.0.1]:2222\"\n"
      "Host key for [10.0.0.1]:2222 has changed and you have requested strict "
      "checking.\nHost key verification failed.\n";
  EXPECT_FALSE(MissesHostKey(kWords));
  EXPECT_EQ(
      Say(kWords),
      "THE HOST KEY OF [10.0.0.1]:2222 HAS CHANGED: somebody may be "
      "listening in, or the host was installed anew; it shows SHA256:abc, "
      "/k:7 has another one\nhelp: ask who runs the host. Only if it was "
      "installed anew: ssh-keygen -f /k -R '[10.0.0.1]:2222'");
}

// A server that is known may print what it likes before the login fails.
TEST(ProgramFailureTest, NoCommandOfAServerIsRecommended) {
  EXPECT_THAT(
      Say("REMOTE HOST IDENTIFICATION HAS CHANGED\nssh-keygen -f x; evil\n"
          "Offending key in /k;evil:7\nHost key for $(evil) has changed and\n"),
      AllOf(HasSubstr("ssh-keygen -f '/k;evil' -R '$(evil)'"),
            Not(HasSubstr("x; evil"))));
}

TEST(ProgramFailureTest, ARevokedKeyIsNoChangedOne) {
  EXPECT_THAT(Say("@ WARNING: REVOKED HOST KEY DETECTED! @\nThe ED25519 host "
                  "key for build1 is marked as revoked.\n"),
              AllOf(HasSubstr("THE HOST KEY OF build1 IS REVOKED"),
                    HasSubstr("help: do not connect")));
}

TEST(ProgramFailureTest, OthersHaveTheCodesOfLibsshsWay) {
  const struct {
    const char* words;
    absl::StatusCode code;
    const char* said;
  } kRows[] = {
      {"Warning: Identity file /k not accessible: No such file or directory.\n"
       "me@10.0.0.1: Permission denied (publickey).",
       absl::StatusCode::kUnauthenticated,
       "ssh -v -F 'my config' me@build1 true"},
      {"ssh: Could not resolve hostname build1: Name or service not known",
       absl::StatusCode::kNotFound, "unknown host build1: Name or service"},
      {"ssh: connect to host 10.0.0.1 port 22: Connection refused",
       absl::StatusCode::kUnavailable, "port 22: Connection refused"},
      {"ssh: connect to host 10.0.0.1 port 22: Connection timed out",
       absl::StatusCode::kDeadlineExceeded, "firewall"},
      {"kex_exchange_identification: Connection closed by remote host\r\n"
       "Connection closed by UNKNOWN port 65535",
       absl::StatusCode::kUnavailable,
       "no ssh connection: kex_exchange_identification: Connection closed"},
      {"", absl::StatusCode::kUnavailable, "no ssh connection\nhelp: try ssh"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.words);
    const absl::Status status = ProgramFailure(Address(), row.words);
    EXPECT_EQ(status.code(), row.code);
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(row.said), HasSubstr("\nhelp: ")));
  }
}

TEST(ProgramFailureTest, ForeignWordsAreHarmless) {
  EXPECT_THAT(Say("No \x1b[2J host key is known for \x1b[2J and you"),
              Not(HasSubstr("\x1b")));
  EXPECT_THAT(Say("Permission denied (\x1b]0;x\x07)"), Not(HasSubstr("\x1b")));
}

TEST(ShownHostKeyTest, IsTheLastOne) {
  EXPECT_EQ(ShownHostKey("debug1: Server host key: ssh-rsa SHA256:1\r\n"
                         "debug1: Server host key: ssh-ed25519 SHA256:2\r\n"
                         "debug1: more\n"),
            "ssh-ed25519 SHA256:2");
  EXPECT_EQ(ShownHostKey("debug1: nothing"), "");
}

}  // namespace
}  // namespace dist
