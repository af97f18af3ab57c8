// Contents that this machine has already, wherever they are.
#ifndef DIST_SYNC_LOCAL_CONTENTS_H_
#define DIST_SYNC_LOCAL_CONTENTS_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sync/fd.h"
#include "sync/ledger.h"
#include "sync/store.h"

namespace dist {

// What it finds may be something else by now: verify it (CopyContent does).
class LocalContents {
 public:
  // Neither is owned; both must outlive this.
  LocalContents(const Store* store, int tree) : store_(*store), tree_(tree) {}

  // Adds the files of the tree itself.
  void AddTree(const Manifest& manifest);
  // Adds those of the trees that other runs of the account have left, the ones
  // of `project` first; the folder `own_home` is left out.
  void AddOtherTrees(const std::string& cache_home, absl::string_view project,
                     const std::string& own_home);

  // Opens a file that should have this content. Errors: NotFound.
  absl::StatusOr<Fd> Open(const Digest& digest);

 private:
  struct Place {
    size_t tree = 0;  // 0: the tree itself, else of trees_, counted from 1.
    std::string path;
  };

  void Add(size_t tree, const Manifest& manifest);

  const Store& store_;
  const int tree_;
  std::vector<Fd> trees_;
  absl::flat_hash_map<Digest, Place> places_;
};

}  // namespace dist

#endif  // DIST_SYNC_LOCAL_CONTENTS_H_
