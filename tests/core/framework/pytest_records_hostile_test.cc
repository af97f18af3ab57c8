// What a test process may write instead of records.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/wire/codec.h"
#include "tests/core/framework/record_testing.h"

namespace dist {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A session with every kind of record.
std::string WholeSession() {
  const Json more = {{"count", 1}, {"more", true}};
  const Json last = {{"count", 1}, {"more", false}, {"groups", {{"1", "g"}}}};
  return JsonRecord('W', Json{{"message", "early"}}) +
         JsonRecord('H', Json{{"python", "3.11.2"}, {"pid", 1}}) +
         JsonRecord('E', FullReport()) + ListRecord(more, "a") +
         ListRecord(last, "b") + Record('S', Numbers({0})) +
         ReportRecord(0, FullReport()) + Record('J', "{}") +
         Record('D', Numbers({0, 1, 2, 3, 4})) + Record('S', Numbers({1})) +
         Record('D', Numbers({1, 1, 2, 3, 4})) +
         Record('O', Numbers({1}) + FullReport().dump()) +
         Record('v', Numbers({0, 1})) + JsonRecord('X', Json{{"text", "x"}}) +
         JsonRecord('N', Json{{"reason", "n"}}) +
         JsonRecord('U', Json{{"text", "u"}}) +
         JsonRecord('Z', Json{{"exitstatus", 1}});
}

// The events as the wire sends them, neighbouring steps of tests as one: how
// many events they come in depends on how the bytes were cut.
std::string Bytes(const std::vector<NodeEvent>& events) {
  std::vector<NodeEvent> joined;
  for (const NodeEvent& event : events) {
    const auto* told = std::get_if<TestsReported>(&event);
    auto* before =
        joined.empty() ? nullptr : std::get_if<TestsReported>(&joined.back());
    if (told != nullptr && before != nullptr) {
      before->steps.insert(before->steps.end(), told->steps.begin(),
                           told->steps.end());
    } else {
      joined.push_back(event);
    }
  }
  std::string bytes;
  for (NodeEvent& event : joined) bytes += Encode(event);
  return bytes;
}

TEST(PytestDecoder, DoesNotCareHowTheBytesAreCut) {
  const std::string session = WholeSession();
  PytestDecoder whole(WorkerId(7));
  std::vector<NodeEvent> expected;
  ASSERT_TRUE(whole.Decode(session, &expected).ok());
  EXPECT_GT(expected.size(), 10u);
  for (size_t cut = 0; cut <= session.size(); ++cut) {
    PytestDecoder decoder(WorkerId(7));
    std::vector<NodeEvent> events;
    ASSERT_TRUE(decoder.Decode(session.substr(0, cut), &events).ok()) << cut;
    ASSERT_TRUE(decoder.Decode(session.substr(cut), &events).ok()) << cut;
    ASSERT_EQ(Bytes(events), Bytes(expected)) << cut;
  }
  PytestDecoder decoder(WorkerId(7));
  std::vector<NodeEvent> events;
  for (const char byte : session) {
    ASSERT_TRUE(decoder.Decode(std::string(1, byte), &events).ok());
  }
  EXPECT_EQ(Bytes(events), Bytes(expected));
}

TEST(PytestDecoder, RefusesWhatIsMalformed) {
  struct Row {
    const char* why;
    std::string bytes;
  };
  const Json one = {{"count", 1}};
  for (const Row& row : {
           Row{"no kind", Numbers({0}) + "S"},
           Row{"more than a record may hold", Numbers({(16 << 20) + 1}) + "J"},
           Row{"the largest length", Numbers({0xffffffff}) + "J"},
           Row{"an unknown kind", JsonRecord('?', Json::object())},
           Row{"a kind of the other direction", Record('R', Numbers({1, 2}))},
           Row{"garbage of some test", "hello, world\n, this is no record"},
           Row{"S without a position", Record('S', "")},
           Row{"S with part of one", Record('S', "\1\1")},
           Row{"S with more", Record('S', Numbers({1, 2}))},
           Row{"S of a test beyond the list", Record('S', Numbers({6}))},
           Row{"D that is too short", Record('D', Numbers({1, 2, 3, 4}))},
           Row{"D that is too long", Record('D', Numbers({1, 2, 3, 4, 5, 6}))},
           Row{"D of a test beyond the list",
               Record('D', Numbers({6, 2, 3, 4, 5}))},
           Row{"T without a report", Record('T', Numbers({1}))},
           Row{"T with half a report", Record('T', Numbers({1}) + "{\"a\":")},
           Row{"T with a list", Record('T', Numbers({1}) + "[]")},
           Row{"O of a test beyond the list", Record('O', Numbers({6}) + "{}")},
           Row{"v with half a position", Record('v', Numbers({1}) + "x")},
           Row{"v beyond the list", Record('v', Numbers({0, 6}))},
           Row{"L without a head", Record('L', "")},
           Row{"L whose head is longer", Record('L', Numbers({9}) + "{}")},
           Row{"L whose head is no object", Record('L', Numbers({2}) + "[]")},
           Row{"L with fewer ids than it says",
               ListRecord({{"count", 2}}, "a")},
           Row{"L with more ids than it says",
               ListRecord(one, std::string("a\0b", 3))},
           Row{"L with ids where it says none",
               ListRecord({{"count", 0}}, "a")},
           Row{"H that is no JSON", Record('H', "nonsense")},
           Row{"H that is not UTF-8", Record('H', "{\"a\":\"\xff\"}")},
           Row{"Z that is a number", Record('Z', "3")},
           Row{"X that is empty", Record('X', "")},
       }) {
    const Decoded decoded = Decode(row.bytes);
    EXPECT_EQ(decoded.status.code(), absl::StatusCode::kDataLoss) << row.why;
    EXPECT_THAT(std::string(decoded.status.message()),
                HasSubstr("malformed record"))
        << row.why;
    EXPECT_THAT(decoded.events, IsEmpty()) << row.why;
  }
}

TEST(PytestDecoder, RefusesPositionsBeforeThereIsAList) {
  PytestDecoder decoder(WorkerId(7));
  std::vector<NodeEvent> events;
  EXPECT_FALSE(decoder.Decode(Record('S', Numbers({0})), &events).ok());
}

TEST(PytestDecoder, ReadsNothingMoreAfterAnError) {
  PytestDecoder decoder(WorkerId(7));
  std::vector<NodeEvent> events;
  EXPECT_FALSE(
      decoder
          .Decode(JsonRecord('X', Json{{"text", "before"}}) + Record('?', ""),
                  &events)
          .ok());
  EXPECT_THAT(events, SizeIs(1));
  EXPECT_FALSE(
      decoder.Decode(JsonRecord('X', Json{{"text", "x"}}), &events).ok());
  EXPECT_THAT(events, SizeIs(1));
}

TEST(PytestDecoder, DoesWithoutFieldsOfAnotherType) {
  const Json odd[] = {nullptr,        true,        -1,
                      1e300,          "text",      Json::array(),
                      Json::object(), {1, {2, 3}}, {{"a", {{"b", 1}}}}};
  const std::pair<char, const char*> fields[] = {
      {'N', "reason"},   {'H', "python"},     {'H', "pid"},
      {'H', "plugins"},  {'H', "header"},     {'U', "text"},
      {'U', "status"},   {'E', "nodeid"},     {'W', "message"},
      {'W', "lineno"},   {'X', "text"},       {'Z', "exitstatus"},
      {'Z', "reason"},   {'Z', "shouldstop"}, {'T', "when"},
      {'T', "outcome"},  {'T', "category"},   {'T', "longrepr"},
      {'T', "crash"},    {'T', "sections"},   {'T', "properties"},
      {'T', "duration"}, {'T', "location"},   {'L', "groups"},
      {'L', "more"},     {'L', "deselected"}};
  for (const auto& [kind, name] : fields) {
    for (const Json& value : odd) {
      const Json json = {{name, value}};
      std::string bytes = JsonRecord(kind, json);
      if (kind == 'T') bytes = ReportRecord(1, json);
      if (kind == 'L') bytes = ListRecord(json, "");
      const Decoded decoded = Decode(bytes);
      EXPECT_TRUE(decoded.status.ok()) << kind << json;
    }
  }
}

TEST(PytestDecoder, BoundsNumbers) {
  struct Row {
    const char* why;
    Json line;
    Json seconds;
    uint32_t read_line;
    uint64_t micros;
  };
  for (const Row& row : {
           Row{"both usual", 3, 1.5, 3, 1500000},
           Row{"less than nothing", -3, -1.0, 0, 0},
           Row{"more than there is", 5e9, 1e300, 0, 0},
           Row{"a whole number of seconds", 3.9, 2, 3, 2000000},
       }) {
    const Decoded decoded = Decode(ReportRecord(
        1, {{"crash", {{"line", row.line}}}, {"duration", row.seconds}}));
    ASSERT_THAT(decoded.events, SizeIs(1)) << row.why;
    const auto& told = std::get<TestsReported>(decoded.events[0]);
    EXPECT_EQ(told.steps[0].report[0].crash_line, row.read_line) << row.why;
    EXPECT_EQ(told.steps[0].report[0].micros, row.micros) << row.why;
  }
}

TEST(PytestDecoder, SurvivesDeepNesting) {
  const std::string deep(1 << 20, '[');
  const std::string closed(1 << 20, ']');
  EXPECT_TRUE(
      Decode(Record('H', "{\"header\":[" + deep + closed + "]}")).status.ok());
  EXPECT_FALSE(Decode(Record('H', "{\"header\":[" + deep)).status.ok());
}

TEST(PytestDecoder, IgnoresGroupsOfNoPosition) {
  const Json head = {
      {"count", 1},
      {"groups",
       {{"0", "a"}, {"-1", "b"}, {"4294967296", "c"}, {"1x", "d"}, {"", "e"}}}};
  const Decoded decoded = Decode(ListRecord(head, "t"));
  ASSERT_THAT(decoded.events, SizeIs(2));
  EXPECT_THAT(std::get<CollectionListed>(decoded.events[0]).groups, SizeIs(1));
}

}  // namespace
}  // namespace dist
