#include "core/schedule/together.h"

#include "gtest/gtest.h"

namespace dist {
namespace {

struct Row {
  const char* why;
  Together together;
  const char* id;
  const char* group;
  const char* key;
};

TEST(Together, NamesWhatStaysTogether) {
  for (const Row& row : {
           Row{"nothing", Together::kNothing, "a.py::t", "g", ""},
           Row{"a module's functions", Together::kScope, "a.py::t", "", "a.py"},
           Row{"a class", Together::kScope, "a.py::C::t", "", "a.py::C"},
           Row{"parameters are no scope", Together::kScope, "a.py::t[x::y]", "",
               "a.py"},
           Row{"a doctest file", Together::kScope, "a.txt", "", "a.txt"},
           Row{"a file", Together::kFile, "d/a.py::C::t", "", "d/a.py"},
           Row{"a bracket in a folder", Together::kFile, "d[1]/a.py::t", "",
               "d[1]/a.py"},
           Row{"a group", Together::kGroup, "a.py::t", "db", "db"},
           Row{"no group", Together::kGroup, "a.py::t[x@y]", "", ""},
       }) {
    SCOPED_TRACE(row.why);
    EXPECT_EQ(BundleKey(row.together, row.id, row.group), row.key);
  }
}

}  // namespace
}  // namespace dist
