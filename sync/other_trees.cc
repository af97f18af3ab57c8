#include "sync/other_trees.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "sync/beneath.h"
#include "sync/ledger.h"

namespace dist {
namespace {

// Reading the ledger of each tree that was ever synced would take longer than
// sending the files.
constexpr size_t kOtherTrees = 8;

struct OtherTree {
  std::string home;
  bool same_project = false;
  int64_t used = 0;
};

std::vector<std::string> Children(const std::string& path) {
  const Fd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd.ok() ? NamesIn(fd.get()) : std::vector<std::string>();
}

}  // namespace

absl::Status VisitOtherTrees(
    const std::string& cache_home, absl::string_view project,
    const std::string& own_home,
    absl::FunctionRef<absl::Status(int tree, const PackedManifest& has)>
        visit) {
  const std::string all = absl::StrCat(cache_home, "/trees");
  std::vector<OtherTree> trees;
  for (const std::string& other : Children(all)) {
    const std::string folder = absl::StrCat(all, "/", other);
    for (const std::string& n : Children(folder)) {
      OtherTree tree{absl::StrCat(folder, "/", n), other == project, 0};
      struct stat info;
      const std::string ledger = absl::StrCat(tree.home, "/ledger");
      if (tree.home == own_home || stat(ledger.c_str(), &info) != 0) continue;
      tree.used = info.st_mtim.tv_sec;
      trees.push_back(std::move(tree));
    }
  }
  std::sort(trees.begin(), trees.end(),
            [](const OtherTree& a, const OtherTree& b) {
              return std::make_pair(a.same_project, a.used) >
                     std::make_pair(b.same_project, b.used);
            });
  if (trees.size() > kOtherTrees) trees.resize(kOtherTrees);
  for (const OtherTree& tree : trees) {
    const Fd home(open(tree.home.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!home.ok()) continue;
    const Fd files(openat(home.get(), "tree",
                          O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!files.ok()) continue;
    const Ledger ledger = ReadLedger(home.get(), "ledger");
    DIST_RETURN_IF_ERROR(visit(files.get(), *ledger.manifest));
  }
  return absl::OkStatus();
}

}  // namespace dist
