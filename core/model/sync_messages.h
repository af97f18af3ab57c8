// What the two ends of a sync say to each other (docs/sync.md). They travel as
// one alternative each of NodeCommand and NodeEvent, on a channel of their own.
#ifndef DIST_CORE_MODEL_SYNC_MESSAGES_H_
#define DIST_CORE_MODEL_SYNC_MESSAGES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace dist {

// ---- From the source, where the files are, to the target ------------------

// The first word. Answer: SyncDone, if the target has that tree already, else
// ManifestWanted or ContentsWanted; SyncFailed at any time from here.
struct OfferTree {
  std::string project;         // 16 to 64 hexadecimal digits.
  std::string folder;          // Sync there; "": in a tree of the target's own.
  std::string hash;            // SHA-256 of the encoded manifest.
  uint64_t manifest_size = 0;  // Bytes of the encoded manifest.
  std::string manifest;  // It, compressed; "" if the target is likely to know.
  // The contents of all files follow unasked: each once, at its first file. Not
  // without the manifest. A target that has some of them drops them all, and
  // asks for what it lacks.
  bool contents_follow = false;
  template <class V>
  auto VisitFields(V&& v) {
    return v("project", project, "folder", folder, "hash", hash,
             "manifest_size", manifest_size, "manifest", manifest,
             "contents_follow", contents_follow);
  }
};

// A piece of the compressed manifest.
struct SendManifest {
  std::string bytes;
  bool last = false;
  template <class V>
  auto VisitFields(V&& v) {
    return v("bytes", bytes, "last", last);
  }
};

// The next bytes of all wanted contents, one after another: first those of the
// runs, then those with signatures, in the order in which they were asked for.
struct SendContents {
  uint32_t size = 0;  // Before compression; at most kMaxBlock.
  bool compressed = false;
  std::string bytes;
  template <class V>
  auto VisitFields(V&& v) {
    return v("size", size, "compressed", compressed, "bytes", bytes);
  }
};

inline constexpr uint32_t kMaxBlock = 256 << 10;
// All that follows an offer unasked, before compression.
inline constexpr uint64_t kMaxUnasked = 4 << 20;

// The next bytes of a file whose signature was sent, as a delta to the version
// that the target has.
struct SendDelta {
  uint32_t size = 0;        // Of the bytes it makes; at most kMaxSegment.
  uint32_t delta_size = 0;  // Before compression; at most kMaxDelta.
  bool compressed = false;
  std::string bytes;
  template <class V>
  auto VisitFields(V&& v) {
    return v("size", size, "delta_size", delta_size, "compressed", compressed,
             "bytes", bytes);
  }
};

inline constexpr uint32_t kMaxSegment = 4 << 20;
inline constexpr uint32_t kMaxDelta = kMaxSegment / 2;

using SyncRequest =
    std::variant<OfferTree, SendManifest, SendContents, SendDelta>;

// ---- From the target to the source ----------------------------------------

struct ManifestWanted {
  template <class V>
  auto VisitFields(V&& v) {
    return v();
  }
};

// Files whose contents the target lacks: runs of positions in the manifest,
// first and count, ascending. Folders and links in a run have no content.
struct ContentsWanted {
  std::vector<std::pair<uint32_t, uint32_t>> runs;
  // Further files, ascending, and the signatures (sync/delta.h) of older
  // versions of them.
  std::vector<std::pair<uint32_t, std::string>> signatures;
  template <class V>
  auto VisitFields(V&& v) {
    return v("runs", runs, "signatures", signatures);
  }
};

// All signatures of a tree.
inline constexpr size_t kMaxSignatures = 8 << 20;

// That many bytes of SendContents::bytes and SendDelta::bytes have been dealt
// with.
struct ContentsWritten {
  uint64_t bytes = 0;
  template <class V>
  auto VisitFields(V&& v) {
    return v("bytes", bytes);
  }
};

// What the source may send before it hears ContentsWritten.
inline constexpr uint64_t kContentsWindow = 8 << 20;

// The tree is there, and stays as it is while the target's node lives.
struct SyncDone {
  std::string path;       // Absolute, there.
  uint64_t changed = 0;   // Entries made, changed or removed.
  uint64_t received = 0;  // Bytes of contents that came over the link.
  std::vector<std::string> warnings;
  template <class V>
  auto VisitFields(V&& v) {
    return v("path", path, "changed", changed, "received", received, "warnings",
             warnings);
  }
};

struct SyncFailed {
  std::string text;  // For the user; may have a "help:" line.
  template <class V>
  auto VisitFields(V&& v) {
    return v("text", text);
  }
};

using SyncReply = std::variant<ManifestWanted, ContentsWanted, ContentsWritten,
                               SyncDone, SyncFailed>;

}  // namespace dist

#endif  // DIST_CORE_MODEL_SYNC_MESSAGES_H_
