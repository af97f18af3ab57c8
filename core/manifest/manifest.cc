#include "core/manifest/manifest.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
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
  absl::flat_hash_set<std::string> known;
  for (const Entry& entry : entries) known.insert(entry.path);
  const size_t listed = entries.size();
  for (size_t i = 0; i < listed; ++i) {
    const std::string path = entries[i].path;
    absl::string_view folder = ParentPath(path);
    for (; !folder.empty(); folder = ParentPath(folder)) {
      if (!known.insert(std::string(folder)).second) break;
      Entry entry;
      entry.path = std::string(folder);
      entry.type = EntryType::kFolder;
      entry.mode = 0755;
      entries.push_back(std::move(entry));
    }
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) {
                     return ComparePaths(a.path, b.path) < 0;
                   });
  const auto twice = std::unique(
      entries.begin(), entries.end(),
      [](const Entry& a, const Entry& b) { return a.path == b.path; });
  entries.erase(twice, entries.end());
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
