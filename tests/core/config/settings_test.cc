#include "core/config/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Takes = SettingName::Takes;

const std::vector<SettingName>& Known() {
  static const auto* known = new std::vector<SettingName>{
      {"dist", Takes::kOneValue},
      {"max-worker-restart", Takes::kOneValue},
      {"no-sync", Takes::kNothing},
      {"tx", Takes::kManyValues},
  };
  return *known;
}

TEST(ParseSettingsTest, ReadsEachKind) {
  const auto settings = ParseSettings(
      "dist = 'load'\nmax_worker_restart = 3\ntx = ['popen', 'ssh=h']\n"
      "no-sync = true\n",
      "dist.toml", Known());
  ASSERT_TRUE(settings.ok()) << settings.status();
  ASSERT_EQ(settings->size(), 4u);
  EXPECT_EQ((*settings)[0].name, "dist");
  EXPECT_THAT((*settings)[0].values, ElementsAre("load"));
  EXPECT_EQ((*settings)[0].where, "dist.toml:1");
  EXPECT_EQ((*settings)[1].name, "max-worker-restart");
  EXPECT_THAT((*settings)[1].values, ElementsAre("3"));
  EXPECT_THAT((*settings)[2].values, ElementsAre("popen", "ssh=h"));
  EXPECT_EQ((*settings)[3].name, "no-sync");
  EXPECT_TRUE((*settings)[3].values.empty());
}

TEST(ParseSettingsTest, LeavesOutFlagsThatAreFalse) {
  const auto settings = ParseSettings("no-sync = false", "x", Known());
  ASSERT_TRUE(settings.ok());
  EXPECT_TRUE(settings->empty());
}

TEST(ParseSettingsTest, TakesOneTextForAList) {
  const auto settings = ParseSettings("tx = 'popen'", "x", Known());
  ASSERT_TRUE(settings.ok());
  EXPECT_THAT((*settings)[0].values, ElementsAre("popen"));
}

TEST(ParseSettingsTest, RefusesWhatIsWrong) {
  struct Row {
    const char* why;
    const char* text;
    const char* cause;
    const char* help;
  };
  for (const Row& row : {
           Row{"a typing error", "\nmax-worker-restrat = 3",
               "dist.toml:2: unknown setting 'max-worker-restrat'",
               "did you mean 'max-worker-restart'?"},
           Row{"something else", "[hosts]\n",
               "dist.toml:1: unknown setting 'hosts'", "dist --help"},
           Row{"a flag with text", "no-sync = 'yes'",
               "dist.toml:1: 'no-sync' is true or false", "no-sync = true"},
           Row{"a list where one is taken", "dist = ['load']",
               "'dist' takes one value", "dist = "},
           Row{"a switch where one is taken", "dist = true",
               "'dist' takes one value", "dist = "},
           Row{"a table where a list is taken", "[tx]\na = 1",
               "'tx' takes a list", "tx = ["},
           Row{"both spellings", "no-sync = true\nno_sync = true",
               "dist.toml:2: 'no-sync' is set twice", "keep one"},
           Row{"no TOML", "dist = load", "dist.toml:1: ", "toml.io"},
       }) {
    const auto settings = ParseSettings(row.text, "dist.toml", Known());
    ASSERT_FALSE(settings.ok()) << row.why;
    const std::string message(settings.status().message());
    EXPECT_THAT(message.substr(0, message.find('\n')), HasSubstr(row.cause))
        << row.why;
    EXPECT_THAT(message.substr(message.find("\nhelp: ")), HasSubstr(row.help))
        << row.why;
  }
}

}  // namespace
}  // namespace dist
