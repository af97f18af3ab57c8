// Rolling deltas (librsync): large files that have changed a little.
//
// A delta makes one segment of a new file, from anywhere in an old one. So no
// end keeps more than a segment, and each segment that shares nothing with the
// old file can be sent as it is.
#ifndef DIST_SYNC_DELTA_H_
#define DIST_SYNC_DELTA_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dist {

// True for sizes at which a signature costs less than what it is likely to
// save: 1 MiB at least, 32 GiB at most.
bool WorthADelta(uint64_t base, uint64_t wanted);

// The signature of the file `fd`, whose size is `size`: at most 400 KiB. Reads
// all of it. Errors: InvalidArgument unless WorthADelta(); DataLoss if it is
// shorter by now; as of read().
absl::StatusOr<std::string> SignatureOf(int fd, uint64_t size);

// The `size` bytes, at most kMaxSegment, that `delta` makes of the file `base`.
// Believes nothing: Errors: DataLoss unless it makes exactly that many; as of
// read().
absl::StatusOr<std::string> ApplyDelta(int base, absl::string_view delta,
                                       size_t size);

// An old file, as its signature describes it. Not thread-safe.
class DeltaBase {
 public:
  // Errors: InvalidArgument for what SignatureOf() could not have written.
  static absl::StatusOr<std::unique_ptr<DeltaBase>> Load(
      absl::string_view signature);
  ~DeltaBase();
  DeltaBase(const DeltaBase&) = delete;
  DeltaBase& operator=(const DeltaBase&) = delete;

  // The delta that makes `bytes`, a segment; "" if it would not be shorter than
  // half of them, or if the signature is made to take this machine's time.
  std::string DeltaTo(absl::string_view bytes);

 private:
  struct Sums;
  explicit DeltaBase(std::unique_ptr<Sums> sums);

  const std::unique_ptr<Sums> sums_;
  bool slow_ = false;
};

}  // namespace dist

#endif  // DIST_SYNC_DELTA_H_
