#include "sync/ledger.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/wire/codec.h"
#include "sync/cache_home.h"
#include "sync/fd.h"

namespace dist {
namespace {

constexpr size_t kMaxBytes = 2 * kMaxManifestBytes;

// A ledger is its digest, this, and LedgerStamps.
struct LedgerHead {
  std::string boot;
  std::string manifest;
  template <class V>
  auto VisitFields(V&& v) {
    return v("boot", boot, "manifest", manifest);
  }
};

std::string BootId() {
  const Fd file(open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  std::string id;
  if (!file.ok() || !ReadWhole(file.get(), 4096, "boot_id", &id).ok()) {
    return "";
  }
  return id;
}

// All bytes of a ledger's file, taken apart; false if they are not what was
// written.
bool ReadFile(int folder, const std::string& name, LedgerHead* head,
              LedgerStamps* stamps) {
  const Fd file(
      openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  std::string bytes;
  if (!file.ok() || !ReadWhole(file.get(), kMaxBytes, name, &bytes).ok()) {
    return false;
  }
  const absl::string_view body =
      absl::string_view(bytes).substr(std::min(bytes.size(), Digest::kSize));
  if (DigestOf(body).view() != bytes.substr(0, Digest::kSize)) return false;
  Decoder decoder(body);
  decoder.Get(*head);
  decoder.Get(*stamps);
  return !decoder.failed() && decoder.at_end();
}

}  // namespace

FileFacts Ledger::FactsOfFile(uint32_t position, const Entry& entry) const {
  const Stamp& stamp = stamps[position];
  return {entry.size, entry.mtime, stamp.ctime, stamp.inode};
}

Ledger ReadLedger(int folder, const std::string& name) {
  LedgerHead head;
  LedgerStamps stamps;
  if (!ReadFile(folder, name, &head, &stamps)) return {};
  Ledger ledger;
  ledger.hash = std::string(DigestOf(head.manifest).view());
  auto manifest = PackedManifest::Parse(std::move(head.manifest));
  if (!manifest.ok()) return {};
  ledger.stamps.reserve(manifest->size());
  size_t files = 0;
  for (const Entry& entry : *manifest) {
    Ledger::Stamp& stamp = ledger.stamps.emplace_back();
    if (entry.type != EntryType::kFile) continue;
    if (files >= stamps.inodes.size() || files >= stamps.ctimes.size())
      return {};
    stamp = {stamps.ctimes[files], stamps.inodes[files]};
    ++files;
  }
  std::sort(stamps.theirs.begin(), stamps.theirs.end());
  if (!stamps.theirs.empty() && stamps.theirs.back() >= manifest->size())
    return {};
  ledger.theirs = std::move(stamps.theirs);
  ledger.manifest = std::make_shared<PackedManifest>(*std::move(manifest));
  ledger.since_boot = !head.boot.empty() && head.boot == BootId();
  return ledger;
}

void LedgerStamps::Reserve(size_t entries) {
  inodes.reserve(entries);
  ctimes.reserve(entries);
}

void LedgerStamps::AddFile(const FileFacts& facts) {
  inodes.push_back(facts.inode);
  ctimes.push_back(facts.ctime);
}

// The manifest is too large to be copied for this.
absl::Status WriteLedger(int folder, const std::string& name,
                         absl::string_view manifest,
                         const LedgerStamps& stamps) {
  // A string is its length, then its bytes.
  std::string front = Encode(BootId());
  Encoder(&front).Put(manifest.size());
  const std::string back = Encode(stamps);
  Hasher hasher;
  hasher.Add(front);
  hasher.Add(manifest);
  hasher.Add(back);
  return ReplaceFile(folder, name,
                     {hasher.Finish().view(), front, manifest, back});
}

}  // namespace dist
