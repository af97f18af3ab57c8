#include <gtest/gtest.h>

#include <set>
#include <string>

#include "core/report/reporter.h"

namespace dist {
namespace {

TEST(Registry, HasTheReportersOfTheContractOnce) {
  std::set<std::string> names;
  for (const ReporterEntry& entry : Reporters()) {
    EXPECT_TRUE(names.insert(std::string(entry.name)).second) << entry.name;
  }
  for (const char* name : {"terminal", "junit", "report-log"}) {
    EXPECT_EQ(names.count(name), 1u) << name;
  }
}

}  // namespace
}  // namespace dist
