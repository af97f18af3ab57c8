#include "core/base/id.h"

#include <gtest/gtest.h>

#include "absl/container/flat_hash_map.h"

namespace dist {
namespace {

using AppleId = Id<struct AppleTag>;

TEST(IdTest, IsInvalidByDefault) {
  EXPECT_FALSE(AppleId().valid());
  EXPECT_EQ(to_string(AppleId()), "none");
}

TEST(IdTest, ComparesAndHashesByValue) {
  absl::flat_hash_map<AppleId, int> map;
  map[AppleId(3)] = 7;
  EXPECT_EQ(map[AppleId(3)], 7);
  EXPECT_LT(AppleId(1), AppleId(2));
  EXPECT_NE(AppleId(1), AppleId(2));
}

}  // namespace
}  // namespace dist
