// What a target keeps in memory for each file of a tree.
#include <gtest/gtest.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "sync/blocks.h"
#include "sync/source.h"
#include "sync/target.h"
#include "tests/support/sync_rig.h"

namespace {

// Of this thread's memory, what was taken while `counting`.
thread_local bool counting = false;
size_t held = 0;
size_t most_held = 0;

// In front of each piece of memory.
struct alignas(std::max_align_t) Tag {
  size_t size;
  bool counted;
};

}  // namespace

void* operator new(size_t size) {
  Tag* const tag = static_cast<Tag*>(malloc(sizeof(Tag) + size));
  if (tag == nullptr) abort();
  *tag = {size, counting};
  if (counting) {
    held += size;
    most_held = std::max(most_held, held);
  }
  return tag + 1;
}

// Of a library's own, elsewhere, where there is a sanitizer.
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return operator new(size);
}

void operator delete(void* memory) noexcept {
  if (memory == nullptr) return;
  Tag* const tag = static_cast<Tag*>(memory) - 1;
  if (tag->counted) held -= tag->size;
  free(tag);
}

void operator delete(void* memory, size_t) noexcept { operator delete(memory); }

namespace dist {
namespace {

constexpr int kFolders = 200;
constexpr int kFiles = 100;  // In each.

std::string Folder(int i) {
  return absl::StrCat("lib/site-packages/serializer_", i, "/middleware");
}

// 20,000 files, with paths of 54 bytes.
void Fill(const SyncRig& rig) {
  for (int i = 0; i < kFolders; ++i) {
    const std::string folder = rig.Here(Folder(i));
    MakeFolder(folder);
    for (int k = 0; k < kFiles; ++k) {
      // Not WriteFile(), which makes each path anew.
      FILE* const file =
          fopen(absl::StrCat(folder, "/test_adapter_", k, ".py").c_str(), "w");
      ASSERT_NE(file, nullptr);
      fprintf(file, "%d %d", i, k);
      fclose(file);
    }
  }
}

// Bytes a file that the target has taken at most, beside 1 MB for what does not
// grow with the tree: buffers, and contents on their way.
size_t BytesPerFile(const SyncRig& rig, bool likely_known) {
  const auto snapshot = SnapshotOf(rig.here());
  SyncSource::Destination destination;
  destination.number = kRigTree;
  destination.project = rig.project;
  destination.likely_known = likely_known;
  SyncSource source(std::make_shared<BlockMaker>(snapshot, FrameSyncTold),
                    destination);
  held = most_held = 0;
  counting = true;
  auto target = std::make_unique<SyncTarget>(rig.cache());
  counting = false;
  while (!source.done()) {
    auto request = source.Next();
    EXPECT_TRUE(request.ok()) << request.status();
    if (!request.ok() || *request == nullptr) break;
    const SyncRequest heard = RequestIn(**request);
    counting = true;
    const std::vector<SyncReply> replies = target->OnRequest(heard);
    counting = false;
    for (const SyncReply& reply : replies) {
      EXPECT_TRUE(source.OnReply(reply).ok());
    }
  }
  EXPECT_TRUE(target->done());
  // A tree that is in use takes nothing.
  EXPECT_LT(held, 100'000u);
  constexpr size_t kFixed = 1 << 20;
  return (most_held - std::min(most_held, kFixed)) / (kFolders * kFiles);
}

TEST(MemoryTest, IsBoundedForEachFileOfATree) {
  SyncRig rig;
  ASSERT_NO_FATAL_FAILURE(Fill(rig));
  const struct {
    const char* why;
    std::function<void()> change;
    bool likely_known;
    size_t at_most;  // Bytes a file.
  } rows[] = {
      {"cold", [] {}, false, 120},
      {"unchanged", [] {}, true, 135},
      {"unchanged, but it was not known", [] {}, false, 135},
      {"one file changed",
       [&] { WriteFile(rig.Here(Folder(3) + "/new.py"), "x"); }, false, 210},
      {"all times",
       [&] {
         for (int i = 0; i < kFolders; ++i) {
           for (int k = 0; k < kFiles; ++k) {
             SetTime(
                 rig.Here(absl::StrCat(Folder(i), "/test_adapter_", k, ".py")),
                 1'600'000'000'000'000'000);
           }
         }
       },
       false, 215},
      {"a tenth is gone",
       [&] {
         for (int i = 0; i < kFolders / 10; ++i) {
           RemoveFolder(rig.Here(Folder(i)));
         }
       },
       false, 230},
      {"everything has another path",
       [&] {
         ASSERT_EQ(rename(rig.Here("lib").c_str(), rig.Here("new").c_str()), 0);
       },
       false, 240},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.why);
    row.change();
    EXPECT_LE(BytesPerFile(rig, row.likely_known), row.at_most);
  }
}

}  // namespace
}  // namespace dist
