#include "core/report/bound.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/report/roster.h"
#include "core/report/text.h"

namespace dist {
namespace {

// The longest test bounds the run if it takes that part of the time of the
// tests, and the others are done when it ends, or nearly.
constexpr double kMostOfIt = 0.5;
constexpr double kNearlyDone = 0.95;
// Workers that are less busy were waiting for something.
constexpr double kBusy = 0.8;

// Amounts that add up as they are printed: whole seconds from ten on.
class Amounts {
 public:
  explicit Amounts(absl::Duration wall)
      : unit_(wall < absl::Seconds(10) ? 0.1 : 1) {}

  double Round(absl::Duration amount) const {
    return std::round(absl::ToDoubleSeconds(amount) / unit_) * unit_;
  }
  std::string Text(double seconds) const {
    return unit_ < 1 ? absl::StrFormat("%.1f s", seconds)
                     : absl::StrFormat("%.0f s", seconds);
  }
  // " + 19 s start-up and collection"; nothing if it is nothing.
  std::string Plus(double seconds, absl::string_view what) const {
    if (seconds < unit_ / 2) return "";
    return absl::StrCat(" + ", Text(seconds), " ", what);
  }

 private:
  const double unit_;
};

}  // namespace

void Bound::On(const TestJudged& event) {
  if (event.worker.empty()) return;
  last_end_ = std::max(last_end_, event.at);
  const auto took =
      absl::Microseconds(static_cast<int64_t>(event.micros.total()));
  Worker& worker = workers_[event.worker];
  worker.busy += took;
  if (worker.host.empty()) worker.host = event.host;
  if (took > longest_.took) longest_ = {took, event.at, event.worker};
}

// The host where there is one worth naming.
std::string Bound::Place(const std::string& worker) const {
  const auto found = workers_.find(worker);
  if (found == workers_.end()) return SanitizeLine(worker);
  const absl::string_view host = RemoteHost(found->second.host);
  return SanitizeLine(host.empty() ? absl::string_view(worker) : host);
}

absl::Duration Bound::SyncTime() const {
  std::vector<std::pair<absl::Time, absl::Time>> syncs = syncs_;
  std::sort(syncs.begin(), syncs.end());
  absl::Duration sum;
  absl::Time end = *began_;
  for (const auto& [from, to] : syncs) {
    const absl::Time last = std::min(to, *first_start_);
    sum += std::max(last - std::max(from, end), absl::ZeroDuration());
    end = std::max(end, last);
  }
  return sum;
}

std::string Bound::Line(const RunEnded& ended) const {
  if (!began_ || !first_start_ || workers_.empty()) return "";
  // What bounded it is when it was stopped.
  if (!ended.stopped.empty()) return "";
  const absl::Duration wall = ended.at - *began_;
  const absl::Duration span =
      std::max(last_end_ - *first_start_, absl::ZeroDuration());
  const Amounts amounts(wall);
  const double rest = std::max(0.0, amounts.Round(wall - span));
  const double tests = std::max(0.0, amounts.Round(wall) - rest);
  const std::string head =
      absl::StrCat("wall ", amounts.Text(amounts.Round(wall)), " = ");
  const double sync = std::min(rest, amounts.Round(SyncTime()));
  const std::string tail =
      absl::StrCat(amounts.Plus(sync, "sync"),
                   amounts.Plus(rest - sync, "start-up and collection"));

  if (workers_.size() > 1 && longest_.took >= kMostOfIt * span &&
      longest_.end - *first_start_ >= kNearlyDone * span) {
    const double alone = std::min(tests, amounts.Round(longest_.took));
    return absl::StrCat(head, "longest test ", amounts.Text(alone), " on ",
                        Place(longest_.worker),
                        amounts.Plus(tests - alone, "other tests"), tail);
  }
  absl::Duration busy;
  auto busiest = workers_.begin();
  for (auto it = workers_.begin(); it != workers_.end(); ++it) {
    busy += it->second.busy;
    if (it->second.busy > busiest->second.busy) busiest = it;
  }
  const auto count = static_cast<double>(workers_.size());
  const double part =
      span > absl::ZeroDuration()
          ? std::min(1.0, absl::FDivDuration(busy, span) / count)
          : 1.0;
  if (workers_.size() > 1 && part < kBusy &&
      busiest->second.busy >= kNearlyDone * span) {
    return absl::StrCat(head, amounts.Text(tests), " of tests on ",
                        SanitizeLine(busiest->first), ", the busiest of ",
                        workers_.size(), " workers", tail);
  }
  return absl::StrCat(
      head, amounts.Text(tests), " of tests on ",
      workers_.size() == 1
          ? "1 worker"
          : absl::StrCat("each of ", workers_.size(), " workers"),
      absl::StrFormat(" (%.0f%% busy)", 100 * part), tail);
}

}  // namespace dist
