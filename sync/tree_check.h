// Looks at a tree: what of it is as wanted, or as dist has put it there.
#ifndef DIST_SYNC_TREE_CHECK_H_
#define DIST_SYNC_TREE_CHECK_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "core/manifest/manifest.h"
#include "sync/ledger.h"

namespace dist {

struct TreeState {
  // What can stay or is ours to replace: as the ledger says, or found to have
  // the content that is wanted. In order, complete.
  Manifest intact;
  absl::flat_hash_map<std::string, FileFacts> facts;  // Of its files, by path.
  // Paths of it that no ledger names, or only as somebody else's.
  absl::flat_hash_set<std::string> theirs;
  // What is neither wanted nor ours, topmost paths only. Not in it: names that
  // are always ignored, as in rsync; tests and their tools keep caches there.
  std::vector<std::string> foreign;
  // Those of them where dist has put something; all, where no ledger says.
  absl::flat_hash_set<std::string> spoilt;
  // What is always ignored and neither wanted nor ours, topmost paths only.
  std::vector<std::string> kept;
  std::vector<std::string> bytecode;  // Likewise: __pycache__ folders.
  bool as_wanted = false;             // But for what is foreign.
  bool noted = true;                  // All files are as the ledger says.
};

// Compares the folder `tree` with its ledger, and what differs (everything, if
// the machine was started anew since) by content with `want`. `intent`: of a
// sync that did not come to its end; its files are ours, too. Follows no link.
absl::StatusOr<TreeState> CheckTree(int tree, const Ledger& ledger,
                                    const Ledger& intent, const Manifest& want);

}  // namespace dist

#endif  // DIST_SYNC_TREE_CHECK_H_
