#include "core/manifest/diff.h"

#include <algorithm>

#include "core/manifest/path_rules.h"

namespace dist {
namespace {

void Make(const Entry& entry, uint32_t i, TreeDiff* diff) {
  switch (entry.type) {
    case EntryType::kFolder:
      return diff->make_folders.push_back(i);
    case EntryType::kFile:
      return diff->make_files.push_back(i);
    case EntryType::kLink:
      return diff->make_links.push_back(i);
  }
}

bool SameContent(const Entry& a, const Entry& b) {
  if (a.type == EntryType::kLink) return a.target == b.target;
  return a.type == EntryType::kFolder ||
         (a.size == b.size && a.digest == b.digest);
}

}  // namespace

TreeDiff Diff(uint32_t count, absl::FunctionRef<const Entry&(uint32_t)> have,
              const PackedManifest& want) {
  TreeDiff diff;
  diff.had.reserve(want.size());
  uint32_t i = 0;
  const Entry* old = count > 0 ? &have(0) : nullptr;
  const auto next = [&] { old = ++i < count ? &have(i) : nullptr; };
  uint32_t position = 0;
  for (const Entry& entry : want) {
    for (; old != nullptr && ComparePaths(old->path, entry.path) < 0; next()) {
      diff.remove.push_back(i);
    }
    const bool there = old != nullptr && old->path == entry.path;
    const bool same_type = there && old->type == entry.type;
    diff.had.push_back(same_type ? i : TreeDiff::kNone);
    if (there && !same_type) diff.remove.push_back(i);
    if (!same_type || !SameContent(*old, entry)) {
      Make(entry, position, &diff);
    } else if (*old != entry) {
      diff.touch.push_back(position);
    }
    if (there) next();
    ++position;
  }
  for (; old != nullptr; next()) diff.remove.push_back(i);
  // What is in a folder sorts behind it and must go first.
  std::reverse(diff.remove.begin(), diff.remove.end());
  return diff;
}

}  // namespace dist
