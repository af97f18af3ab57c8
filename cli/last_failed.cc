#include "cli/last_failed.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace dist {
namespace {

std::string CacheFolder(const std::string& rootdir) {
  return absl::StrCat(rootdir, "/.pytest_cache");
}

std::string CacheFile(const std::string& rootdir) {
  return absl::StrCat(CacheFolder(rootdir), "/v/cache/lastfailed");
}

// As pytest makes it: a new folder must not be committed nor backed up.
void MakeFolder(const std::string& rootdir) {
  const std::string folder = CacheFolder(rootdir);
  const bool made = mkdir(folder.c_str(), 0777) == 0;
  mkdir(absl::StrCat(folder, "/v").c_str(), 0777);
  mkdir(absl::StrCat(folder, "/v/cache").c_str(), 0777);
  if (!made) return;
  std::ofstream(absl::StrCat(folder, "/.gitignore"))
      << "# Created by dist, as pytest does.\n*\n";
  std::ofstream(absl::StrCat(folder, "/CACHEDIR.TAG"))
      << "Signature: 8a477f597d28d172789f06886806bc55\n";
}

}  // namespace

absl::flat_hash_set<std::string> ReadLastFailed(const std::string& rootdir) {
  absl::flat_hash_set<std::string> failed;
  std::ifstream file(CacheFile(rootdir));
  const auto json = nlohmann::json::parse(file, nullptr, false);
  if (!json.is_object()) return failed;
  for (const auto& [id, value] : json.items()) failed.insert(id);
  return failed;
}

LastFailedRecorder::LastFailedRecorder(std::string rootdir,
                                       absl::flat_hash_set<std::string> before)
    : rootdir_(std::move(rootdir)),
      before_(std::move(before)),
      failed_(before_) {}

void LastFailedRecorder::OnEvent(const RunEvent& event) {
  if (const auto* judged = std::get_if<TestJudged>(&event)) {
    Judged(*judged);
  } else if (const auto* amended = std::get_if<VerdictAmended>(&event)) {
    Failed(*amended->id);
  } else if (const auto* collector = std::get_if<CollectorFailed>(&event)) {
    const std::string& id = collector->report.nodeid;
    collector->report.verdict == Verdict::kError ? Failed(id) : Forget(id);
  } else if (std::holds_alternative<RunEnded>(event)) {
    if (failed_ != before_) Write();
  }
}

void LastFailedRecorder::Judged(const TestJudged& judged) {
  if (judged.verdict == Verdict::kLost) return;
  const std::string& id = *judged.id;
  if (IsBad(judged.verdict)) Failed(id);
  if (failed_.empty()) return;
  Forget(id);
  // A module whose tests ran could be imported.
  for (size_t end = id.find("::"); end != id.npos;
       end = id.find("::", end + 2)) {
    Forget(id.substr(0, end));
  }
}

void LastFailedRecorder::Failed(const std::string& id) {
  failed_.insert(id);
  failed_now_.insert(id);
}

void LastFailedRecorder::Forget(const std::string& id) {
  // Under --dist=each it may have failed elsewhere.
  if (!failed_now_.contains(id)) failed_.erase(id);
}

void LastFailedRecorder::Write() {
  MakeFolder(rootdir_);
  std::vector<std::string> ids(failed_.begin(), failed_.end());
  std::sort(ids.begin(), ids.end());
  nlohmann::json json = nlohmann::json::object();
  for (const std::string& id : ids) json[id] = true;
  const std::string path = CacheFile(rootdir_);
  const std::string temporary = absl::StrCat(path, ".", getpid());
  {
    std::ofstream file(temporary);
    file << json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
    if (!file.flush()) return;
  }
  rename(temporary.c_str(), path.c_str());
}

}  // namespace dist
