#include "core/wire/codec.h"

#include <gtest/gtest.h>

#include "core/model/node_messages.h"

namespace dist {
namespace {

template <class Variant, size_t... I>
void RoundTripDefaults(std::index_sequence<I...>) {
  (
      [] {
        const Variant sent{std::in_place_index<I>};
        const std::string bytes = Encode(sent);
        const auto got = Decode<Variant>(bytes);
        ASSERT_TRUE(got.ok()) << I;
        EXPECT_EQ(got->index(), I);
        EXPECT_EQ(Encode(*got), bytes) << I;
      }(),
      ...);
}

TEST(CodecTest, EveryMessageRoundTrips) {
  RoundTripDefaults<NodeCommand>(
      std::make_index_sequence<std::variant_size_v<NodeCommand>>{});
  RoundTripDefaults<NodeEvent>(
      std::make_index_sequence<std::variant_size_v<NodeEvent>>{});
}

NodeEvent SomeReport() {
  TestsReported message;
  message.worker = WorkerId(7);
  TestStep started;
  started.position = 300;
  TestStep phase;
  phase.kind = TestStep::Kind::kPhase;
  phase.report.emplace_back();
  phase.report[0].longrepr = std::string("x\0y", 3);
  phase.report[0].sections = {{"Captured stdout", "hello"}};
  message.steps = {started, phase};
  return message;
}

TEST(CodecTest, KeepsFieldValues) {
  const auto got = Decode<NodeEvent>(Encode(SomeReport()));
  ASSERT_TRUE(got.ok());
  const auto& message = std::get<TestsReported>(*got);
  EXPECT_EQ(message.worker, WorkerId(7));
  ASSERT_EQ(message.steps.size(), 2u);
  EXPECT_EQ(message.steps[0].position, 300u);
  ASSERT_EQ(message.steps[1].report.size(), 1u);
  EXPECT_EQ(message.steps[1].report[0].longrepr, std::string("x\0y", 3));
  EXPECT_EQ(message.steps[1].report[0].sections[0].second, "hello");
}

TEST(CodecTest, KeepsNegativeAndExtremeNumbers) {
  for (const int64_t n : {int64_t{0}, int64_t{-1}, int64_t{1}, INT64_MIN,
                          INT64_MAX, int64_t{-300}}) {
    EXPECT_EQ(Decode<int64_t>(Encode(n)).value(), n);
  }
  EXPECT_EQ(Decode<uint64_t>(Encode(UINT64_MAX)).value(), UINT64_MAX);
}

TEST(CodecTest, RefusesEveryTruncationAndTrailingBytes) {
  const std::string bytes = Encode(SomeReport());
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(Decode<NodeEvent>(bytes.substr(0, n)).ok()) << n;
  }
  EXPECT_FALSE(Decode<NodeEvent>(bytes + "x").ok());
}

TEST(CodecTest, RefusesWhatDoesNotFit) {
  EXPECT_FALSE(Decode<bool>("\x02").ok());
  EXPECT_FALSE(Decode<uint32_t>(Encode(uint64_t{1} << 32)).ok());
  EXPECT_FALSE(Decode<int32_t>(Encode(int64_t{1} << 31)).ok());
  EXPECT_FALSE(Decode<NodeCommand>("\x7f").ok()) << "no such alternative";
  EXPECT_FALSE(Decode<uint64_t>(std::string(11, '\xff')).ok());
}

TEST(CodecTest, AllocatesNoMoreThanABoundForLyingCounts) {
  // 2^40 strings are announced, none is there.
  const std::string lie = Encode(uint64_t{1} << 40);
  EXPECT_FALSE(Decode<std::vector<std::string>>(lie).ok());
}

}  // namespace
}  // namespace dist
