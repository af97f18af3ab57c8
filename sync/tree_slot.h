// The folder that a tree is put into, held by a lock for as long as it is used.
#ifndef DIST_SYNC_TREE_SLOT_H_
#define DIST_SYNC_TREE_SLOT_H_

#include <string>

#include "absl/status/statusor.h"
#include "sync/fd.h"

namespace dist {

// Below the cache home:
//   trees/PROJECT/N/{lock,ledger,stage/,tree/}   trees of our own; N from 0 on
//   trees/PROJECT/N/first/                       before there is a tree
//   trees/at-HASH/0/{lock,PROJECT}               of a chdir= folder
// Two runs never share a tree of our own: a second one takes the next N.
class TreeSlot {
 public:
  // Takes the first tree of `project` that no other run uses, or `folder` if it
  // is not empty; missing folders are made. Errors: Unavailable if the folder
  // is in use; InvalidArgument for a project that is no name; as of open().
  static absl::StatusOr<TreeSlot> Claim(const std::string& cache_home,
                                        const std::string& project,
                                        const std::string& folder);

  bool own() const { return own_; }
  // There was no tree yet: tree() is one that nobody uses before Publish().
  bool fresh() const { return fresh_; }
  int tree() const { return tree_.get(); }
  int stage() const { return stage_.get(); }
  int home() const { return home_.get(); }               // Where the ledger is.
  const std::string& ledger() const { return ledger_; }  // Its name there.
  const std::string& path() const { return path_; }      // Of the tree.
  const std::string& home_path() const { return home_path_; }

  // Gives a fresh tree its name.
  absl::Status Publish();
  // Opens the tree anew, after another folder has got its name. tree() stays
  // the same number.
  absl::Status ReopenTree();

  // Makes the stage, a private folder on the file system of the tree.
  absl::Status OpenStage();
  // A run that was killed has left one.
  bool HasStage() const;
  // Removes it with all that is in it.
  absl::Status RemoveStage();

 private:
  absl::Status OpenOwn(int trees, const std::string& project);
  absl::Status OpenAt(int trees, const std::string& project,
                      const std::string& folder);

  bool own_ = true;
  bool fresh_ = false;
  Fd home_;
  Fd lock_;
  Fd tree_;
  Fd stage_;
  std::string ledger_;
  std::string path_;
  std::string home_path_;
};

}  // namespace dist

#endif  // DIST_SYNC_TREE_SLOT_H_
