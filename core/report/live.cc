#include "core/report/live.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "core/report/text.h"

namespace dist {
namespace {

constexpr size_t kMostRows = 8;
constexpr size_t kUsualColumns = 80;  // Of a terminal that does not say.
constexpr size_t kLongestName = 512;  // Bytes of an id that are looked at.
constexpr absl::Duration kBetweenDraws = absl::Milliseconds(50);
// Before these an estimate of the time left would be a guess.
constexpr size_t kEnoughTests = 5;
constexpr absl::Duration kEnoughTime = absl::Seconds(2);

// "12s", "3:05", "1:02:03".
std::string Clock(absl::Duration duration) {
  const int64_t seconds =
      std::clamp<int64_t>(absl::ToInt64Seconds(duration), 0, 1000 * 3600);
  if (seconds < 60) return absl::StrCat(seconds, "s");
  const int64_t minutes = seconds / 60;
  if (minutes < 60) return absl::StrFormat("%d:%02d", minutes, seconds % 60);
  return absl::StrFormat("%d:%02d:%02d", minutes / 60, minutes % 60,
                         seconds % 60);
}

}  // namespace

LiveBlock::LiveBlock(const ReportOptions& options, ReportSink& live,
                     const Roster& roster, const Tally& tally)
    : enabled_(options.live && options.verbosity >= 0 && !options.collect_only),
      columns_(options.columns),
      live_(live),
      roster_(roster),
      tally_(tally) {}

void LiveBlock::On(const TestStarted& event) {
  if (!enabled_) return;
  if (!first_test_at_) first_test_at_ = event.at;
  running_[roster_.NameOf(event.worker)] = {event.test, event.platform,
                                            event.id, event.at};
}

void LiveBlock::On(const TestJudged& event) {
  if (!enabled_) return;
  const auto found = running_.find(event.worker);
  if (found != running_.end() && found->second.test == event.test) {
    running_.erase(found);
  }
}

void LiveBlock::On(const WorkerLost& event) { running_.erase(event.name); }

void LiveBlock::On(const RunStopping& event) {
  stopping_ = SanitizeLine(event.why);
}

void LiveBlock::On(const RunEnded& event) {
  Erase();
  enabled_ = false;
}

void LiveBlock::Draw(absl::Time now) {
  if (!enabled_) return;
  if (drawn_at_ && now - *drawn_at_ < kBetweenDraws) return;
  Erase();
  drawn_at_ = now;
  const std::vector<std::string> rows = Rows(now);
  drawn_rows_ = rows.size();
  live_.Write(absl::StrJoin(rows, "\n"));
}

void LiveBlock::EraseDrawn() {
  // To the first row's first column, then clear to the end of the screen.
  const std::string up =
      drawn_rows_ > 1 ? absl::StrFormat("\x1b[%dA", drawn_rows_ - 1) : "";
  live_.Write(absl::StrCat("\r", up, "\x1b[J"));
  drawn_rows_ = 0;
}

std::vector<LiveBlock::Row> LiveBlock::LongestFirst() const {
  std::vector<Row> rows(running_.begin(), running_.end());
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::tie(a.second.since, a.first) <
           std::tie(b.second.since, b.first);
  });
  return rows;
}

std::vector<std::string> LiveBlock::Rows(absl::Time now) const {
  // The last column stays free: writing there makes some terminals wrap.
  const size_t room = (columns_ == 0 ? kUsualColumns : columns_) - 1;
  std::vector<std::string> rows;
  const std::vector<Row> running = LongestFirst();
  for (const auto& [slot, what] : running) {
    if (rows.size() == kMostRows) break;
    const absl::string_view id =
        what.id == nullptr ? absl::string_view() : *what.id;
    const std::string time = Clock(now - what.since);
    const std::string head =
        absl::StrFormat("[%s] %6s ", SanitizeLine(slot), time);
    rows.push_back(
        Ellipsize(absl::StrCat(head, SanitizeLine(id.substr(0, kLongestName)),
                               roster_.OnPlatform(what.platform)),
                  room));
  }
  if (running.size() > kMostRows) {
    rows.push_back(Ellipsize(
        absl::StrCat("... and ", running.size() - kMostRows, " more"), room));
  }
  rows.push_back(Ellipsize(Status(now), room));
  return rows;
}

std::string LiveBlock::Status(absl::Time now) const {
  const std::string elapsed =
      started_at_ ? absl::StrCat(" in ", Clock(now - *started_at_)) : "";
  if (tally_.total() == 0 && tally_.done() == 0) {
    return absl::StrCat("collecting ...", elapsed);
  }
  const std::string words = tally_.InWords();
  return absl::StrCat(tally_.done(), "/", tally_.total(), tally_.Percent(),
                      words.empty() ? "" : " ", words, elapsed, TimeLeft(now),
                      stopping_.empty() ? "" : "; ", stopping_);
}

std::string LiveBlock::TimeLeft(absl::Time now) const {
  const size_t done = tally_.done();
  if (!first_test_at_ || done < kEnoughTests || done >= tally_.total()) {
    return "";
  }
  const absl::Duration so_far = now - *first_test_at_;
  if (so_far < kEnoughTime || !stopping_.empty()) return "";
  const double ratio = static_cast<double>(tally_.total() - done) / done;
  return absl::StrCat(", about ", Clock(so_far * ratio), " left");
}

}  // namespace dist
