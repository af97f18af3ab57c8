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

void WriteIfMissing(const std::string& path, const char* text) {
  if (access(path.c_str(), F_OK) != 0) std::ofstream(path) << text;
}

// As pytest makes it: the folder must not be committed nor backed up.
void MakeFolder(const std::string& rootdir) {
  const std::string folder = CacheFolder(rootdir);
  mkdir(folder.c_str(), 0777);
  mkdir(absl::StrCat(folder, "/v").c_str(), 0777);
  mkdir(absl::StrCat(folder, "/v/cache").c_str(), 0777);
  WriteIfMissing(absl::StrCat(folder, "/.gitignore"), "*\n");
  WriteIfMissing(absl::StrCat(folder, "/CACHEDIR.TAG"),
                 "Signature: 8a477f597d28d172789f06886806bc55\n");
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
    : rootdir_(std::move(rootdir)), before_(before), failed_(before) {}

void LastFailedRecorder::OnEvent(const RunEvent& event) {
  if (const auto* judged = std::get_if<TestJudged>(&event)) {
    if (IsBad(judged->verdict)) {
      failed_.insert(*judged->id);
    } else if (!failed_.empty() && judged->verdict != Verdict::kLost) {
      failed_.erase(*judged->id);
    }
  } else if (const auto* amended = std::get_if<VerdictAmended>(&event)) {
    failed_.insert(*amended->id);
  } else if (const auto* collector = std::get_if<CollectorFailed>(&event)) {
    if (collector->report.verdict == Verdict::kError) {
      failed_.insert(collector->report.nodeid);
    }
  } else if (std::holds_alternative<RunEnded>(event)) {
    if (failed_ != before_) Write();
  }
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
