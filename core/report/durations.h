// The section "slowest durations" of a terminal report.
#ifndef DIST_CORE_REPORT_DURATIONS_H_
#define DIST_CORE_REPORT_DURATIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "core/model/run_event.h"
#include "core/report/page.h"
#include "core/report/roster.h"

namespace dist {

// Keeps the N slowest phases; all of them only when all are asked for.
class Durations {
 public:
  Durations(const ReportOptions& options, const Roster& roster);

  void On(const TestJudged& event);
  void Print(Page& page);

 private:
  struct Entry {
    uint32_t micros = 0;
    Phase phase = Phase::kCall;
    PlatformId platform;
    const std::string* id = nullptr;
  };
  static bool Slower(const Entry& a, const Entry& b);
  void Add(const Entry& entry);

  const int limit_;  // -1: none kept; 0: all.
  const double least_;
  const Roster& roster_;
  std::vector<Entry> entries_;  // A heap while limited, the quickest on top.
};

}  // namespace dist

#endif  // DIST_CORE_REPORT_DURATIONS_H_
