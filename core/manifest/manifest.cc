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

const Entry* Manifest::Find(absl::string_view path) const {
  const auto found =
      std::lower_bound(entries.begin(), entries.end(), path,
                       [](const Entry& entry, absl::string_view wanted) {
                         return ComparePaths(entry.path, wanted) < 0;
                       });
  return found != entries.end() && found->path == path ? &*found : nullptr;
}

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

absl::Status CheckManifest(const Manifest& manifest) {
  if (manifest.entries.size() > kMaxEntries) {
    return absl::InvalidArgumentError("a tree of more than 2,000,000 entries");
  }
  // The folders that the current entry may be in.
  std::vector<const Entry*> open;
  const Entry* previous = nullptr;
  for (const Entry& entry : manifest.entries) {
    DIST_RETURN_IF_ERROR(CheckEntry(entry));
    if (previous != nullptr && ComparePaths(previous->path, entry.path) >= 0) {
      return Bad(entry, "is out of order");
    }
    const absl::string_view parent = ParentPath(entry.path);
    while (!open.empty() && open.back()->path != parent) open.pop_back();
    if (!parent.empty() && open.empty()) {
      return Bad(entry, "is in no folder");
    }
    if (entry.type == EntryType::kFolder) open.push_back(&entry);
    previous = &entry;
  }
  return absl::OkStatus();
}

}  // namespace dist
