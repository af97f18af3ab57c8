// Bundles: the node program with all it needs, one file a platform.
//
// The format is in docs/bundle.md, the tool that writes it is
// tools/make_bundle.py.
#ifndef DIST_TRANSPORTS_BUNDLE_H_
#define DIST_TRANSPORTS_BUNDLE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dist {

// What a bundle says of itself, without its contents.
struct BundleHead {
  std::string system;  // What `uname -sm` says there: "Linux x86_64".
  // SHA-256 as 64 hex digits.
  std::string hash;      // Of `listing`, "\n" and contents.
  std::string launcher;  // Of the first of the contents.
  // "SIZE NAME SIZE NAME ...": launcher, loader, program, libraries.
  std::string listing;
  uint64_t size = 0;  // Of all contents, in bytes.
  size_t bytes = 0;   // Of the head itself in the file.
};

// Reads the head of a bundle's bytes, which may go on. Errors: InvalidArgument.
absl::StatusOr<BundleHead> ParseBundleHead(absl::string_view bytes);

struct Bundle {
  BundleHead head;
  std::string platform;  // "linux-x86_64".
  std::string path;
  uint64_t packed_size = 0;  // Of the gzip stream that follows the head.
};

// The bundles there are. Thread-safe: nothing changes after Find().
class Bundles {
 public:
  Bundles() = default;

  // Reads the heads of PLATFORM.bundle in `folder`. One that cannot be read is
  // an error: it was put there to be used.
  static absl::StatusOr<Bundles> In(const std::string& folder);
  // Those of this installation: in $DIST_BUNDLES, else in bundles/ beside the
  // program.
  static absl::StatusOr<Bundles> Installed();

  const std::vector<Bundle>& all() const { return all_; }
  const std::string& folder() const { return folder_; }
  // By `uname -sm`; null if there is none.
  const Bundle* Find(absl::string_view system) const;

 private:
  std::string folder_;
  std::vector<Bundle> all_;  // By platform.
};

// What travels of a bundle: the gzip stream, or what is in it. Whoever asks
// while another one has it shares that. Thread-safe. Errors: the file is gone
// or is no longer what it was.
enum class Encoding { kGzip, kPlain };
absl::StatusOr<std::shared_ptr<const std::string>> ReadPayload(
    const Bundle& bundle, Encoding encoding);

}  // namespace dist

#endif  // DIST_TRANSPORTS_BUNDLE_H_
