#include "core/report/roster.h"

#include <gtest/gtest.h>

#include "tests/core/report/report_testing.h"

namespace dist {
namespace {

TEST(Roster, KnowsWorkersAndPlatforms) {
  Roster roster;
  roster.On(Started({"gw0", "gw1"}, {"py\n39", "py311"}));
  roster.On(Announced(0));
  roster.On(Announced(1, "build2", 1));
  EXPECT_EQ(roster.WorkerLine("gw0"),
            "[gw0] linux -- Python 3.11.2 /usr/bin/python3");
  EXPECT_EQ(roster.WorkerLine("gw1"),
            "[gw1 build2] linux -- Python 3.11.2 /usr/bin/python3");
  EXPECT_EQ(roster.WorkerLine("gw2"), "");
  EXPECT_EQ(roster.NameOf(WorkerId(1)), "gw1");
  EXPECT_EQ(roster.NameOf(WorkerId(7)), "");
  EXPECT_EQ(roster.OnPlatform(PlatformId(0)), " on py\\n39");
  EXPECT_EQ(roster.PlatformIndex(PlatformId()), 0u);
}

TEST(Roster, ShortensPathsInsideTheProjectOnly) {
  Roster roster;
  roster.On(Started());
  EXPECT_EQ(roster.Relative("/src/proj/a/t.py"), "a/t.py");
  EXPECT_EQ(roster.Relative("/src/project/t.py"), "/src/project/t.py");
  EXPECT_EQ(roster.Relative(""), "");
}

}  // namespace
}  // namespace dist
