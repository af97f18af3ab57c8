// What dist has put into a folder, and how it looked then.
#ifndef DIST_SYNC_LEDGER_H_
#define DIST_SYNC_LEDGER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/manifest/packed_manifest.h"
#include "sync/scan.h"

namespace dist {

struct Ledger {
  // What a file has of its own, beside what its entry says.
  struct Stamp {
    int64_t ctime = 0;
    uint64_t inode = 0;
  };

  // Never null. Shared with whoever wants just that: it is large.
  std::shared_ptr<const PackedManifest> manifest =
      std::make_shared<PackedManifest>();
  std::string hash;           // Of the encoded manifest; "": no ledger.
  std::vector<Stamp> stamps;  // Of files; by position.
  // Positions, ascending, of what was as it should be before dist came: not
  // ours to remove.
  std::vector<uint32_t> theirs;
  // The machine has not been started anew since: what was written is on the
  // disk or in the page cache. Otherwise contents must be read to be believed,
  // since we do not wait for disks.
  bool since_boot = false;

  // Of the file `entry` at `position` in the manifest.
  FileFacts FactsOfFile(uint32_t position, const Entry& entry) const;
};

// The ledger `name` in `folder`; an empty one if there is none, or none that
// can be read: it costs time only.
Ledger ReadLedger(int folder, const std::string& name);

// In the name of a ledger that says what a sync was about to do.
inline constexpr char kIntent[] = ".next";

// What a ledger says beside its manifest. To be told in the order of that.
struct LedgerStamps {
  std::vector<uint64_t> inodes;  // Of the files.
  std::vector<int64_t> ctimes;
  std::vector<uint32_t> theirs;  // As in a Ledger.
  template <class V>
  auto VisitFields(V&& v) {
    return v("inodes", inodes, "ctimes", ctimes, "theirs", theirs);
  }

  // `entries`: about how many there will be.
  void Reserve(size_t entries);
  void AddFile(const FileFacts& facts);
};

// Replaces it by one rename. `manifest`: encoded.
absl::Status WriteLedger(int folder, const std::string& name,
                         absl::string_view manifest,
                         const LedgerStamps& stamps);

}  // namespace dist

#endif  // DIST_SYNC_LEDGER_H_
