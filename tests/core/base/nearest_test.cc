#include "core/base/nearest.h"

#include <gtest/gtest.h>

namespace dist {
namespace {

TEST(EditDistanceTest, CountsEditsAndSwaps) {
  struct Row {
    const char* why;
    const char* a;
    const char* b;
    int distance;
  };
  for (const Row& row : {
           Row{"equal words", "popen", "popen", 0},
           Row{"nothing to something", "", "abc", 3},
           Row{"something to nothing", "abc", "", 3},
           Row{"one byte more", "pope", "popen", 1},
           Row{"one byte other", "poden", "popen", 1},
           Row{"neighbours swapped count once", "pyhton", "python", 1},
           Row{"a swap at the start", "oppen", "popen", 1},
           Row{"two edits", "ssh", "shh2", 2},
       }) {
    EXPECT_EQ(EditDistance(row.a, row.b), row.distance) << row.why;
  }
}

TEST(NearestTest, ProposesOnlyWhatIsNear) {
  const std::vector<std::string> known = {"popen", "python", "ssh", "via",
                                          "id"};
  struct Row {
    const char* why;
    std::string word;
    std::optional<std::string> nearest;
  };
  for (const Row& row : {
           Row{"a swap", "pyhton", "python"},
           Row{"case is no difference", "SSH", "ssh"},
           Row{"one letter of two", "ip", "id"},
           Row{"too far from all", "carrots", std::nullopt},
           Row{"an empty word is near to nothing", "", std::nullopt},
           Row{"one letter is no hint", "x", std::nullopt},
           Row{"long data is not compared", std::string(1000, 'p'),
               std::nullopt},
       }) {
    EXPECT_EQ(Nearest(row.word, known), row.nearest) << row.why;
  }
}

TEST(NearestTest, FillsInTheHelp) {
  EXPECT_EQ(DidYouMean("idd", {"id"}, "nothing"), "did you mean 'id'?");
  EXPECT_EQ(DidYouMean("carrot", {"id"}, "nothing"), "nothing");
}

}  // namespace
}  // namespace dist
