#include "core/manifest/packed_manifest.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/manifest/path_rules.h"

namespace dist {
namespace {

// Files, folders and links; more than a few steps of the index.
Manifest Sample(int folders = 20, int files = 5) {
  Manifest manifest;
  for (int i = 0; i < folders; ++i) {
    for (int k = 0; k < files; ++k) {
      Entry file;
      file.path = absl::StrCat("src/package", i, "/module_", k, ".py");
      file.size = static_cast<uint64_t>(i * k);
      file.mtime = 1'700'000'000'000'000'000 + i;
      file.digest = DigestOf(file.path);
      manifest.entries.push_back(file);
    }
    Entry link;
    link.path = absl::StrCat("src/package", i, ".link");
    link.type = EntryType::kLink;
    link.target = absl::StrCat("package", i);
    manifest.entries.push_back(link);
  }
  Complete(&manifest);
  return manifest;
}

PackedManifest Packed(const Manifest& manifest) {
  return PackedManifest::Parse(EncodeManifest(manifest)).value();
}

TEST(PackedManifestTest, HasTheEntriesInOrder) {
  const Manifest manifest = Sample();
  const PackedManifest packed = Packed(manifest);
  ASSERT_EQ(packed.size(), manifest.entries.size());
  std::vector<Entry> entries;
  for (const Entry& entry : packed) entries.push_back(entry);
  EXPECT_EQ(entries, manifest.entries);
  EXPECT_EQ(packed.bytes(), EncodeManifest(manifest));
}

TEST(PackedManifestTest, HasEachEntryAtItsPosition) {
  const Manifest manifest = Sample();
  const PackedManifest packed = Packed(manifest);
  PackedManifest::Cursor cursor(packed);
  // Forward and back, near and far.
  for (uint32_t i = 0, at = 0; i < 3 * packed.size(); ++i) {
    at = (at + i * i) % packed.size();
    EXPECT_EQ(packed.At(at), manifest.entries[at]);
    cursor.Seek(at);
    ASSERT_FALSE(cursor.at_end());
    EXPECT_EQ(cursor.position(), at);
    EXPECT_EQ(cursor.entry(), manifest.entries[at]);
  }
  cursor.Seek(packed.size());
  EXPECT_TRUE(cursor.at_end());
  cursor.Seek(packed.size() - 1);
  EXPECT_EQ(cursor.entry(), manifest.entries.back());
}

TEST(PackedManifestTest, FindsEachPathAndNoOther) {
  const Manifest manifest = Sample();
  const PackedManifest packed = Packed(manifest);
  for (uint32_t i = 0; i < packed.size(); ++i) {
    const std::string& path = manifest.entries[i].path;
    EXPECT_EQ(packed.Find(path), i);
    EXPECT_EQ(packed.Find(path + "!"), std::nullopt);
    EXPECT_EQ(packed.Find(path + "/"), std::nullopt);
  }
  for (const char* path : {"", "a", "src/", "src/package0/", "zzz"}) {
    EXPECT_EQ(packed.Find(path), std::nullopt) << path;
  }
}

TEST(PackedManifestTest, ACursorGoesOnToAPath) {
  const Manifest manifest = Sample();
  const PackedManifest packed = Packed(manifest);
  PackedManifest::Cursor cursor(packed);
  EXPECT_FALSE(cursor.Advance("a"));
  EXPECT_EQ(cursor.position(), 0u);
  for (uint32_t i = 1; i < packed.size(); i += 7) {
    EXPECT_TRUE(cursor.Advance(manifest.entries[i].path));
    EXPECT_EQ(cursor.position(), i);
    EXPECT_TRUE(cursor.Advance(manifest.entries[i].path));
    EXPECT_FALSE(cursor.Advance(manifest.entries[i].path + "!"));
    EXPECT_LT(ComparePaths(manifest.entries[i].path, cursor.entry().path), 0);
  }
  EXPECT_FALSE(cursor.Advance("zzz"));
  EXPECT_TRUE(cursor.at_end());
}

TEST(PackedManifestTest, AnEmptyTreeIsOne) {
  const auto parsed = PackedManifest::Parse(EncodeManifest(Manifest()));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  for (const PackedManifest& empty : {*parsed, PackedManifest()}) {
    EXPECT_TRUE(empty.empty());
    EXPECT_EQ(empty.bytes(), EncodeManifest(Manifest()));
    EXPECT_EQ(empty.Find("a"), std::nullopt);
    EXPECT_TRUE(PackedManifest::Cursor(empty).at_end());
    for (const Entry& entry : empty) ADD_FAILURE() << entry.path;
  }
}

TEST(PackedManifestTest, EveryCutIsAnError) {
  const std::string bytes = EncodeManifest(Sample(3, 3));
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(PackedManifest::Parse(bytes.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(PackedManifest::Parse(bytes + '\0').ok());
}

TEST(PackedManifestTest, OneTreeHasOneEncoding) {
  const std::string bytes = EncodeManifest(Sample(3, 3));
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string other = bytes;
      other[i] ^= static_cast<char>(1 << bit);
      const auto parsed = PackedManifest::Parse(other);
      if (!parsed.ok()) continue;
      ManifestEncoder again;
      for (const Entry& entry : *parsed) again.Add(entry);
      EXPECT_EQ(again.Finish(), other) << i;
    }
  }
}

TEST(PackedManifestTest, PathsThatLeaveTheTreeAreRefused) {
  Manifest manifest;
  manifest.entries.emplace_back();
  manifest.entries[0].path = "../x";
  EXPECT_FALSE(PackedManifest::Parse(EncodeManifest(manifest)).ok());
}

TEST(PackedManifestTest, ACountWithoutEntriesTakesNoMemory) {
  EXPECT_FALSE(PackedManifest::Parse("dist-tree-1\n\x80\x89\x7a").ok());
}

TEST(PackedManifestTest, ManyLongPathsInFewBytesAreRefused) {
  Manifest manifest;
  Entry entry;
  entry.type = EntryType::kFolder;
  for (int i = 0; i < 15; ++i) {
    absl::StrAppend(&entry.path, i == 0 ? "" : "/", std::string(255, 'x'));
    manifest.entries.push_back(entry);
  }
  const std::string folder = entry.path;
  for (char a = '0'; a < 'z'; ++a) {
    for (char b = '0'; b < 'z'; ++b) {
      for (char c = '0'; c < '9'; ++c) {
        entry.path = absl::StrCat(folder, "/", std::string{a, b, c});
        manifest.entries.push_back(entry);
      }
    }
  }
  const std::string bytes = EncodeManifest(manifest);
  EXPECT_LT(bytes.size(), 1u << 20);
  EXPECT_FALSE(PackedManifest::Parse(bytes).ok());
}

}  // namespace
}  // namespace dist
