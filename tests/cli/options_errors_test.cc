#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "cli/options.h"
#include "tests/cli/options_testing.h"

namespace dist {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(ParseOptionsTest, RefusesWhatIsWrong) {
  struct Row {
    const char* why;
    Strings args;
    const char* cause;
    const char* help;
  };
  for (const Row& row : {
           Row{"a typing error",
               {"--maxfial=3"},
               "unknown option '--maxfial'",
               "did you mean '--maxfail'?"},
           Row{"a plug-in's",
               {"--cov", "x"},
               "unknown option '--cov'",
               "go after '--'"},
           Row{"one letter", {"-Z"}, "unknown option '-Z'", "go after '--'"},
           Row{"one letter in a bundle",
               {"-xZ"},
               "unknown option '-Z'",
               "go after '--'"},
           Row{"no value at the end", {"--tx"}, "--tx needs a value", "--help"},
           Row{"an option for a value",
               {"--tx", "-x"},
               "--tx needs a value",
               "--help"},
           Row{"nothing before --",
               {"-k", "--", "a"},
               "-k needs a value",
               "--help"},
           Row{"a value too many",
               {"--lf=yes"},
               "--lf takes no value",
               "only --lf"},
           Row{"a bad spec",
               {"--tx=pope"},
               "--tx 'pope': unknown key 'pope'",
               "did you mean 'popen'?"},
           Row{"less than no worker",
               {"-n", "-1"},
               "-n: '-1' is no number",
               "-n auto"},
           Row{"no number of workers",
               {"-nfew"},
               "-n: 'few' is no number",
               "-n auto"},
           Row{"a bad mode",
               {"--dist=loadfiel"},
               "--dist: unknown value",
               "did you mean 'loadfile'?"},
           Row{"a mode from nowhere",
               {"--dist=xyzzy"},
               "--dist: unknown value 'xyzzy'",
               "one of load, each"},
           Row{"a bad runner",
               {"--runner=nose"},
               "--runner: unknown value",
               "one of pytest"},
           Row{"a negative number",
               {"--maxfail=-1"},
               "--maxfail: '-1'",
               "--maxfail=4"},
           Row{"no number", {"--retries", "x"}, "--retries: 'x'", "as in"},
           Row{"no seconds",
               {"--timeout=soon"},
               "--timeout: 'soon'",
               "--timeout=60"},
           Row{"endless seconds",
               {"--timeout=inf"},
               "--timeout: 'inf'",
               "--timeout=60"},
           Row{"chunks of nothing",
               {"--maxschedchunk=0"},
               "--maxschedchunk: '0'",
               "as in"},
           Row{"a debugger", {"--pdb"}, "--pdb does not work", "pytest"},
           Row{"an optional value left out",
               {"--debug"},
               "--debug does not work",
               "pytest"},
           Row{"an optional value given",
               {"--debug=x"},
               "--debug does not work",
               "pytest"},
           Row{"control characters", {"--\x1b[2J"}, "'--\\x1b[2J'", "go after"},
       }) {
    const auto options = ParseArgs(row.args);
    ASSERT_FALSE(options.ok()) << row.why;
    EXPECT_EQ(options.status().code(), absl::StatusCode::kInvalidArgument);
    const std::string message(options.status().message());
    EXPECT_THAT(message.substr(0, message.find('\n')), HasSubstr(row.cause))
        << row.why;
    ASSERT_THAT(message, HasSubstr("\nhelp: ")) << row.why;
    EXPECT_THAT(message.substr(message.find("\nhelp: ")), HasSubstr(row.help))
        << row.why;
  }
}

TEST(ParseOptionsTest, SaysWhereAnErrorComesFrom) {
  OptionSources ini;
  ini.ini_addopts = {"-nx"};
  ini.ini_path = "/p/pytest.ini";
  EXPECT_THAT(std::string(ParseOptions(ini).status().message()),
              StartsWith("/p/pytest.ini: addopts: -n: 'x'"));
  OptionSources env;
  env.env_addopts = {"--dist=x"};
  EXPECT_THAT(std::string(ParseOptions(env).status().message()),
              StartsWith("PYTEST_ADDOPTS: --dist: unknown value 'x'"));
  OptionSources toml;
  toml.settings = {{"maxfail", {"x"}, "dist.toml:7"}};
  EXPECT_THAT(std::string(ParseOptions(toml).status().message()),
              StartsWith("dist.toml:7: --maxfail: 'x'"));
}

}  // namespace
}  // namespace dist
