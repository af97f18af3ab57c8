// Property: what decodes is a safe tree, and is encoded to the same bytes; the
// difference of two trees makes one of the other.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/manifest/codec.h"
#include "core/manifest/diff.h"
#include "core/manifest/ignore.h"
#include "core/manifest/path_rules.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const size_t half = size / 2;
  dist::MatchesGlob(bytes.substr(0, half), bytes.substr(half));
  const auto manifest = dist::DecodeManifest(bytes);
  if (!manifest.ok()) return 0;
  if (dist::EncodeManifest(*manifest) != bytes) std::abort();
  for (const dist::Entry& entry : manifest->entries) {
    if (!dist::CheckTreePath(entry.path).ok()) std::abort();
    if (manifest->Find(entry.path) != &entry) std::abort();
  }
  const dist::TreeDiff made = dist::Diff({}, *manifest);
  if (made.make_folders.size() + made.make_files.size() +
          made.make_links.size() !=
      manifest->entries.size()) {
    std::abort();
  }
  if (dist::Diff(*manifest, {}).remove.size() != manifest->entries.size() ||
      !dist::Diff(*manifest, *manifest).empty()) {
    std::abort();
  }
  return 0;
}
