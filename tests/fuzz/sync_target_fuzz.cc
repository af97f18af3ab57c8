// Property: whatever a source says, the target writes nothing but into its own
// folders, and answers or fails; and it fails once.
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
void Repair(dist::SyncRequest* request, const std::string& path) {
  auto* const offer = std::get_if<dist::OfferTree>(request);
  if (offer == nullptr) return;
  offer->project = std::string(32, 'a');
  // Foreign folders are the user's wish, not the peer's.
  offer->folder = offer->folder.empty() ? "" : path + "/there";
  offer->hash = std::string(dist::DigestOf(offer->manifest).view());
  offer->manifest_size = offer->manifest.size();
  offer->manifest = dist::Compress(offer->manifest);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const World* const world = new World;
  absl::string_view rest(reinterpret_cast<const char*>(data), size);
  dist::SyncTarget target(world->path + "/cache");
  bool failed = false;
  while (rest.size() > 2) {
    const size_t length = static_cast<uint8_t>(rest[0]) |
                          static_cast<size_t>(static_cast<uint8_t>(rest[1]))
                              << 8;
    auto request = dist::Decode<dist::SyncRequest>(rest.substr(2, length));
    rest.remove_prefix(std::min(rest.size(), length + 2));
    if (!request.ok()) continue;
    Repair(&*request, world->path);
    const auto replies = target.OnRequest(*request);
    if (failed && !replies.empty()) std::abort();
    failed = target.failed();
  }
  for (const auto& entry : fs::directory_iterator(world->path)) {
    const std::string name = entry.path().filename();
    if (name != "cache" && name != "there" && name != "outside") std::abort();
  }
  if (!fs::is_empty(world->path + "/outside")) std::abort();
  return 0;
}
