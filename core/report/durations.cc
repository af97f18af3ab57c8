#include "core/report/durations.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/report/text.h"

namespace dist {

Durations::Durations(const ReportOptions& options, const Roster& roster)
    : limit_(options.durations),
      least_(options.verbosity >= 2 ? std::numeric_limits<double>::lowest()
                                    : options.durations_min),
      roster_(roster) {}

bool Durations::Slower(const Entry& a, const Entry& b) {
  return a.micros > b.micros;
}

void Durations::On(const TestJudged& event) {
  if (limit_ < 0) return;
  Add({event.micros.setup, Phase::kSetup, event.platform, event.id});
  Add({event.micros.call, Phase::kCall, event.platform, event.id});
  Add({event.micros.teardown, Phase::kTeardown, event.platform, event.id});
}

void Durations::Add(const Entry& entry) {
  if (entry.micros == 0) return;  // A phase that did not run.
  const auto limit = static_cast<size_t>(limit_);
  const bool full = limit > 0 && entries_.size() == limit;
  if (full && !Slower(entry, entries_.front())) return;
  if (full) {
    std::pop_heap(entries_.begin(), entries_.end(), Slower);
    entries_.pop_back();
  }
  entries_.push_back(entry);
  if (limit > 0) std::push_heap(entries_.begin(), entries_.end(), Slower);
}

void Durations::Print(Page& page) {
  if (limit_ < 0 || entries_.empty()) return;
  std::stable_sort(entries_.begin(), entries_.end(), Slower);
  page.Sep('=', limit_ == 0 ? "slowest durations"
                            : absl::StrCat("slowest ", limit_, " durations"));
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Entry& entry = entries_[i];
    const double seconds = entry.micros / 1e6;
    if (seconds < least_) {
      page.Line();
      page.Line(absl::StrFormat(
          "(%d durations < %gs hidden.  Use -vv to show these durations.)",
          entries_.size() - i, least_));
      return;
    }
    const std::string id = entry.id == nullptr ? "" : *entry.id;
    page.Line(absl::StrFormat("%.2fs %-8s %s%s", seconds,
                              to_string(entry.phase), SanitizeLine(id),
                              roster_.OnPlatform(entry.platform)));
  }
}

}  // namespace dist
