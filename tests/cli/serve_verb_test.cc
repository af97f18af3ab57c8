#include "cli/serve_verb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Strings = std::vector<std::string>;

TEST(ParseServeOptions, IsLoopbackUnlessToldOtherwise) {
  const auto plain = ParseServeOptions({});
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_EQ(to_string(plain->address), "127.0.0.1:8888");
  EXPECT_EQ(plain->key_file, "");
  EXPECT_FALSE(plain->once);
  const auto all = ParseServeOptions(
      {"--bind=[::]:1", "--key-file", "/k", "--max-runs=3", "--once"});
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(to_string(all->address), "[::]:1");
  EXPECT_EQ(all->key_file, "/k");
  EXPECT_EQ(all->max_runs, 3);
  EXPECT_TRUE(all->once);
  EXPECT_TRUE(ParseServeOptions({"--help", "--bind=[::]:1"})->help);
  const auto dials = ParseServeOptions({"--dial=[::1]:9", "--once"});
  ASSERT_TRUE(dials.ok()) << dials.status();
  EXPECT_TRUE(dials->dials && dials->once);
  EXPECT_EQ(to_string(dials->address), "[::1]:9");
}

TEST(ParseServeOptions, RefusesWhatItDoesNotKnow) {
  struct Row {
    Strings args;
    const char* words;
  };
  for (const Row& row : {
           Row{{"--bnid", "x"}, "unknown word '--bnid'\nhelp: did you mean"},
           Row{{"tests"}, "unknown word 'tests'"},
           Row{{"--dial", "h"}, "'--dial' needs a port\nhelp: "},
           Row{{"--dial", "h:0"}, "'0' is no port"},
           Row{{"--dial", "h:1", "--bind", "[::]:1"}, "--bind and --dial\n"},
           Row{{"--dial", "h:1", "--max-runs", "2"}, "--max-runs with --dial"},
           Row{{"--bind", "h"}, "'--bind' needs a port\nhelp: "},
           Row{{"--bind"}, "--bind"},
           Row{{"--max-runs", "x"}, "--max-runs"},
           Row{{"--max-runs", "0"}, "--max-runs"},
           Row{{"\x1b[2J"}, "help: "},
       }) {
    const auto options = ParseServeOptions(row.args);
    ASSERT_FALSE(options.ok()) << row.words;
    const std::string message(options.status().message());
    EXPECT_THAT(message, HasSubstr(row.words));
    EXPECT_EQ(message.find('\x1b'), std::string::npos);
  }
}

TEST(ServeHelp, NamesEveryOption) {
  for (const char* option :
       {"--bind", "--dial", "--key-file", "--max-runs", "--once"}) {
    EXPECT_THAT(ServeHelp(), HasSubstr(option));
  }
}

TEST(DescribeServe, SaysWhatToTypeAtTheOtherEnd) {
  ServeFacts facts;
  facts.address = {"127.0.0.1", 8888};
  facts.host = "build1";
  facts.version = "1+a";
  facts.key_file = "/k";
  facts.fingerprint = "dist1:ab";
  EXPECT_EQ(DescribeServe(facts),
            "dist 1+a serves at 127.0.0.1:8888\nkey: /k (dist1:ab)\n"
            "on this machine: dist --tx socket=127.0.0.1:8888\n");
  facts.address = {"::", 9};
  facts.key_is_new = true;
  EXPECT_EQ(DescribeServe(facts),
            "dist 1+a serves at [::]:9\nkey: /k (dist1:ab), new\n"
            "elsewhere: scp -p build1:/k ~/.config/dist/key, once, then dist "
            "--tx socket=build1:9\n");
  facts.address = {"10.0.0.7", 9};
  EXPECT_THAT(DescribeServe(facts), HasSubstr("socket=10.0.0.7:9\n"));
  facts.dials = true;
  facts.key_is_new = false;
  EXPECT_EQ(DescribeServe(facts),
            "dist 1+a offers build1 to 10.0.0.7:9\nkey: /k (dist1:ab)\n"
            "there: dist --listen ADDRESS:9\n");
}

TEST(NodeStartCommand, IsThisProgram) {
  EXPECT_THAT(NodeStartCommand("/usr/bin/dist", Strings{"dist", "serve"}),
              ElementsAre("/proc/self/exe", "node", "--served"));
  // Run by a loader, as bundles are.
  EXPECT_THAT(
      NodeStartCommand("/c/ld-linux-x86-64.so.2",
                       Strings{"/c/ld-linux-x86-64.so.2", "--library-path",
                               "/c", "/c/dist", "serve", "--once"}),
      ElementsAre("/proc/self/exe", "--library-path", "/c", "/c/dist", "node",
                  "--served"));
}

}  // namespace
}  // namespace dist
