#include "core/manifest/manifest.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dist {
namespace {

Entry Make(const std::string& path, EntryType type = EntryType::kFile) {
  Entry entry;
  entry.path = path;
  entry.type = type;
  if (type == EntryType::kLink) entry.target = "t";
  return entry;
}

std::vector<std::string> Paths(const Manifest& manifest) {
  std::vector<std::string> paths;
  for (const Entry& entry : manifest.entries) paths.push_back(entry.path);
  return paths;
}

TEST(ManifestTest, CompletingSortsAndAddsFolders) {
  Manifest manifest{{Make("b"), Make("a-b"), Make("a/x/y"), Make("b")}};
  Complete(&manifest);
  EXPECT_EQ(Paths(manifest),
            (std::vector<std::string>{"a", "a/x", "a/x/y", "a-b", "b"}));
  EXPECT_EQ(manifest.entries[0].type, EntryType::kFolder);
  EXPECT_TRUE(CheckManifest(manifest).ok());
}

struct BadRow {
  const char* why;
  Manifest manifest;
};

TEST(ManifestTest, RefusesWhatNoTreeIs) {
  Entry setuid = Make("a");
  setuid.mode = 04755;
  Entry huge = Make("a");
  huge.size = kMaxFileSize + 1;
  Entry nowhere = Make("a", EntryType::kLink);
  nowhere.target = "";
  Entry nul = Make("a", EntryType::kLink);
  nul.target = std::string("x\0", 2);
  const BadRow rows[] = {
      {"a path twice", {{Make("a"), Make("a")}}},
      {"out of order", {{Make("b"), Make("a")}}},
      {"in no folder", {{Make("a/b")}}},
      {"in a file", {{Make("a"), Make("a/b")}}},
      {"in a link", {{Make("a", EntryType::kLink), Make("a/b")}}},
      {"in a folder that another one follows",
       {{Make("a", EntryType::kFolder), Make("b", EntryType::kFolder),
         Make("c/b")}}},
      {"above the tree", {{Make("..")}}},
      {"set-uid", {{setuid}}},
      {"too large", {{huge}}},
      {"a link without target", {{nowhere}}},
      {"a link with NUL", {{nul}}},
  };
  for (const BadRow& row : rows) {
    EXPECT_FALSE(CheckManifest(row.manifest).ok()) << row.why;
  }
}

}  // namespace
}  // namespace dist
