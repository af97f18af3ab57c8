// Two folders and a sync between them, in one process.
#ifndef DIST_TESTS_SUPPORT_SYNC_RIG_H_
#define DIST_TESTS_SUPPORT_SYNC_RIG_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/model/sync_messages.h"
#include "core/wire/frame.h"
#include "sync/snapshot.h"
#include "sync/source.h"
#include "sync/target.h"

namespace dist {

// A new folder below the test's own; its path.
std::string NewFolder();
void RemoveFolder(const std::string& path);

// Makes missing folders too.
void WriteFile(const std::string& path, const std::string& bytes,
               unsigned mode = 0644);
void MakeFolder(const std::string& path);
void MakeLink(const std::string& target, const std::string& path);
std::string ReadFile(const std::string& path);
bool Exists(const std::string& path);  // Links are not followed.
// Nanoseconds since 1970.
void SetTime(const std::string& path, int64_t mtime);
int64_t TimeOf(const std::string& path);

// Everything below a folder: type, mode, time of files, content or target.
// Names for which `skip` holds are left out, with what is in them.
using TreeView = std::map<std::string, std::string>;
TreeView ViewOf(const std::string& folder,
                const std::function<bool(const std::string& name)>& skip = {});

// What a link's other end makes of a source's message to the tree `kRigTree`.
constexpr uint32_t kRigTree = 7;
SyncRequest RequestIn(const FramedMessage& message);

// How one sync went.
struct SyncOutcome {
  std::string error;  // "": it is done.
  SyncDone done;
  int round_trips = 0;
  uint64_t sent = 0;      // Bytes of contents, as they would be on the link.
  size_t most_ahead = 0;  // Bytes of contents on their way at once.
};

// Takes a snapshot of `folder` or fails the test.
std::shared_ptr<const Snapshot> SnapshotOf(const std::string& folder,
                                           HashCache* cache = nullptr,
                                           IgnoreRules rules = {});

class SyncRig {
 public:
  SyncRig();
  ~SyncRig();
  SyncRig(const SyncRig&) = delete;
  SyncRig& operator=(const SyncRig&) = delete;

  const std::string& here() const { return here_; }
  const std::string& cache() const { return cache_; }
  std::string Here(const std::string& name) const { return here_ + "/" + name; }

  // Syncs `here` to `folder` ("": a tree of the target's own) with a target
  // that is gone afterwards.
  SyncOutcome Sync(const std::string& folder = "");
  // The same; the caller keeps the target and so the tree's lock.
  SyncOutcome SyncTo(SyncTarget* target,
                     std::shared_ptr<const Snapshot> snapshot,
                     const std::string& folder = "");

  bool likely_known = false;
  bool fresh = false;
  std::string project = std::string(32, 'a');
  // Called with each message before it is delivered; false ends the sync there,
  // as a link does that breaks.
  std::function<bool(SyncRequest*)> on_request;
  std::function<bool(SyncReply*)> on_reply;

 private:
  std::string here_;
  std::string cache_;
};

}  // namespace dist

#endif  // DIST_TESTS_SUPPORT_SYNC_RIG_H_
