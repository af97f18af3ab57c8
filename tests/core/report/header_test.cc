#include "core/report/header.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "tests/core/report/report_testing.h"

namespace dist {
namespace {

ReportOptions Plain() {
  ReportOptions options;
  options.version = "0.1.0";
  options.columns = 60;
  return options;
}

TEST(Header, NamesWorkersThatDiffer) {
  Bench bench("terminal", Plain());
  WorkerAnnounced other = Announced(1, "build2");
  other.facts.language = "Python 3.9.2";
  other.facts.framework = "pytest-6.0.2";
  bench.Tell(Started(), Announced(0), other, other);
  EXPECT_TRUE(absl::EndsWith(
      bench.out.text,
      "workers: gw0 gw1 [/usr/bin/python3]\n"
      "gw1 build2: linux -- Python 3.9.2, pytest-6.0.2 (/usr/bin/python3)\n"));
}

}  // namespace
}  // namespace dist
