#include "sync/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/manifest/codec.h"
#include "core/manifest/path_rules.h"
#include "sync/beneath.h"
#include "sync/compress.h"

namespace dist {
namespace {

constexpr size_t kChunk = 256 << 10;
constexpr int kReads = 3;
constexpr int kThreads = 2;
// Below this a second thread costs more than it saves.
constexpr size_t kWorthAThread = 64;
constexpr size_t kListed = 20;

int64_t Now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string Join(absl::string_view base, absl::string_view text) {
  return absl::StrCat(base == "/" ? "" : Printable(base), "/", text);
}

// One file to hash, and what came of it.
struct Job {
  Scan::File* file = nullptr;
  int64_t read_at = 0;
  bool gone = false;  // Since the scan: as if it had never been.
  std::string trouble;
};

class HashWorker {
 public:
  HashWorker(int base, bool lenient)
      : walk_(base), lenient_(lenient), buffer_(kChunk, '\0') {}

  void Hash(Job* job) {
    for (int i = 0; i < kReads; ++i) {
      if (Read(job)) return;
    }
    job->trouble = absl::StrCat(Printable(job->file->entry.path),
                                ": it changes while it is read");
  }

 private:
  // False if it changed meanwhile.
  bool Read(Job* job) {
    Entry& entry = job->file->entry;
    const auto folder = walk_.At(ParentPath(entry.path));
    if (!folder.ok()) {
      job->trouble = std::string(folder.status().message());
      return true;
    }
    // Should it have become a FIFO, opening it must not wait for a writer.
    const Fd fd(openat(*folder, std::string(BaseName(entry.path)).c_str(),
                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd.ok()) {
      job->gone = errno == ENOENT;
      if (!job->gone) {
        job->trouble = std::string(ErrnoStatus(errno, entry.path).message());
      }
      return true;
    }
    job->read_at = Now();
    struct stat before, after;
    if (fstat(fd.get(), &before) != 0 || !S_ISREG(before.st_mode)) {
      job->trouble = absl::StrCat(Printable(entry.path), ": no file any more");
      return true;
    }
    // What is appended later is not read.
    const uint64_t most =
        lenient_ ? static_cast<uint64_t>(before.st_size) : UINT64_MAX;
    uint64_t size = 0;
    while (size < most) {
      const ssize_t n = read(fd.get(), &buffer_[0],
                             std::min<uint64_t>(buffer_.size(), most - size));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        job->trouble = std::string(ErrnoStatus(errno, entry.path).message());
        return true;
      }
      if (n == 0) break;
      size += static_cast<uint64_t>(n);
      hasher_.Add(absl::string_view(buffer_).substr(0, n));
    }
    entry.digest = hasher_.Finish();
    if (fstat(fd.get(), &after) != 0) return false;
    if (lenient_ && after.st_size > before.st_size) after = before;
    job->file->facts = FactsOf(after);
    entry.size = job->file->facts.size;
    entry.mtime = job->file->facts.mtime;
    entry.mode = (after.st_mode & kModeMask) | 0400;
    return size == entry.size && FactsOf(before) == FactsOf(after);
  }

  FolderWalk walk_;
  const bool lenient_;
  std::string buffer_;
  Hasher hasher_;
};

void HashAll(int base, bool lenient, std::vector<Job>* jobs) {
  std::atomic<size_t> next{0};
  const auto work = [&] {
    HashWorker worker(base, lenient);
    // Neighbours share a folder: take several at a time.
    constexpr size_t kStep = 16;
    while (true) {
      const size_t from = next.fetch_add(kStep);
      if (from >= jobs->size()) return;
      const size_t to = std::min(from + kStep, jobs->size());
      for (size_t i = from; i < to; ++i) worker.Hash(&(*jobs)[i]);
    }
  };
  std::vector<std::thread> helpers;
  if (jobs->size() > kWorthAThread) {
    for (int i = 1; i < kThreads; ++i) helpers.emplace_back(work);
  }
  work();
  for (std::thread& helper : helpers) helper.join();
}

bool ComesBefore(const Entry& a, const Entry& b) {
  return ComparePaths(a.path, b.path) < 0;
}

// Moves all entries to `manifest`; returns the facts of the files among them,
// in the order of their paths. Where roots are nested, something may have been
// seen as a file and then as a folder: that it stays.
std::vector<FileFacts> MoveEntries(Scan* scan, Manifest* manifest) {
  std::vector<Scan::File> files = std::move(scan->files);
  std::vector<Entry>& entries = manifest->entries;
  entries = std::move(scan->others);
  std::sort(entries.begin(), entries.end(), ComesBefore);
  std::sort(files.begin(), files.end(),
            [](const Scan::File& a, const Scan::File& b) {
              return ComesBefore(a.entry, b.entry);
            });
  const size_t others = entries.size();
  size_t other = 0;
  std::vector<FileFacts> facts;
  facts.reserve(files.size());
  entries.reserve(others + files.size());
  for (Scan::File& file : files) {
    const std::string& path = file.entry.path;
    while (other < others && ComparePaths(entries[other].path, path) < 0) {
      ++other;
    }
    const bool seen = (other < others && entries[other].path == path) ||
                      (entries.size() > others && entries.back().path == path);
    if (path.empty() || seen) continue;
    facts.push_back(file.facts);
    entries.push_back(std::move(file.entry));
  }
  std::inplace_merge(entries.begin(), entries.begin() + others, entries.end(),
                     ComesBefore);
  return facts;
}

absl::Status Troubles(std::vector<std::string> lines) {
  if (lines.empty()) return absl::OkStatus();
  const size_t more = lines.size() - std::min(lines.size(), kListed);
  lines.resize(lines.size() - more);
  std::string text = absl::StrCat("cannot sync ", absl::StrJoin(lines, "\n  "));
  if (more > 0) absl::StrAppend(&text, "\n  and ", more, " more");
  return absl::FailedPreconditionError(absl::StrCat(
      text, "\nhelp: --rsyncignore GLOB leaves out what is not needed"));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Snapshot>> Snapshot::Take(
    const SnapshotRequest& request, HashCache* cache) {
  DIST_ASSIGN_OR_RETURN(Scan scan, ScanTree(request.base, request.roots,
                                            request.rules, request.alias));
  std::shared_ptr<Snapshot> snapshot(new Snapshot);
  snapshot->base_ = request.base;
  snapshot->lenient_ = request.lenient;
  snapshot->folder_ =
      Fd(open(request.base.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!snapshot->folder_.ok()) return ErrnoStatus(errno, request.base);

  std::vector<Job> jobs;
  for (Scan::File& file : scan.files) {
    const Digest* known =
        cache == nullptr ? nullptr : cache->Find(file.entry.path, file.facts);
    if (known != nullptr) {
      file.entry.digest = *known;
    } else {
      jobs.push_back({&file, 0, false, ""});
    }
  }
  HashAll(snapshot->folder(), request.lenient, &jobs);

  std::vector<std::string> troubles = std::move(scan.unreadable);
  for (Job& job : jobs) {
    const std::string& path = job.file->entry.path;
    if (!job.trouble.empty()) {
      troubles.push_back(request.lenient ? job.trouble
                                         : Join(request.base, job.trouble));
      job.gone = request.lenient;
    } else if (job.gone) {
      scan.warnings.push_back(
          absl::StrCat(Printable(path), " has vanished and is not synced"));
    } else if (cache != nullptr) {
      cache->Add(path, job.file->facts, job.file->entry.digest, job.read_at);
    }
    if (job.gone) job.file->entry.path.clear();
  }
  if (request.lenient) {
    for (const std::string& trouble : troubles) {
      scan.warnings.push_back(absl::StrCat("left out: ", trouble));
    }
  } else {
    DIST_RETURN_IF_ERROR(Troubles(std::move(troubles)));
  }

  Manifest manifest;
  const std::vector<FileFacts> facts = MoveEntries(&scan, &manifest);
  Complete(&manifest);
  size_t next = 0;
  snapshot->facts_.reserve(manifest.entries.size());
  for (const Entry& entry : manifest.entries) {
    const bool file = entry.type == EntryType::kFile;
    snapshot->facts_.push_back(file ? facts[next++] : FileFacts());
  }
  std::string encoded = EncodeManifest(manifest);
  if (encoded.size() > kMaxManifestBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "there are too many files to sync: ", manifest.entries.size(),
        "\nhelp: --rsyncdir names what is needed"));
  }
  manifest = Manifest();
  snapshot->compressed_ = Compress(encoded);
  snapshot->hash_ = std::string(DigestOf(encoded).view());
  DIST_ASSIGN_OR_RETURN(snapshot->manifest_,
                        PackedManifest::Parse(std::move(encoded)));
  snapshot->warnings_ = std::move(scan.warnings);
  return std::shared_ptr<const Snapshot>(std::move(snapshot));
}

}  // namespace dist
