#include "core/xspec/xspec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using Transport = XSpec::Transport;

XSpec Parsed(absl::string_view text) {
  const auto spec = ParseXSpec(text);
  EXPECT_TRUE(spec.ok()) << text << ": " << spec.status();
  return spec.ok() ? *spec : XSpec();
}

TEST(ParseXSpecTest, TakesTheTransportAndCount) {
  struct Row {
    const char* why;
    const char* text;
    int count;
    Transport transport;
    const char* address;
  };
  for (const Row& row : {
           Row{"the plainest", "popen", 1, Transport::kPopen, ""},
           Row{"several", "3*popen", 3, Transport::kPopen, ""},
           Row{"a count of one", "1*popen", 1, Transport::kPopen, ""},
           Row{"leading zeros are digits", "03*popen", 3, Transport::kPopen,
               ""},
           Row{"ssh keeps its arguments", "ssh=-p 22 me@h", 1, Transport::kSsh,
               "-p 22 me@h"},
           Row{"the transport need not be first", "python=py//ssh=h", 1,
               Transport::kSsh, "h"},
           Row{"hosts that come", "2*listen=[::]:0", 2, Transport::kListen,
               "[::]:0"},
           Row{"IPv6", "2*socket=[::1]:8888", 2, Transport::kSocket,
               "[::1]:8888"},
           Row{"a value may contain =", "exec=env A=1 sh", 1, Transport::kExec,
               "env A=1 sh"},
           Row{"no number before *: no count", "exec=sh -c 'echo *'", 1,
               Transport::kExec, "sh -c 'echo *'"},
           Row{"a single slash is part of the value", "exec=/bin/sh", 1,
               Transport::kExec, "/bin/sh"},
       }) {
    const XSpec spec = Parsed(row.text);
    EXPECT_EQ(spec.count, row.count) << row.why;
    EXPECT_EQ(spec.transport, row.transport) << row.why;
    EXPECT_EQ(spec.address, row.address) << row.why;
    EXPECT_EQ(spec.text, row.text) << row.why;
    EXPECT_EQ(Format(spec), row.text) << row.why;
  }
}

TEST(ParseXSpecTest, TakesEverySetting) {
  const XSpec spec = Parsed(
      "2*popen//via=b//id=a//python=python3.8//chdir=/x y//env:A=1//env:B_2="
      "//nice=-5//dont_write_bytecode//execmodel=thread");
  EXPECT_EQ(spec.via, "b");
  EXPECT_EQ(spec.id, "a");
  EXPECT_EQ(spec.python, "python3.8");
  EXPECT_EQ(spec.chdir, "/x y");
  EXPECT_THAT(spec.env, ElementsAre(Pair("A", "1"), Pair("B_2", "")));
  EXPECT_EQ(spec.nice, -5);
  EXPECT_TRUE(spec.dont_write_bytecode);
  EXPECT_EQ(spec.execmodel, "thread");
  EXPECT_EQ(Format(spec), spec.text);
}

TEST(ParseXSpecTest, RefusesWhatIsWrong) {
  struct Row {
    const char* why;
    std::string text;
    const char* cause;  // Part of the first line.
    const char* help;   // Part of the last.
  };
  for (const Row& row : {
           Row{"nothing", "", "no transport", "popen"},
           Row{"a count of nothing", "3*", "empty item", "'//'"},
           Row{"a typing error", "popen//pyhton=p", "unknown key 'pyhton'",
               "did you mean 'python'?"},
           Row{"a transport in capitals", "SSH=h", "unknown key 'SSH'",
               "did you mean 'ssh'?"},
           Row{"an URL is no value", "popen//chdir=a//b", "unknown key 'b'",
               "separates items"},
           Row{"execnet's ssh_config", "ssh=h//ssh_config=f",
               "unknown key 'ssh_config'", "-F FILE"},
           Row{"env without a name", "popen//env=1", "unknown key 'env'",
               "env:NAME=VALUE"},
           Row{"= without a key", "popen//=3", "unknown key ''", "popen ssh"},
           Row{"nothing between separators", "popen////id=a", "empty item",
               "one '//'"},
           Row{"nothing after a separator", "popen//", "empty item",
               "one '//'"},
           Row{"a key twice", "popen//id=a//id=b", "duplicate key 'id'",
               "once"},
           Row{"a variable twice", "popen//env:A=1//env:A=2",
               "duplicate key 'env:A'", "once"},
           Row{"a bare transport twice", "popen//popen",
               "duplicate key 'popen'", "once"},
           Row{"a value is missing", "popen//chdir", "'chdir' needs a value",
               "chdir=/tmp/work"},
           Row{"an empty value", "ssh=", "'ssh' needs a value",
               "ssh=user@host"},
           Row{"a blank value", "exec=  ", "'exec' needs a value", "exec="},
           Row{"a value too many", "popen=3", "'popen' takes no value",
               "write only popen"},
           Row{"a flag with a value", "popen//dont_write_bytecode=0",
               "'dont_write_bytecode' takes no value", "write only"},
           Row{"no transport", "python=python3", "no transport", "ssh=host"},
           Row{"two transports", "popen//ssh=h",
               "two transports, 'popen' and 'ssh'", "own --tx"},
           Row{"none of it", "0*popen", "'0*' means no worker", "1*"},
           Row{"none with more zeros", "000*popen", "'000*' means no worker",
               "1*"},
           Row{"less than none", "-2*popen", "'-2*' means no worker", "1*"},
           Row{"more than anybody has", "99999*popen", "too many", "10000"},
           Row{"more than fits", "99999999999999999999*popen", "too many",
               "10000"},
           Row{"a word is no count", "x*popen", "unknown key 'x*popen'", ""},
           Row{"nice is a number", "popen//nice=high", "whole number",
               "nice=10"},
           Row{"nice has a range", "popen//nice=20", "-20 to 19", "nice=10"},
           Row{"a variable starts with no digit", "popen//env:1A=x",
               "'1A' is no variable's name", "env:PATH"},
           Row{"a variable has a name", "popen//env:=x",
               "'' is no variable's name", "env:PATH"},
           Row{"a variable without value", "popen//env:A",
               "'env:A' needs a value", "env:A=1"},
           Row{"a name that is a path", "popen//id=../x", "name", "letters"},
           Row{"a name that is an option", "popen//id=-x", "name", "letters"},
           Row{"a newline", "popen//id=a\nb", "control character '\\n'",
               "remove"},
           Row{"a NUL", std::string("popen\0", 6), "control character '\\x00'",
               "remove"},
           Row{"an escape", "popen//id=\x1b[2J", "control character '\\x1b'",
               "remove"},
           Row{"a host that is an option", "ssh=-p 22 me@-oProxyCommand=x",
               "no host's name", "ssh=user@host"},
           Row{"ssh without a host", "ssh=-p 22", "names no host",
               "ssh=user@host"},
           Row{"a place to listen without a port", "listen=h",
               "'listen' needs a port", "listen=0.0.0.0:8888"},
           Row{"a socket without a port", "socket=h", "needs a port",
               "socket=host:8888"},
       }) {
    const auto spec = ParseXSpec(row.text);
    ASSERT_FALSE(spec.ok()) << row.why;
    EXPECT_EQ(spec.status().code(), absl::StatusCode::kInvalidArgument);
    const std::string message(spec.status().message());
    EXPECT_THAT(message.substr(0, message.find('\n')), HasSubstr(row.cause))
        << row.why;
    const size_t help = message.rfind("\nhelp: ");
    ASSERT_NE(help, std::string::npos) << row.why;
    EXPECT_THAT(message.substr(help), HasSubstr(row.help)) << row.why;
  }
}

TEST(ParseXSpecTest, PointsAtTheItem) {
  EXPECT_EQ(ParseXSpec("popen//pyhton=python3").status().message(),
            "--tx 'popen//pyhton=python3': unknown key 'pyhton'\n"
            "  popen//pyhton=python3\n"
            "         ^~~~~~\n"
            "help: did you mean 'python'?");
}

TEST(ParseXSpecTest, CountsCharactersNotBytesForTheCaret) {
  const auto spec = ParseXSpec("popen//chdir=/\xc3\xbc\xc3\xb6//nice=x");
  EXPECT_THAT(std::string(spec.status().message()),
              HasSubstr("\n  popen//chdir=/\xc3\xbc\xc3\xb6//nice=x"
                        "\n                    ^~~~~~\n"));
}

TEST(ParseXSpecTest, PointsBehindAShownEscape) {
  const auto spec = ParseXSpec("a\tb");
  EXPECT_THAT(std::string(spec.status().message()),
              HasSubstr("\n  a\\tb\n   ^~\n"));
}

TEST(XSpecTest, ComparesByItems) {
  EXPECT_EQ(Parsed("2*popen//id=a"), Parsed("2*popen//id=a"));
  EXPECT_NE(Parsed("2*popen//id=a"), Parsed("3*popen//id=a"));
  EXPECT_NE(Parsed("popen//env:A="), Parsed("popen//env:A=1"));
}

TEST(XSpecTest, NamesItsTransports) {
  EXPECT_EQ(to_string(Transport::kPopen), "popen");
  EXPECT_EQ(to_string(Transport::kExec), "exec");
}

}  // namespace
}  // namespace dist
