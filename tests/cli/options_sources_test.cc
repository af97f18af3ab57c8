#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "cli/options.h"
#include "tests/cli/options_testing.h"

namespace dist {
namespace {

TEST(ParseOptionsTest, LaterSourcesWin) {
  OptionSources sources;
  sources.settings = {{"maxfail", {"1"}, "dist.toml:1"},
                      {"retries", {"1"}, "dist.toml:2"},
                      {"timeout", {"1"}, "dist.toml:3"},
                      {"color", {"yes"}, "dist.toml:4"}};
  sources.ini_addopts = {"--maxfail=2", "--retries=2", "--timeout=2"};
  sources.env_addopts = {"--maxfail=3", "--retries=3"};
  sources.args = {"--maxfail=4"};
  const Options options = Parsed(sources);
  EXPECT_EQ(options.max_fail, 4);
  EXPECT_EQ(options.retries, 3);
  EXPECT_EQ(options.timeout, absl::Seconds(2));
  EXPECT_EQ(options.color, Color::kYes);
}

TEST(ParseOptionsTest, CombinesWhereOverSources) {
  struct Row {
    const char* why;
    Strings toml_tx;
    std::string toml_n;
    Strings ini;
    Strings args;
    Strings tx;
  };
  for (const Row& row : {
           Row{"dist.toml alone", {"ssh=a"}, "", {}, {}, {"ssh=a"}},
           Row{"--tx replaces that of dist.toml",
               {"ssh=a"},
               "",
               {},
               {"--tx=ssh=b"},
               {"ssh=b"}},
           Row{"--tx of addopts stays, as in xdist",
               {"ssh=z"},
               "",
               {"--tx=ssh=a"},
               {"--tx=ssh=b"},
               {"ssh=a", "ssh=b"}},
           Row{"--tx drops an earlier -n",
               {},
               "4",
               {"-n3"},
               {"--tx=ssh=b"},
               {"ssh=b"}},
           Row{"-n drops an earlier --tx",
               {},
               "",
               {"--tx=ssh=a"},
               {"-n2"},
               {"2*popen"}},
           Row{"-n of dist.toml", {}, "2", {}, {"-v"}, {"2*popen"}},
           Row{"-n 0 on the command line",
               {"ssh=a"},
               "",
               {"-n3"},
               {"-n0"},
               {"popen"}},
       }) {
    OptionSources sources;
    if (!row.toml_tx.empty())
      sources.settings.push_back({"tx", row.toml_tx, ""});
    if (!row.toml_n.empty())
      sources.settings.push_back({"n", {row.toml_n}, ""});
    sources.ini_addopts = row.ini;
    sources.args = row.args;
    EXPECT_EQ(TxOf(Parsed(sources)), row.tx) << row.why;
  }
}

TEST(ParseOptionsTest, LetsTheCommandLinesDistWinOverEarlierD) {
  OptionSources sources;
  sources.ini_addopts = {"-d"};
  sources.args = {"--dist=each", "--tx=popen"};
  EXPECT_EQ(Parsed(sources).dist, DistMode::kEach);
}

TEST(ParseOptionsTest, PassesOnWhatAddoptsHasOfPlugins) {
  struct Row {
    const char* why;
    Strings addopts;
    Strings framework;
    Strings paths;
  };
  for (const Row& row : {
           Row{"a flag, then an option of ours",
               {"--cov", "-n2"},
               {"--cov"},
               {}},
           Row{"with =", {"--cov=a", "tests"}, {"--cov=a"}, {"tests"}},
           Row{"with what may be its value",
               {"--cov", "a", "-k", "b"},
               {"--cov", "a", "-k", "b"},
               {}},
           Row{"in a bundle", {"-vZ"}, {"-Z"}, {}},
           Row{"in order",
               {"-k", "a", "--cov=b", "-m", "c"},
               {"-k", "a", "--cov=b", "-m", "c"},
               {}},
       }) {
    OptionSources sources;
    sources.ini_addopts = row.addopts;
    const Options options = Parsed(sources);
    EXPECT_EQ(options.framework_args, row.framework) << row.why;
    EXPECT_EQ(options.paths, row.paths) << row.why;
  }
}

TEST(ParseOptionsTest, TakesNoCommandsFromAProject) {
  const Strings harmless = {"--tx=ssh=-p2 -i key me@host", "--tx=2*popen"};
  for (const std::string spec :
       {"exec=sh", "ssh=-oProxyCommand=x host", "ssh=-F x host"}) {
    SCOPED_TRACE(spec);
    OptionSources ini;
    ini.ini_addopts = harmless;
    EXPECT_TRUE(ParseOptions(ini).ok());
    ini.ini_addopts.push_back("--tx=" + spec);
    OptionSources toml;
    toml.settings = {{"tx", {spec}, "dist.toml:1"}};
    for (OptionSources sources : {ini, toml}) {
      const absl::Status refused = ParseOptions(sources).status();
      EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
      EXPECT_THAT(std::string(refused.message()),
                  ::testing::HasSubstr("\nhelp: "));
      OptionSources environment = sources;
      environment.env_addopts = {"--trust-project"};
      EXPECT_TRUE(ParseOptions(environment).ok());
      sources.args = {"--trust-project"};
      EXPECT_TRUE(ParseOptions(sources).ok());
    }
    OptionSources user;
    user.args = {"--tx=" + spec};
    EXPECT_TRUE(ParseOptions(user).ok());
  }
  OptionSources vouches;
  vouches.ini_addopts = {"--trust-project"};
  EXPECT_FALSE(ParseOptions(vouches).ok());
}

TEST(ParseOptionsTest, AppliesEverySettingThatItNames) {
  for (const SettingName& name : SettingNames()) {
    OptionSources sources;
    Setting setting{name.name, {}, "dist.toml:1"};
    if (name.takes != SettingName::Takes::kNothing) setting.values = {"1"};
    sources.settings = {setting};
    const auto options = ParseOptions(sources);
    EXPECT_NE(options.status().code(), absl::StatusCode::kInternal)
        << name.name;
  }
}

}  // namespace
}  // namespace dist
