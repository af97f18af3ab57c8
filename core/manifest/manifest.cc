#include "core/manifest/manifest.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/manifest/path_rules.h"

namespace dist {
namespace {

absl::Status Bad(const Entry& entry, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", Printable(entry.path), "' ", why));
}

absl::Status CheckEntry(const Entry& entry) {
  DIST_RETURN_IF_ERROR(CheckTreePath(entry.path));
  if ((entry.mode & ~kModeMask) != 0) return Bad(entry, "has a foreign mode");
  if (entry.type == EntryType::kLink) {
    if (entry.target.empty() || entry.target.size() > kMaxPath ||
        entry.target.find('\0') != std::string::npos) {
      return Bad(entry, "is a link to nothing that can be");
    }
  } else if (entry.type == EntryType::kFile && entry.size > kMaxFileSize) {
    return Bad(entry, "is larger than any file");
  }
  return absl::OkStatus();
}

}  // namespace

void Complete(Manifest* manifest) {
  std::vector<Entry>& entries = manifest->entries;
  const auto before = [](const Entry& a, const Entry& b) {
    return ComparePaths(a.path, b.path) < 0;
  };
  const auto sort = [&] {
    if (!std::is_sorted(entries.begin(), entries.end(), before)) {
      std::stable_sort(entries.begin(), entries.end(), before);
    }
    const auto twice = std::unique(
        entries.begin(), entries.end(),
        [](const Entry& a, const Entry& b) { return a.path == b.path; });
    entries.erase(twice, entries.end());
  };
  sort();
  std::vector<std::string> open;  // Folders that the next entry may be in.
  std::vector<Entry> missing;
  for (const Entry& entry : entries) {
    while (!open.empty() && !IsPathUnder(entry.path, open.back())) {
      open.pop_back();
    }
    size_t end = open.empty() ? 0 : open.back().size() + 1;
    while ((end = entry.path.find('/', end)) != std::string::npos) {
      Entry folder;
      folder.path = entry.path.substr(0, end++);
      folder.type = EntryType::kFolder;
      folder.mode = 0755;
      open.push_back(folder.path);
      missing.push_back(std::move(folder));
    }
    if (entry.type == EntryType::kFolder) open.push_back(entry.path);
  }
  if (missing.empty()) return;
  std::move(missing.begin(), missing.end(), std::back_inserter(entries));
  sort();
}

absl::Status ManifestChecker::Add(const Entry& entry) {
  DIST_RETURN_IF_ERROR(CheckEntry(entry));
  // No path is empty, so the first one follows that.
  if (ComparePaths(previous_, entry.path) >= 0) {
    return Bad(entry, "is out of order");
  }
  const absl::string_view parent = ParentPath(entry.path);
  while (!open_.empty() && open_.back() != parent) open_.pop_back();
  if (!parent.empty() && open_.empty()) return Bad(entry, "is in no folder");
  if (entry.type == EntryType::kFolder) open_.push_back(entry.path);
  previous_ = entry.path;
  return absl::OkStatus();
}

absl::Status CheckManifest(const Manifest& manifest) {
  if (manifest.entries.size() > kMaxEntries) {
    return absl::InvalidArgumentError("a tree of more than 2,000,000 entries");
  }
  ManifestChecker checker;
  for (const Entry& entry : manifest.entries) {
    DIST_RETURN_IF_ERROR(checker.Add(entry));
  }
  return absl::OkStatus();
}

}  // namespace dist
