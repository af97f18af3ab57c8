// Hashes of files that have not changed since they were last read.
#ifndef DIST_SYNC_HASH_CACHE_H_
#define DIST_SYNC_HASH_CACHE_H_

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "core/manifest/digest.h"
#include "sync/scan.h"

namespace dist {

// One a project, in a file of its own below the cache home. Losing it costs
// time only, so no failure of reading or writing it is an error.
class HashCache {
 public:
  // `folder`: "" keeps nothing. `key` names the project.
  HashCache(std::string folder, std::string key);

  // The hash of the file at `path`, if `facts` are those it had; else null.
  const Digest* Find(absl::string_view path, const FileFacts& facts) const;

  // Remembers a hash of what was read at `read_at` (nanoseconds since 1970). A
  // file that changed shortly before is not remembered: it may change again
  // without a visible change of its times.
  void Add(absl::string_view path, const FileFacts& facts, const Digest& digest,
           int64_t read_at);

  // The hash of the manifest that was last synced anywhere: what hosts are
  // likely to have.
  const std::string& last_synced() const { return last_synced_; }
  void set_last_synced(std::string hash);

  // Writes what Add() was told, and forgets what nobody asked for.
  void Save();

 private:
  struct Known {
    FileFacts facts;
    Digest digest;
    mutable bool used = false;
  };

  void Load();

  const std::string folder_;
  const std::string name_;
  // By a hash of the path: what else is known of a file tells it from others.
  absl::flat_hash_map<uint64_t, Known> known_;
  std::string last_synced_;
  bool changed_ = false;
};

}  // namespace dist

#endif  // DIST_SYNC_HASH_CACHE_H_
