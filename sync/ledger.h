// What dist has put into a folder, and how it looked then.
#ifndef DIST_SYNC_LEDGER_H_
#define DIST_SYNC_LEDGER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "core/manifest/manifest.h"
#include "sync/scan.h"

namespace dist {

struct Ledger {
  // Never null. Shared with whoever wants just that: it is large.
  std::shared_ptr<const Manifest> manifest = std::make_shared<Manifest>();
  std::string hash;              // Of the encoded manifest; "": no ledger.
  std::vector<FileFacts> facts;  // Of files; by position.
  // Paths that were as they should be before dist came: not ours to remove.
  absl::flat_hash_set<std::string> theirs;
  // The machine has not been started anew since: what was written is on the
  // disk or in the page cache. Otherwise contents must be read to be believed,
  // since we do not wait for disks.
  bool since_boot = false;
};

// The ledger `name` in `folder`; an empty one if there is none, or none that
// can be read: it costs time only.
Ledger ReadLedger(int folder, const std::string& name);

// In the name of a ledger that says what a sync was about to do.
inline constexpr char kIntent[] = ".next";

// Replaces it by one rename. `facts`: by position in the manifest.
absl::Status WriteLedger(int folder, const std::string& name,
                         const Manifest& manifest,
                         const std::vector<FileFacts>& facts,
                         const absl::flat_hash_set<std::string>& theirs);

}  // namespace dist

#endif  // DIST_SYNC_LEDGER_H_
