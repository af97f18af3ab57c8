#include "core/run/estimates.h"

#include "gtest/gtest.h"

namespace dist {
namespace {

TEST(Estimates, KnowNothingAtFirst) {
  EXPECT_FALSE(Estimates().known());
  EXPECT_EQ(Estimates().Of("a.py::t"), absl::ZeroDuration());
}

TEST(Estimates, GiveUnseenTestsTheirFilesTypicalTime) {
  const Estimates estimates({{"a.py::one", absl::Seconds(1)},
                             {"a.py::two", absl::Seconds(2)},
                             {"a.py::ten", absl::Seconds(10)},
                             {"b.py::x", absl::Seconds(30)}});
  EXPECT_EQ(estimates.Of("a.py::ten"), absl::Seconds(10));
  EXPECT_EQ(estimates.Of("a.py::new"), absl::Seconds(2));
  EXPECT_EQ(estimates.Of("b.py::new"), absl::Seconds(30));
  EXPECT_EQ(estimates.Of("c.py::new"), absl::Seconds(10)) << "median of all";
}

}  // namespace
}  // namespace dist
