#include "sync/local_contents.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sync/beneath.h"

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

void LocalContents::Add(size_t tree, const Manifest& manifest) {
  for (const Entry& entry : manifest.entries) {
    if (entry.type != EntryType::kFile || entry.size == 0) continue;
    places_.try_emplace(entry.digest, Place{tree, entry.path});
  }
}

void LocalContents::AddTree(const Manifest& manifest) { Add(0, manifest); }

void LocalContents::AddOtherTrees(const std::string& cache_home,
                                  absl::string_view project,
                                  const std::string& own_home) {
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
    Fd files(openat(home.get(), "tree",
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!files.ok()) continue;
    const Ledger ledger = ReadLedger(home.get(), "ledger");
    trees_.push_back(std::move(files));
    Add(trees_.size(), *ledger.manifest);
  }
}

absl::StatusOr<Fd> LocalContents::Open(const Digest& digest) {
  const auto found = places_.find(digest);
  if (found != places_.end()) {
    const Place& place = found->second;
    const int tree = place.tree == 0 ? tree_ : trees_[place.tree - 1].get();
    auto fd = OpenBeneath(tree, place.path, O_RDONLY | O_NONBLOCK);
    if (fd.ok()) return fd;
  }
  return store_.Find(digest);
}

}  // namespace dist
