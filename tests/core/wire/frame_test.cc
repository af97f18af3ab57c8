#include "core/wire/frame.h"

#include <gtest/gtest.h>

namespace dist {
namespace {

std::string Wire(FrameKind kind, Channel channel, absl::string_view payload) {
  std::string bytes;
  AppendFrame({kind, channel, payload}, &bytes);
  return bytes;
}

TEST(FrameTest, HasTheDocumentedBytes) {
  EXPECT_EQ(Wire(FrameKind::kLast, Channel::kOutput, "abc"),
            std::string("\x03\0\x02\x02"
                        "abc",
                        7));
}

TEST(FrameTest, ComesBackWholeHoweverItIsCut) {
  const std::string bytes =
      Wire(FrameKind::kPart, Channel::kControl, std::string(300, 'x')) +
      Wire(FrameKind::kLast, Channel::kOutput, "");
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    FrameReader reader;
    std::vector<std::pair<FrameKind, std::string>> got;
    for (const absl::string_view piece :
         {absl::string_view(bytes).substr(0, cut),
          absl::string_view(bytes).substr(cut)}) {
      reader.Compact();
      reader.Feed(piece);
      Frame frame;
      while (reader.Next(&frame).value()) {
        got.emplace_back(frame.kind, std::string(frame.payload));
      }
    }
    ASSERT_EQ(got.size(), 2u) << cut;
    EXPECT_EQ(got[0].second, std::string(300, 'x'));
    EXPECT_EQ(got[1].first, FrameKind::kLast);
  }
}

TEST(FrameTest, OfAnUnknownKindOrChannelBreaksTheStreamForGood) {
  for (const char* header : {"\x01\x01\x7f\x01", "\x01\x01\x02\x7f"}) {
    FrameReader reader;
    Frame frame;
    reader.Feed(absl::string_view(header, 4));
    EXPECT_FALSE(reader.Next(&frame).ok());
    reader.Compact();
    reader.Feed(Wire(FrameKind::kPing, Channel::kControl, ""));
    EXPECT_FALSE(reader.Next(&frame).ok());
  }
}

}  // namespace
}  // namespace dist
