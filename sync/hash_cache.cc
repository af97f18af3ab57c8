#include "sync/hash_cache.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/wire/codec.h"
#include "sync/cache_home.h"

namespace dist {
namespace {

// Bytes of 2,000,000 files.
constexpr size_t kMaxBytes = size_t{512} << 20;
// File systems keep times in steps of up to two seconds (FAT).
constexpr int64_t kRacy = 2'000'000'000;

struct KnownFile {
  uint64_t path = 0;  // Its KeyOf().
  uint64_t size = 0;
  int64_t mtime = 0;
  int64_t ctime = 0;
  uint64_t inode = 0;
  template <class V>
  auto VisitFields(V&& v) {
    return v("path", path, "size", size, "mtime", mtime, "ctime", ctime,
             "inode", inode);
  }
};

struct KnownFiles {
  std::string last_synced;
  std::vector<KnownFile> files;
  std::string digests;  // Of the files, end to end.
  template <class V>
  auto VisitFields(V&& v) {
    return v("last_synced", last_synced, "files", files, "digests", digests);
  }
};

// FNV-1a, 64 bits (Fowler, Noll and Vo): the same in every process.
uint64_t KeyOf(absl::string_view path) {
  uint64_t key = 0xcbf29ce484222325;
  for (const char c : path) {
    key = (key ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  }
  return key;
}

}  // namespace

HashCache::HashCache(std::string folder, std::string key)
    : folder_(std::move(folder)), name_(absl::StrCat(key, ".hashes")) {
  if (!folder_.empty()) Load();
}

// The file begins with the digest of what follows: a disk that was full or a
// machine that lost power must not make us send wrong bytes.
void HashCache::Load() {
  const auto folder = OpenPrivateFolder(folder_);
  if (!folder.ok()) return;
  const Fd file(
      openat(folder->get(), name_.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  std::string bytes;
  if (!file.ok() || !ReadWhole(file.get(), kMaxBytes, name_, &bytes).ok()) {
    return;
  }
  const absl::string_view body =
      absl::string_view(bytes).substr(std::min(bytes.size(), Digest::kSize));
  if (DigestOf(body).view() != bytes.substr(0, Digest::kSize)) return;
  auto decoded = Decode<KnownFiles>(body);
  if (!decoded.ok() ||
      decoded->digests.size() != decoded->files.size() * Digest::kSize) {
    return;
  }
  last_synced_ = std::move(decoded->last_synced);
  known_.reserve(decoded->files.size());
  absl::string_view digests = decoded->digests;
  for (const KnownFile& file : decoded->files) {
    known_[file.path] = {{file.size, file.mtime, file.ctime, file.inode},
                         Digest::FromBytes(digests.substr(0, Digest::kSize))};
    digests.remove_prefix(Digest::kSize);
  }
}

const Digest* HashCache::Find(absl::string_view path,
                              const FileFacts& facts) const {
  const auto found = known_.find(KeyOf(path));
  if (found == known_.end() || found->second.facts != facts) return nullptr;
  found->second.used = true;
  return &found->second.digest;
}

void HashCache::Add(absl::string_view path, const FileFacts& facts,
                    const Digest& digest, int64_t read_at) {
  if (std::max(facts.mtime, facts.ctime) > read_at - kRacy) return;
  known_[KeyOf(path)] = {facts, digest, true};
  changed_ = true;
}

void HashCache::set_last_synced(std::string hash) {
  if (hash == last_synced_) return;
  last_synced_ = std::move(hash);
  changed_ = true;
}

void HashCache::Save() {
  if (folder_.empty() || !changed_) return;
  KnownFiles all;
  all.last_synced = last_synced_;
  all.files.reserve(known_.size());
  all.digests.reserve(known_.size() * Digest::kSize);
  for (const auto& [path, known] : known_) {
    if (!known.used) continue;
    const FileFacts& facts = known.facts;
    all.files.push_back(
        {path, facts.size, facts.mtime, facts.ctime, facts.inode});
    all.digests.append(known.digest.view().data(), Digest::kSize);
  }
  const std::string body = Encode(all);
  const auto folder = OpenPrivateFolder(folder_);
  if (!folder.ok()) return;
  ReplaceFile(folder->get(), name_, {DigestOf(body).view(), body})
      .IgnoreError();
  changed_ = false;
}

}  // namespace dist
