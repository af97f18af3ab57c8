#include "transports/ssh/words.h"

#include <gtest/gtest.h>

namespace dist {
namespace {

TEST(ForeignWordsTest, AreOneHarmlessLine) {
  EXPECT_EQ(ForeignWords("  two\r\nlines\n"), "two lines");
  EXPECT_EQ(ForeignWords("\x1b]0;title\x07"), "\\x1b]0;title\\x07");
  EXPECT_EQ(ForeignWords("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(ForeignWords("bad \xff\xfe"), "bad ??");
  EXPECT_EQ(ForeignWords("c1 \xc2\x9b!"), "c1 ?!");
  EXPECT_EQ(ForeignWords(std::string(1000, 'x')),
            std::string(400, 'x') + "...");
}

TEST(ShellWordTest, IsOneWordToAShell) {
  EXPECT_EQ(ShellWord("a-b_c./d:1"), "a-b_c./d:1");
  EXPECT_EQ(ShellWord(""), "''");
  EXPECT_EQ(ShellWord("a b"), "'a b'");
  EXPECT_EQ(ShellWord("it's $(x)"), "'it'\\''s $(x)'");
  EXPECT_EQ(ShellWord("[h]:2"), "'[h]:2'");
}

TEST(FailureTest, HelpIsTheSecondLine) {
  EXPECT_EQ(Failure(absl::StatusCode::kNotFound, "cause", "do").message(),
            "cause\nhelp: do");
  EXPECT_EQ(Failure(absl::StatusCode::kNotFound, "cause").message(), "cause");
}

TEST(SshCommandTest, CanBeTyped) {
  SshAddress address;
  address.host = "build";
  EXPECT_EQ(SshCommandFor(address), "ssh build");
  address.user = "me";
  address.port = 2222;
  address.identities = {"my key"};
  address.config_file = "/c";
  address.jump = "gate";
  address.options = {"User it's"};
  EXPECT_EQ(SshCommandFor(address, "-G"),
            "ssh -G -F /c -p 2222 -i 'my key' -o 'User it'\\''s' -J gate "
            "me@build");
}

TEST(WhereTest, NamesAPortThatIsNotTheUsualOne) {
  SshSettings settings;
  settings.host = "10.0.0.1";
  EXPECT_EQ(Where(settings), "10.0.0.1");
  settings.port = 2222;
  EXPECT_EQ(Where(settings), "10.0.0.1 port 2222");
}

}  // namespace
}  // namespace dist
