// Seeds of encoded messages must still be messages: one that a new field has
// made undecodable shows a fuzz target nothing any more.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "core/model/node_messages.h"
#include "core/wire/codec.h"

namespace dist {
namespace {

std::map<std::string, std::string> Seeds(const std::string& target) {
  std::map<std::string, std::string> seeds;
  for (const auto& entry :
       std::filesystem::directory_iterator("tests/fuzz/corpus/" + target)) {
    std::ifstream file(entry.path(), std::ios::binary);
    seeds[entry.path().filename()] = {std::istreambuf_iterator<char>(file), {}};
  }
  EXPECT_FALSE(seeds.empty()) << target;
  return seeds;
}

TEST(SeedsTest, OfTheCodecAreMessages) {
  for (const auto& [name, bytes] : Seeds("codec")) {
    EXPECT_TRUE(Decode<NodeEvent>(bytes).ok() ||
                Decode<NodeCommand>(bytes).ok())
        << name;
  }
}

TEST(SeedsTest, OfTheSyncTargetAreRequests) {
  for (const auto& [name, bytes] : Seeds("sync_target")) {
    for (size_t at = 0; at + 2 < bytes.size();) {
      const size_t length = static_cast<uint8_t>(bytes[at]) |
                            static_cast<uint8_t>(bytes[at + 1]) << 8;
      EXPECT_TRUE(
          Decode<SyncRequest>(absl::string_view(bytes).substr(at + 2, length))
              .ok())
          << name << " at " << at;
      at += 2 + length;
    }
  }
}

}  // namespace
}  // namespace dist
