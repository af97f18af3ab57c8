#include "core/manifest/path_rules.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/text.h"

namespace dist {
namespace {

absl::Status Bad(absl::string_view path, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("the path '", Printable(path.substr(0, 200)), "' ", why));
}

}  // namespace

absl::Status CheckTreePath(absl::string_view path) {
  if (path.size() > kMaxPath) return Bad(path, "is longer than 4095 bytes");
  if (path.find('\0') != absl::string_view::npos) {
    return Bad(path, "contains a NUL");
  }
  size_t depth = 0;
  absl::string_view rest = path;
  while (true) {
    const size_t slash = rest.find('/');
    const absl::string_view name = rest.substr(0, slash);
    if (name.empty()) return Bad(path, "is absolute or has an empty name");
    if (name == "." || name == "..") return Bad(path, "has a '.' or '..'");
    if (name.size() > kMaxName) {
      return Bad(path, "has a name longer than 255 bytes");
    }
    if (++depth > kMaxDepth) return Bad(path, "is deeper than 64 folders");
    if (slash == absl::string_view::npos) return absl::OkStatus();
    rest.remove_prefix(slash + 1);
  }
}

int ComparePaths(absl::string_view a, absl::string_view b) {
  const size_t common = std::min(a.size(), b.size());
  size_t i = 0;
  // Neighbours share most of their paths, and trees are searched a lot.
  for (uint64_t x = 0, y = 0; i + sizeof(x) <= common; i += sizeof(x)) {
    std::memcpy(&x, a.data() + i, sizeof(x));
    std::memcpy(&y, b.data() + i, sizeof(y));
    if (x != y) break;
  }
  for (; i < common; ++i) {
    if (a[i] == b[i]) continue;
    if (a[i] == '/') return -1;
    if (b[i] == '/') return 1;
    return static_cast<uint8_t>(a[i]) < static_cast<uint8_t>(b[i]) ? -1 : 1;
  }
  if (a.size() == b.size()) return 0;
  return a.size() < b.size() ? -1 : 1;
}

absl::string_view ParentPath(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == absl::string_view::npos ? "" : path.substr(0, slash);
}

absl::string_view BaseName(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == absl::string_view::npos ? path : path.substr(slash + 1);
}

bool IsPathUnder(absl::string_view path, absl::string_view folder) {
  return folder.empty() || path == folder ||
         (absl::StartsWith(path, folder) && path[folder.size()] == '/');
}

absl::string_view PathBelow(absl::string_view path, absl::string_view folder) {
  return folder.empty() ? path : path.substr(folder.size() + 1);
}

bool LinkStaysInside(absl::string_view path, absl::string_view target) {
  if (target.empty() || target[0] == '/') return false;
  int depth = static_cast<int>(std::count(path.begin(), path.end(), '/'));
  while (!target.empty()) {
    const size_t slash = target.find('/');
    const absl::string_view name = target.substr(0, slash);
    if (name == "..") {
      if (--depth < 0) return false;
    } else if (!name.empty() && name != ".") {
      ++depth;
    }
    if (slash == absl::string_view::npos) break;
    target.remove_prefix(slash + 1);
  }
  return true;
}

}  // namespace dist
