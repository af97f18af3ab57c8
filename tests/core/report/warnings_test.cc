#include "core/report/warnings.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/core/report/report_testing.h"

namespace dist {
namespace {

std::string Printed(const Warnings& warnings) {
  StringSink out;
  ReportOptions options;
  options.columns = 60;
  Page page(options, out, [] {});
  warnings.Print(page);
  return out.text;
}

WarningShown Warning(const std::string& nodeid) {
  WarningShown event;
  event.warning.message = "one\n  source line\n";
  event.warning.nodeid = nodeid;
  return event;
}

TEST(Warnings, PrintNothingWhenThereAreNone) {
  const Roster roster;
  EXPECT_EQ(Printed(Warnings(roster)), "");
}

TEST(Warnings, CountByFileFromTenLocationsOn) {
  const Roster roster;
  Warnings warnings(roster);
  for (int i = 0; i < 10; ++i) {
    warnings.On(Warning(absl::StrCat("b.py::t", i)));
  }
  warnings.On(Warning("a.py::t"));
  EXPECT_EQ(Printed(warnings),
            R"(===================== warnings summary =====================
b.py: 10 warnings
a.py: 1 warning
  one
    source line

-- Docs: https://docs.pytest.org/en/stable/how-to/capture-warnings.html
)");
}

TEST(Warnings, WithoutAPlaceAreNotIndented) {
  const Roster roster;
  Warnings warnings(roster);
  warnings.On(Warning(""));
  EXPECT_NE(Printed(warnings).find("\none\n  source line\n"),
            std::string::npos);
}

}  // namespace
}  // namespace dist
