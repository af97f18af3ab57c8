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

TreeDiff Diff(const Manifest& have, const Manifest& want) {
  TreeDiff diff;
  auto old = have.entries.begin();
  const auto old_end = have.entries.end();
  for (uint32_t i = 0; i < want.entries.size(); ++i) {
    const Entry& entry = want.entries[i];
    while (old != old_end && ComparePaths(old->path, entry.path) < 0) {
      diff.remove.push_back((old++)->path);
    }
    if (old == old_end || old->path != entry.path) {
      Make(entry, i, &diff);
      continue;
    }
    if (old->type != entry.type) {
      diff.remove.push_back(old->path);
      Make(entry, i, &diff);
    } else if (!SameContent(*old, entry)) {
      Make(entry, i, &diff);
    } else if (*old != entry) {
      diff.touch.push_back(i);
    }
    ++old;
  }
  for (; old != old_end; ++old) diff.remove.push_back(old->path);
  // What is in a folder sorts behind it and must go first.
  std::reverse(diff.remove.begin(), diff.remove.end());
  return diff;
}

}  // namespace dist
