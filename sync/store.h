// Contents by their hash, shared by all projects of an account. A cache: what
// is in it is verified whenever it is used, and may be gone at any time.
#ifndef DIST_SYNC_STORE_H_
#define DIST_SYNC_STORE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/manifest/digest.h"
#include "sync/fd.h"

namespace dist {

// Files at store/ab/cdef..., named by the hexadecimal digits of their hash.
class Store {
 public:
  // `cache_home`: a descriptor of it, used by this call only.
  static absl::StatusOr<Store> Open(int cache_home);

  // Opens a content to read. Errors: NotFound.
  absl::StatusOr<Fd> Find(const Digest& digest) const;

  // Moves the file `name` of `folder` here, under a hash that it may have or
  // not. Not possible (another file system, say): removes it.
  void MoveIn(int folder, const std::string& name, const Digest& digest);

  // Removes what was not used for `age`, then the longest unused until no more
  // than `limit` bytes are left. Other runs may use the store meanwhile.
  void Prune(absl::Duration age, uint64_t limit, absl::Time now);

 private:
  Fd folder_;
};

}  // namespace dist

#endif  // DIST_SYNC_STORE_H_
