#include "core/run/estimates.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace dist {
namespace {

absl::string_view FileOf(absl::string_view id) {
  return id.substr(0, id.find("::"));
}

absl::Duration Median(std::vector<absl::Duration>* durations) {
  const auto middle = durations->begin() + durations->size() / 2;
  std::nth_element(durations->begin(), middle, durations->end());
  return *middle;
}

}  // namespace

Estimates::Estimates(absl::flat_hash_map<std::string, absl::Duration> tests)
    : tests_(std::move(tests)) {
  std::vector<absl::Duration> all;
  absl::flat_hash_map<absl::string_view, std::vector<absl::Duration>> by_file;
  for (const auto& [id, duration] : tests_) {
    all.push_back(duration);
    by_file[FileOf(id)].push_back(duration);
  }
  if (all.empty()) return;
  median_ = Median(&all);
  for (auto& [file, durations] : by_file) {
    files_.emplace(std::string(file), Median(&durations));
  }
}

absl::Duration Estimates::Of(absl::string_view id) const {
  const auto test = tests_.find(id);
  if (test != tests_.end()) return test->second;
  const auto file = files_.find(FileOf(id));
  return file != files_.end() ? file->second : median_;
}

}  // namespace dist
