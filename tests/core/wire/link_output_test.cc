#include "core/wire/link_output.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"

namespace dist {
namespace {

std::string Bytes(const LinkOutput& output) {
  std::string bytes;
  for (size_t i = 0; i < output.pieces(); ++i) {
    EXPECT_FALSE(output.piece(i).empty());
    absl::StrAppend(&bytes, output.piece(i));
  }
  EXPECT_EQ(bytes.size(), output.size());
  EXPECT_EQ(bytes.empty(), output.empty());
  return bytes;
}

SharedMessage Message(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7);
  return std::make_shared<FramedMessage>(Channel::kSync, bytes);
}

TEST(LinkOutputTest, KeepsTheOrder) {
  const SharedMessage message = Message(100'000);
  const absl::string_view frames = message->frames();
  LinkOutput output;
  EXPECT_EQ(Bytes(output), "");
  output.Add("");
  EXPECT_EQ(Bytes(output), "");
  output.Add("one ");
  output.Share(message, 10, 50'000);
  output.Add("two ");
  output.Share(message, 50'010, 10);  // So few are copied.
  output.Share(message, 50'020, 20'000);
  Frame frame;
  frame.kind = FrameKind::kLast;
  frame.channel = Channel::kSync;
  frame.payload = "payload";
  output.Add(frame);
  std::string framed;
  AppendFrame(frame, &framed);
  EXPECT_EQ(Bytes(output),
            absl::StrCat("one ", frames.substr(10, 50'000), "two ",
                         frames.substr(50'010, 20'010), framed));
}

TEST(LinkOutputTest, CopiesNothingThatIsShared) {
  const SharedMessage message = Message(100'000);
  LinkOutput first, second;
  for (LinkOutput* output : {&first, &second}) {
    output->Share(message, 0, message->frames().size());
    ASSERT_EQ(output->pieces(), 1u);
    EXPECT_EQ(output->piece(0).data(), message->frames().data());
  }
  EXPECT_EQ(message.use_count(), 3);
  first.Drop(first.size() - 1);
  EXPECT_EQ(message.use_count(), 3) << "one byte is still to be sent";
  first.Drop(1);
  EXPECT_EQ(message.use_count(), 2);
  EXPECT_TRUE(first.empty());
}

// Whatever a socket takes at a time, and whatever is added meanwhile.
TEST(LinkOutputTest, DropsWhatWasSent) {
  const SharedMessage message = Message(300'000);
  const absl::string_view frames = message->frames();
  for (const size_t step : {1u, 13u, 4'096u, 70'000u, 1'000'000u}) {
    SCOPED_TRACE(step);
    LinkOutput output;
    std::string expected, sent;
    size_t shared = 0;
    for (int round = 0; round < 40; ++round) {
      const std::string own(round * 97 % 5'000, static_cast<char>('a' + round));
      output.Add(own);
      expected += own;
      const size_t part =
          std::min<size_t>(1 + round * 1'009 % 9'000, frames.size() - shared);
      output.Share(message, shared, part);
      absl::StrAppend(&expected, frames.substr(shared, part));
      shared += part;
      const size_t size = std::min(step, output.size());
      sent += Bytes(output).substr(0, size);
      output.Drop(size);
    }
    EXPECT_EQ(sent + Bytes(output), expected);
    output.Drop(output.size());
    EXPECT_EQ(Bytes(output), "");
    EXPECT_EQ(output.pieces(), 0u);
  }
}

// What a slow peer has taken of many small messages is not kept for ever.
TEST(LinkOutputTest, ForgetsSmallOnesInTime) {
  LinkOutput output;
  for (int i = 0; i < 20'000; ++i) output.Add(std::string(100, 'x'));
  EXPECT_GT(output.pieces(), 10u);
  const size_t pieces = output.pieces();
  output.Drop(output.size() / 2);
  EXPECT_LE(output.pieces(), pieces / 2 + 1);
}

}  // namespace
}  // namespace dist
