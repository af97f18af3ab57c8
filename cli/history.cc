#include "cli/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/history/history_file.h"
#include "core/manifest/digest.h"
#include "transports/host_facts.h"

namespace dist {
namespace {

constexpr off_t kMostBytes = off_t{512} << 20;
constexpr int kLockTries = 200;  // Of 10 ms each.

absl::Status SystemError(const std::string& path) {
  return absl::UnavailableError(absl::StrCat(path, ": ", strerror(errno)));
}

// A descriptor that is closed, and so unlocked, in the end.
class File {
 public:
  File(const std::string& path, int flags)
      : fd_(open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  bool ok() const { return fd_ >= 0; }
  int fd() const { return fd_; }

 private:
  const int fd_;
};

std::string FolderOf(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

void MakeFolders(const std::string& folder) {
  for (size_t i = 1; i <= folder.size(); ++i) {
    if (i == folder.size() || folder[i] == '/') {
      mkdir(folder.substr(0, i).c_str(), 0700);
    }
  }
}

// Waits a while only: who holds the lock may have been stopped.
absl::Status Lock(const File& file, const std::string& path) {
  for (int i = 0; i < kLockTries; ++i) {
    if (flock(file.fd(), LOCK_EX | LOCK_NB) == 0) return absl::OkStatus();
    if (errno != EWOULDBLOCK && errno != EINTR) break;
    usleep(10000);
  }
  return SystemError(path);
}

// Nothing: there is no such file.
absl::StatusOr<std::optional<std::string>> ReadWhole(const std::string& path) {
  const File file(path, O_RDONLY);
  if (!file.ok() && (errno == ENOENT || errno == ENOTDIR)) {
    return std::optional<std::string>();
  }
  struct stat info;
  if (!file.ok() || fstat(file.fd(), &info) != 0) return SystemError(path);
  if (!S_ISREG(info.st_mode) || info.st_size > kMostBytes) {
    return absl::DataLossError(absl::StrCat(path, ": it is no history"));
  }
  std::string bytes(static_cast<size_t>(info.st_size), '\0');
  size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t n = read(file.fd(), &bytes[size], bytes.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SystemError(path);
    if (n == 0) break;
    size += static_cast<size_t>(n);
  }
  bytes.resize(size);
  return std::optional<std::string>(std::move(bytes));
}

absl::Status WriteAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return absl::UnavailableError(strerror(errno));
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

// Under the lock, so one name for what is being written is enough.
absl::Status Replace(const std::string& path, const std::string& bytes) {
  const std::string temporary = absl::StrCat(path, ".new");
  absl::Status status;
  {
    const File file(temporary, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file.ok()) return SystemError(temporary);
    status = WriteAll(file.fd(), bytes);
  }
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) {
    status = SystemError(path);
  }
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

std::string CacheFolder() {
  const char* xdg = getenv("XDG_CACHE_HOME");
  if (xdg != nullptr && xdg[0] == '/') return xdg;
  const char* home = getenv("HOME");
  if (home == nullptr || home[0] != '/') return "";
  return absl::StrCat(home, "/.cache");
}

// What the history calls a host of a run.
std::string LastingName(const std::string& host) {
  return host == "localhost" ? HostName() : host;
}

// Its duration says how long it takes.
bool RanToItsEnd(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPassed:
    case Verdict::kFailed:
    case Verdict::kSkipped:
    case Verdict::kXfailed:
    case Verdict::kXpassed:
      return true;
    case Verdict::kError:
    case Verdict::kCrashed:
    case Verdict::kTimeout:
    case Verdict::kLost:
      return false;
  }
  return false;
}

}  // namespace

bool WantsHistory(const Options& options) {
  const char* none = getenv("DIST_NO_HISTORY");
  return options.history && (none == nullptr || *none == '\0');
}

std::string HistoryPath(const std::string& rootdir) {
  const std::string cache = CacheFolder();
  if (cache.empty()) return "";
  const std::string name = DigestOf(rootdir).Hex().substr(0, 16);
  return absl::StrCat(cache, "/dist/history/", name);
}

LoadedHistory LoadHistory(const std::string& path) {
  LoadedHistory loaded;
  if (path.empty()) return loaded;
  const absl::StatusOr<std::optional<std::string>> bytes = ReadWhole(path);
  if (!bytes.ok()) {
    loaded.notice =
        absl::StrCat("the history cannot be read: ", bytes.status().message());
    return loaded;
  }
  if (!bytes->has_value()) return loaded;
  absl::StatusOr<History> history = ParseHistory(**bytes);
  if (history.ok()) {
    loaded.found = true;
    loaded.history = *std::move(history);
  } else {
    loaded.notice = absl::StrCat(
        "the history ", path,
        " is not usable and begins anew: ", history.status().message());
  }
  return loaded;
}

absl::Status AddToHistory(const std::string& path, const MeasuredRun& run) {
  if (path.empty()) return absl::UnavailableError("there is no home folder");
  if (run.measurements.empty()) return absl::OkStatus();
  MakeFolders(FolderOf(path));
  const std::string lock_path = absl::StrCat(FolderOf(path), "/lock");
  const File lock(lock_path, O_RDWR | O_CREAT);
  if (!lock.ok()) return SystemError(lock_path);
  DIST_RETURN_IF_ERROR(Lock(lock, lock_path));
  LoadedHistory loaded = LoadHistory(path);
  Absorb(run, &loaded.history);
  return Replace(path, FormatHistory(loaded.history));
}

absl::Status ClearHistory(const std::string& path) {
  if (path.empty() || unlink(path.c_str()) == 0 || errno == ENOENT) {
    return absl::OkStatus();
  }
  return SystemError(path);
}

absl::flat_hash_map<std::string, absl::Duration> ExpectedOn(
    const History& history, const RunPlan& plan) {
  std::vector<std::string> hosts;
  for (const PlannedWorker& worker : plan.workers) {
    hosts.push_back(LastingName(plan.hosts[worker.host.value()].name));
  }
  return ExpectedDurations(history, hosts);
}

void SetPaces(const History& history, RunPlan* plan) {
  for (PlannedHost& host : plan->hosts) {
    host.pace = PaceOf(history, LastingName(host.name));
  }
  double sum = 0;
  for (const PlannedWorker& worker : plan->workers) {
    sum += plan->hosts[worker.host.value()].pace;
  }
  const double mean = sum / static_cast<double>(plan->workers.size());
  for (PlannedHost& host : plan->hosts) host.pace /= mean;
}

HistoryRecorder::HistoryRecorder(std::string path) : path_(std::move(path)) {}

uint32_t HistoryRecorder::PlaceOf(const std::string& host) {
  for (uint32_t i = 0; i < hosts_.size(); ++i) {
    if (hosts_[i] == host) return i;
  }
  hosts_.push_back(host);
  run_.hosts.push_back(LastingName(host));
  return static_cast<uint32_t>(hosts_.size() - 1);
}

void HistoryRecorder::OnEvent(const RunEvent& event) {
  if (const auto* judged = std::get_if<TestJudged>(&event)) {
    if (!RanToItsEnd(judged->verdict) || judged->worker.empty()) return;
    run_.measurements.push_back(
        {*judged->id, PlaceOf(judged->host), judged->micros.total()});
  } else if (std::holds_alternative<RunEnded>(event)) {
    status_ = AddToHistory(path_, run_);
  }
}

}  // namespace dist
