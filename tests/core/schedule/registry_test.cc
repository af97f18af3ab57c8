#include <set>

#include "core/schedule/policy.h"
#include "gtest/gtest.h"

namespace dist {
namespace {

TEST(PolicyTable, HasEachNameOnce) {
  std::set<std::string> names;
  for (const PolicyEntry& entry : Policies()) {
    EXPECT_TRUE(names.insert(std::string(entry.name)).second) << entry.name;
    EXPECT_EQ(FindPolicy(entry.name), &entry);
  }
  EXPECT_EQ(names.count("load"), 1u);
  EXPECT_EQ(names.count("each"), 1u);
}

TEST(PolicyTable, HasNothingForOtherNames) {
  EXPECT_EQ(FindPolicy(""), nullptr);
  EXPECT_EQ(FindPolicy("Load"), nullptr);
}

}  // namespace
}  // namespace dist
