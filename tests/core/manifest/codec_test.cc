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
  const std::string bytes = EncodeManifest(manifest);
  auto decoder = ManifestDecoder::Begin(bytes);
  ASSERT_TRUE(decoder.ok()) << decoder.status();
  EXPECT_EQ(decoder->count(), manifest.entries.size());
  Entry back;
  for (const Entry& entry : manifest.entries) {
    ASSERT_TRUE(decoder->Next(&back));
    EXPECT_EQ(back, entry);
  }
  EXPECT_EQ(decoder->at(), bytes.size());
  EXPECT_FALSE(decoder->Next(&back));
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

TEST(ManifestCodecTest, WhatIsNoManifestIsRefused) {
  EXPECT_FALSE(ManifestDecoder::Begin("").ok());
  EXPECT_FALSE(ManifestDecoder::Begin("dist-tree-2\n").ok());
  EXPECT_FALSE(ManifestDecoder::Begin("dist-tree-1\n\xff").ok());
}

}  // namespace
}  // namespace dist
