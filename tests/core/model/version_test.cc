#include "core/model/version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dist {
namespace {

TEST(BuildVersion, HasTheVersionAndAHash) {
  EXPECT_THAT(BuildVersion(),
              testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+\\+[0-9a-f]*"));
  EXPECT_EQ(BuildVersion().size(), std::string(kVersion).size() + 13);
}

}  // namespace
}  // namespace dist
