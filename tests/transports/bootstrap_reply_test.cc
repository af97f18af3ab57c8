#include "transports/bootstrap_reply.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace dist {
namespace {

using Kind = BootstrapReply::Kind;

TEST(BootstrapReader, TakesOneReplyAndNoMore) {
  BootstrapReader reader;
  const std::string bytes =
      "Welcome!\n\ndist-bootstrap-1 run /home/u/.cache/dist x\n\x0b\0\0\0";
  const auto taken = reader.Take(bytes);
  ASSERT_TRUE(taken.ok());
  ASSERT_TRUE(taken->reply.has_value());
  EXPECT_EQ(taken->reply->kind, Kind::kRun);
  EXPECT_EQ(taken->reply->text, "/home/u/.cache/dist x");
  EXPECT_EQ(bytes[taken->bytes - 1], '\n');
  EXPECT_EQ(bytes[taken->bytes], '\x0b');
  EXPECT_EQ(reader.noise(), "Welcome!\n\n");
}

TEST(BootstrapReader, KnowsEveryReply) {
  struct Row {
    const char* line;
    Kind kind;
    bool packed;
    const char* text;
    const char* machine = "";
  };
  for (const Row& row :
       {Row{"hello Linux x86_64", Kind::kHello, false, "Linux x86_64"},
        Row{"hello ", Kind::kHello, false, ""},
        Row{"relay", Kind::kRelay, false, ""},
        Row{"need gzip 1-2 /c", Kind::kNeed, true, "/c", "1-2"},
        Row{"need plain - /c d", Kind::kNeed, false, "/c d"},
        Row{"no /c: full", Kind::kNo, false, "/c: full"},
        Row{"platform", Kind::kPlatform, false, ""},
        Row{"none", Kind::kNone, false, ""}}) {
    for (const char* end : {"\n", "\r\n"}) {
      BootstrapReader reader;
      const auto taken =
          reader.Take(absl::StrCat("dist-bootstrap-1 ", row.line, end));
      ASSERT_TRUE(taken.ok() && taken->reply) << row.line;
      EXPECT_EQ(taken->reply->kind, row.kind) << row.line;
      EXPECT_EQ(taken->reply->packed, row.packed) << row.line;
      EXPECT_EQ(taken->reply->text, row.text) << row.line;
      EXPECT_EQ(taken->reply->machine, row.machine) << row.line;
    }
  }
}

TEST(BootstrapReader, TakesNothingElseForAReply) {
  for (const char* line :
       {" dist-bootstrap-1 run", "x dist-bootstrap-1 run", "dist-bootstrap-1",
        "dist-bootstrap-1 ", "dist-bootstrap-1 runs", "dist-bootstrap-2 run",
        "dist-bootstrap-1 need", "dist-bootstrap-1 need bzip2 1-2 /c",
        "dist-bootstrap-1 need gzip /c", ""}) {
    BootstrapReader reader;
    const auto taken = reader.Take(absl::StrCat(line, "\n"));
    ASSERT_TRUE(taken.ok());
    EXPECT_FALSE(taken->reply.has_value()) << line;
  }
}

TEST(BootstrapReader, LimitsWhatItListensTo) {
  BootstrapReader reader;
  const std::string most(BootstrapReader::kMaxNoise - 1, 'x');
  ASSERT_TRUE(reader.Take(most + "\n").ok());
  EXPECT_TRUE(reader.Take("dist-bootstrap-1 none\n")->reply.has_value());
  EXPECT_FALSE(reader.Take("x\n").ok());
  EXPECT_LE(reader.noise().size(), 4096u);
}

}  // namespace
}  // namespace dist
