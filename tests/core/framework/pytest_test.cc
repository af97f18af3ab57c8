// How pytest is started and told what to do; plugin_*_test.py are the answers
// of real processes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/framework/pytest_plugin_source.h"
#include "core/framework/session.h"
#include "tests/core/framework/record_testing.h"

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const FrameworkEntry& Pytest() { return *FindFramework("pytest"); }

WorkerSetup OurSetup() {
  WorkerSetup setup;
  setup.name = "gw3";
  setup.worker_count = 4;
  setup.run_uid = "uid";
  setup.args = {"-k", "a or b", "tests"};
  setup.main_args = {"dist", "-n4"};
  setup.color = true;
  setup.columns = 100;
  setup.report_log = true;
  setup.passed_sections = true;
  setup.collect_only = true;
  return setup;
}

// The text of the record `C` behind the plugin's source.
std::string Configuration(const WorkerSetup& setup) {
  const std::string begin = Pytest().open(WorkerId(1), setup)->Begin();
  return begin.substr(4 + PytestPluginSource().size());
}

TEST(Pytest, IsStartedByItsBootScript) {
  EXPECT_THAT(Pytest().argv({"/usr/bin/env", "python3"}, 17),
              ElementsAre("/usr/bin/env", "python3", "-c",
                          std::string(PytestBootSource()), "17"));
  EXPECT_THAT(Pytest().interpreters, ElementsAre("python3", "python"));
}

TEST(Pytest, BeginsWithThePluginAndItsConfiguration) {
  const std::string begin = Pytest().open(WorkerId(1), OurSetup())->Begin();
  const std::string source(PytestPluginSource());
  const std::string size = Numbers({static_cast<uint32_t>(source.size())});
  EXPECT_EQ(begin.substr(0, 4 + source.size()), size + source);
  const std::string record = begin.substr(4 + source.size());
  EXPECT_EQ(record, ConfigRecord(OurSetup()));
  ASSERT_GT(record.size(), 5u);
  EXPECT_EQ(record[4], 'C');
  EXPECT_EQ(record.substr(0, 4),
            Numbers({static_cast<uint32_t>(record.size() - 4)}));
  const Json json = Json::parse(record.substr(5));
  EXPECT_EQ(json, (Json{{"args", {"-k", "a or b", "tests"}},
                        {"source_paths", Json::array()},
                        {"workerinput",
                         {{"workerid", "gw3"},
                          {"workercount", 4},
                          {"testrunuid", "uid"},
                          {"mainargv", {"dist", "-n4"}}}},
                        {"color", true},
                        {"columns", 100},
                        {"report_log", true},
                        {"passed_sections", true},
                        {"collect_only", true},
                        {"basetemp", nullptr},
                        {"maxfail", 0}}));
}

TEST(Pytest, ConfiguresWithArgumentsThatAreNotUtf8) {
  WorkerSetup setup = OurSetup();
  setup.args = {"caf\xe9", "\xf0\x9f\x98\x80"};
  const std::string record = Configuration(setup);
  const Json json = Json::parse(record.substr(5));
  EXPECT_EQ(json["args"][0], "caf\xef\xbf\xbd");
  EXPECT_EQ(json["args"][1], "\xf0\x9f\x98\x80");
}

TEST(Pytest, EncodesEachCommandAsOneRecord) {
  const auto session = Pytest().open(WorkerId(1), OurSetup());
  EXPECT_EQ(session->Encode(RunTests{WorkerId(1), 0x01020304, {5, 6}}),
            Record('R', Numbers({0x01020304, 5, 6})));
  EXPECT_EQ(session->Encode(RunTests{WorkerId(1), 2, {}}),
            Record('R', Numbers({2})));
  EXPECT_EQ(session->Encode(ReturnTests{WorkerId(1), {0xffffffff}}),
            Record('V', Numbers({0xffffffff})));
  EXPECT_EQ(session->Encode(FinishWorker{WorkerId(1)}), Record('F', ""));
}

TEST(Pytest, CarriesItsPluginWhole) {
  const std::string source(PytestPluginSource());
  EXPECT_THAT(source, HasSubstr("class Worker:"));
  EXPECT_EQ(source.substr(source.size() - 8), "\nmain()\n");
  EXPECT_THAT(std::string(PytestBootSource()), HasSubstr("_boot()\n"));
}

}  // namespace
}  // namespace dist
