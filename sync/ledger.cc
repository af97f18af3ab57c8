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

// A ledger is its digest, then these two. What is written is as long as a
// manifest, which is why it is not put together in memory first.
struct LedgerHead {
  std::string boot;
  std::string manifest;
  template <class V>
  auto VisitFields(V&& v) {
    return v("boot", boot, "manifest", manifest);
  }
};

struct LedgerTail {
  std::vector<uint64_t> inodes;  // Of the files, in their order.
  std::vector<int64_t> ctimes;
  std::vector<uint32_t> theirs;  // Positions in the manifest.
  template <class V>
  auto VisitFields(V&& v) {
    return v("inodes", inodes, "ctimes", ctimes, "theirs", theirs);
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
              LedgerTail* tail) {
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
  decoder.Get(*tail);
  return !decoder.failed() && decoder.at_end();
}

}  // namespace

FileFacts Ledger::FactsOfFile(uint32_t position, const Entry& entry) const {
  const Stamp& stamp = stamps[position];
  return {entry.size, entry.mtime, stamp.ctime, stamp.inode};
}

Ledger ReadLedger(int folder, const std::string& name) {
  LedgerHead head;
  LedgerTail tail;
  if (!ReadFile(folder, name, &head, &tail)) return {};
  Ledger ledger;
  ledger.hash = std::string(DigestOf(head.manifest).view());
  auto manifest = PackedManifest::Parse(std::move(head.manifest));
  if (!manifest.ok()) return {};
  ledger.stamps.reserve(manifest->size());
  size_t files = 0;
  for (const Entry& entry : *manifest) {
    Ledger::Stamp& stamp = ledger.stamps.emplace_back();
    if (entry.type != EntryType::kFile) continue;
    if (files >= tail.inodes.size() || files >= tail.ctimes.size()) return {};
    stamp = {tail.ctimes[files], tail.inodes[files]};
    ++files;
  }
  std::sort(tail.theirs.begin(), tail.theirs.end());
  if (!tail.theirs.empty() && tail.theirs.back() >= manifest->size()) return {};
  ledger.theirs = std::move(tail.theirs);
  ledger.manifest = std::make_shared<PackedManifest>(*std::move(manifest));
  ledger.since_boot = !head.boot.empty() && head.boot == BootId();
  return ledger;
}

LedgerWriter::LedgerWriter(size_t entries, size_t bytes) : manifest_(bytes) {
  inodes_.reserve(entries);
  ctimes_.reserve(entries);
}

void LedgerWriter::Add(const Entry& entry, const FileFacts& facts,
                       bool theirs) {
  manifest_.Add(entry);
  if (theirs) theirs_.push_back(count_);
  ++count_;
  if (entry.type != EntryType::kFile) return;
  inodes_.push_back(facts.inode);
  ctimes_.push_back(facts.ctime);
}

absl::Status LedgerWriter::Write(int folder, const std::string& name) {
  const std::string manifest = manifest_.Finish();
  // A string is its length, then its bytes.
  std::string front = Encode(BootId());
  Encoder(&front).Put(manifest.size());
  const std::string back = Encode(
      LedgerTail{std::move(inodes_), std::move(ctimes_), std::move(theirs_)});
  Hasher hasher;
  hasher.Add(front);
  hasher.Add(manifest);
  hasher.Add(back);
  return ReplaceFile(folder, name,
                     {hasher.Finish().view(), front, manifest, back});
}

}  // namespace dist
