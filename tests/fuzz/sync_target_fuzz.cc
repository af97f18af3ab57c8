// Property: whatever a source says, the target writes nothing but into its own
// folders, and no more than its limits, and answers or fails; and it fails
// once.
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/manifest/codec.h"
#include "core/wire/codec.h"
#include "sync/compress.h"
#include "sync/target.h"

namespace {

namespace fs = std::filesystem;

// A folder with one file beside the cache; the file must stay alone.
struct World {
  World() {
    std::string name = (fs::temp_directory_path() / "XXXXXX").string();
    if (mkdtemp(&name[0]) == nullptr) std::abort();
    path = name;
    fs::create_directory(path + "/outside");
  }
  ~World() { fs::remove_all(path); }
  std::string path;
};

// Inputs are requests with their length (two bytes) in front. A manifest comes
// as it is: nobody guesses its hash, or compresses by chance.
void Repair(dist::SyncRequest* request, const std::string& path, bool limited) {
  auto* const offer = std::get_if<dist::OfferTree>(request);
  if (offer == nullptr) return;
  offer->project = std::string(32, 'a');
  // Foreign folders are the user's wish, not the peer's.
  offer->folder = offer->folder.empty() || limited ? "" : path + "/there";
  offer->hash = std::string(dist::DigestOf(offer->manifest).view());
  offer->manifest_size = offer->manifest.size();
  offer->manifest = dist::Compress(offer->manifest);
}

// What a target that is used for fetching may be made to keep.
dist::SyncTarget::Limits Limits() {
  dist::SyncTarget::Limits limits;
  limits.bytes = 64;
  limits.entries = 4;
  limits.links = false;
  return limits;
}

void CheckWithinLimits(const std::string& tree) {
  uint64_t bytes = 0;
  uint64_t entries = 0;
  for (const auto& entry : fs::recursive_directory_iterator(tree)) {
    ++entries;
    if (entry.is_symlink()) std::abort();
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  if (bytes > Limits().bytes || entries > Limits().entries) std::abort();
}

void Play(absl::string_view rest, const World& world, bool limited) {
  dist::SyncTarget target(world.path + (limited ? "/limited" : "/cache"),
                          limited ? Limits() : dist::SyncTarget::Limits());
  bool failed = false;
  while (rest.size() > 2) {
    const size_t length = static_cast<uint8_t>(rest[0]) |
                          static_cast<size_t>(static_cast<uint8_t>(rest[1]))
                              << 8;
    auto request = dist::Decode<dist::SyncRequest>(rest.substr(2, length));
    rest.remove_prefix(std::min(rest.size(), length + 2));
    if (!request.ok()) continue;
    Repair(&*request, world.path, limited);
    const auto replies = target.OnRequest(*request);
    if (failed && !replies.empty()) std::abort();
    failed = target.failed();
    for (const auto& reply : replies) {
      const auto* const done = std::get_if<dist::SyncDone>(&reply);
      if (limited && done != nullptr) CheckWithinLimits(done->path);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const World* const world = new World;
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  Play(input, *world, /*limited=*/false);
  Play(input, *world, /*limited=*/true);
  for (const auto& entry : fs::directory_iterator(world->path)) {
    const std::string name = entry.path().filename();
    if (name != "cache" && name != "limited" && name != "there" &&
        name != "outside") {
      std::abort();
    }
  }
  if (!fs::is_empty(world->path + "/outside")) std::abort();
  return 0;
}
