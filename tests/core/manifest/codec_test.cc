#include "core/manifest/codec.h"

#include <gtest/gtest.h>

#include <string>

namespace dist {
namespace {

Manifest Sample() {
  Manifest manifest;
  Entry file;
  file.path = "src/a b\n\xff.py";
  file.mode = 0755;
  file.size = 12345678901;
  file.mtime = -1234567890123456789;
  file.digest = DigestOf("x");
  manifest.entries.push_back(file);
  file.path = "src/a";
  manifest.entries.push_back(file);
  Entry link;
  link.path = "to";
  link.type = EntryType::kLink;
  link.target = "../\xfe";
  manifest.entries.push_back(link);
  Entry folder;
  folder.path = "empty";
  folder.type = EntryType::kFolder;
  folder.mode = 0700;
  manifest.entries.push_back(folder);
  Complete(&manifest);
  return manifest;
}

TEST(ManifestCodecTest, EntriesComeBackAsTheyWere) {
  const Manifest manifest = Sample();
  const auto back = DecodeManifest(EncodeManifest(manifest));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->entries, manifest.entries);
}

TEST(ManifestCodecTest, HasTheBytesThatTheFormatSays) {
  Manifest manifest;
  Entry folder;
  folder.path = "ab";
  folder.type = EntryType::kFolder;
  folder.mode = 0755;
  Entry link;
  link.path = "ab/c";
  link.type = EntryType::kLink;
  link.target = "d";
  manifest.entries = {folder, link};
  EXPECT_EQ(EncodeManifest(manifest), std::string("dist-tree-1\n\x02"
                                                  "\x00\x02"
                                                  "ab\x00\xed\x03"
                                                  "\x02\x02/c\x02\x01"
                                                  "d",
                                                  12 + 1 + 7 + 7));
}

TEST(ManifestCodecTest, AnEmptyTreeIsOne) {
  const auto back = DecodeManifest(EncodeManifest(Manifest()));
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(back->entries.empty());
}

TEST(ManifestCodecTest, EveryCutIsAnError) {
  const std::string bytes = EncodeManifest(Sample());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeManifest(bytes.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(DecodeManifest(bytes + '\0').ok());
}

TEST(ManifestCodecTest, OneTreeHasOneEncoding) {
  const std::string bytes = EncodeManifest(Sample());
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string other = bytes;
      other[i] ^= static_cast<char>(1 << bit);
      const auto manifest = DecodeManifest(other);
      if (manifest.ok()) {
        EXPECT_EQ(EncodeManifest(*manifest), other) << i;
      }
    }
  }
}

TEST(ManifestCodecTest, PathsThatLeaveTheTreeAreRefused) {
  Manifest manifest;
  manifest.entries.emplace_back();
  manifest.entries[0].path = "../x";
  EXPECT_FALSE(DecodeManifest(EncodeManifest(manifest)).ok());
}

TEST(ManifestCodecTest, ACountWithoutEntriesTakesNoMemory) {
  EXPECT_FALSE(DecodeManifest("dist-tree-1\n\x80\x89\x7a").ok());
}

}  // namespace
}  // namespace dist
