#include "sync/ledger.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/manifest/codec.h"
#include "core/wire/codec.h"
#include "sync/cache_home.h"
#include "sync/fd.h"

namespace dist {
namespace {

constexpr size_t kMaxBytes = 2 * kMaxManifestBytes;

struct LedgerFile {
  std::string boot;
  std::string manifest;
  std::vector<uint64_t> inodes;  // Of the files, in their order.
  std::vector<int64_t> ctimes;
  std::vector<uint32_t> theirs;  // Positions in the manifest.
  template <class V>
  auto VisitFields(V&& v) {
    return v("boot", boot, "manifest", manifest, "inodes", inodes, "ctimes",
             ctimes, "theirs", theirs);
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

}  // namespace

Ledger ReadLedger(int folder, const std::string& name) {
  const Fd file(
      openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  std::string bytes;
  if (!file.ok() || !ReadWhole(file.get(), kMaxBytes, name, &bytes).ok()) {
    return {};
  }
  const absl::string_view body =
      absl::string_view(bytes).substr(std::min(bytes.size(), Digest::kSize));
  if (DigestOf(body).view() != bytes.substr(0, Digest::kSize)) return {};
  const auto file_read = Decode<LedgerFile>(body);
  if (!file_read.ok()) return {};
  auto manifest = DecodeManifest(file_read->manifest);
  if (!manifest.ok()) return {};
  Ledger ledger;
  ledger.facts.reserve(manifest->entries.size());
  size_t files = 0;
  for (const Entry& entry : manifest->entries) {
    FileFacts facts;
    if (entry.type == EntryType::kFile) {
      if (files >= file_read->inodes.size() ||
          files >= file_read->ctimes.size()) {
        return {};
      }
      facts = {entry.size, entry.mtime, file_read->ctimes[files],
               file_read->inodes[files]};
      ++files;
    }
    ledger.facts.push_back(facts);
  }
  for (const uint32_t position : file_read->theirs) {
    if (position >= manifest->entries.size()) return {};
    ledger.theirs.insert(manifest->entries[position].path);
  }
  ledger.hash = std::string(DigestOf(file_read->manifest).view());
  ledger.manifest = std::make_shared<Manifest>(*std::move(manifest));
  ledger.since_boot = !file_read->boot.empty() && file_read->boot == BootId();
  return ledger;
}

absl::Status WriteLedger(int folder, const std::string& name,
                         const Manifest& manifest,
                         const std::vector<FileFacts>& facts,
                         const absl::flat_hash_set<std::string>& theirs) {
  LedgerFile file;
  file.boot = BootId();
  file.manifest = EncodeManifest(manifest);
  for (size_t i = 0; i < manifest.entries.size(); ++i) {
    if (theirs.contains(manifest.entries[i].path)) {
      file.theirs.push_back(static_cast<uint32_t>(i));
    }
    if (manifest.entries[i].type != EntryType::kFile) continue;
    file.inodes.push_back(facts[i].inode);
    file.ctimes.push_back(facts[i].ctime);
  }
  const std::string body = Encode(file);
  // Each of these is as large as the manifest of all files.
  file = LedgerFile();
  const Digest digest = DigestOf(body);
  return ReplaceFile(folder, name, {digest.view(), body});
}

}  // namespace dist
