// Property: what decodes is a safe tree, and is encoded to the same bytes; the
// difference of two trees makes one of the other.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/manifest/codec.h"
#include "core/manifest/diff.h"
#include "core/manifest/ignore.h"
#include "core/manifest/packed_manifest.h"
#include "core/manifest/path_rules.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const size_t half = size / 2;
  dist::MatchesGlob(bytes.substr(0, half), bytes.substr(half));
  const auto manifest = dist::PackedManifest::Parse(std::string(bytes));
  if (!manifest.ok()) return 0;
  dist::ManifestEncoder again;
  uint32_t position = 0;
  for (const dist::Entry& entry : *manifest) {
    if (!dist::CheckTreePath(entry.path).ok()) std::abort();
    if (manifest->Find(entry.path) != position) std::abort();
    if (manifest->At(position) != entry) std::abort();
    again.Add(entry);
    ++position;
  }
  if (again.Finish() != bytes || position != manifest->size()) std::abort();
  dist::PackedManifest::Cursor cursor(*manifest);
  const auto have = [&](uint32_t i) -> const dist::Entry& {
    cursor.Seek(i);
    return cursor.entry();
  };
  const dist::TreeDiff made = dist::Diff(0, have, *manifest);
  if (made.make_folders.size() + made.make_files.size() +
          made.make_links.size() !=
      manifest->size()) {
    std::abort();
  }
  const dist::TreeDiff gone = dist::Diff(manifest->size(), have, {});
  if (gone.remove.size() != manifest->size() ||
      !dist::Diff(manifest->size(), have, *manifest).empty()) {
    std::abort();
  }
  return 0;
}
