#include "core/manifest/diff.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dist {
namespace {

Entry File(const std::string& path, const std::string& content = "") {
  Entry entry;
  entry.path = path;
  entry.size = content.size();
  entry.digest = DigestOf(content);
  return entry;
}

Entry Folder(const std::string& path) {
  Entry entry;
  entry.path = path;
  entry.type = EntryType::kFolder;
  entry.mode = 0755;
  return entry;
}

Entry Link(const std::string& path, const std::string& target) {
  Entry entry;
  entry.path = path;
  entry.type = EntryType::kLink;
  entry.target = target;
  return entry;
}

Entry At(Entry entry, int64_t mtime) {
  entry.mtime = mtime;
  return entry;
}

TreeDiff Difference(const std::vector<Entry>& have,
                    const std::vector<Entry>& want) {
  return Diff(
      static_cast<uint32_t>(have.size()),
      [&](uint32_t i) -> const Entry& { return have[i]; },
      PackedManifest::Parse(EncodeManifest({want})).value());
}

struct DiffRow {
  const char* why;
  std::vector<Entry> have;
  std::vector<Entry> want;
  TreeDiff diff;
};

TEST(DiffTest, SaysWhatIsToBeDone) {
  const DiffRow rows[] = {
      {"nothing", {File("a", "1")}, {File("a", "1")}, {}},
      {"a changed content",
       {File("a", "1")},
       {File("a", "2")},
       {{}, {}, {0}, {}, {}, {}}},
      {"another time",
       {File("a", "1")},
       {At(File("a", "1"), 5)},
       {{}, {}, {}, {}, {0}, {}}},
      {"new ones",
       {},
       {Folder("d"), File("d/a"), Link("l", "x")},
       {{}, {0}, {1}, {2}, {}, {}}},
      {"what is in a folder goes before it",
       {Folder("d"), File("d/a"), File("e")},
       {},
       {{2, 1, 0}, {}, {}, {}, {}, {}}},
      {"a file that became a folder is removed first",
       {File("a")},
       {Folder("a"), File("a/b")},
       {{0}, {0}, {1}, {}, {}, {}}},
      {"a folder that became a link",
       {Folder("a"), File("a/b")},
       {Link("a", "b")},
       {{1, 0}, {}, {}, {0}, {}, {}}},
      {"a link that points elsewhere",
       {Link("a", "b")},
       {Link("a", "c")},
       {{}, {}, {}, {0}, {}, {}}},
  };
  for (const DiffRow& row : rows) {
    SCOPED_TRACE(row.why);
    const TreeDiff diff = Difference(row.have, row.want);
    EXPECT_EQ(diff.remove, row.diff.remove);
    EXPECT_EQ(diff.make_folders, row.diff.make_folders);
    EXPECT_EQ(diff.make_files, row.diff.make_files);
    EXPECT_EQ(diff.make_links, row.diff.make_links);
    EXPECT_EQ(diff.touch, row.diff.touch);
    EXPECT_EQ(diff.empty(), row.diff.empty());
  }
}

TEST(DiffTest, SaysWhatIsAtAPathAlready) {
  const TreeDiff diff =
      Difference({File("a", "1"), File("b"), Folder("d"), File("d/x")},
                 {File("a", "2"), Folder("b"), Folder("d"), File("d/y")});
  EXPECT_EQ(diff.had,
            (std::vector<uint32_t>{0, TreeDiff::kNone, 2, TreeDiff::kNone}));
}

}  // namespace
}  // namespace dist
