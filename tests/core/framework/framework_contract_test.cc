// What every entry of the framework table must satisfy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/framework/session.h"

namespace dist {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(FrameworkTable, HasEachNameOnce) {
  std::set<std::string> names;
  for (const FrameworkEntry& entry : Frameworks()) {
    EXPECT_TRUE(names.insert(std::string(entry.name)).second) << entry.name;
    EXPECT_EQ(FindFramework(entry.name), &entry);
  }
  EXPECT_EQ(names.count("pytest"), 1u);
}

TEST(FrameworkTable, HasNothingForOtherNames) {
  EXPECT_EQ(FindFramework(""), nullptr);
  EXPECT_EQ(FindFramework("PyTest"), nullptr);
}

class FrameworkContract : public ::testing::TestWithParam<FrameworkEntry> {
 protected:
  std::unique_ptr<FrameworkSession> Open(const std::string& argument = "a") {
    WorkerSetup setup;
    setup.name = "gw0";
    setup.args = {argument};
    return GetParam().open(WorkerId(3), setup);
  }
};

TEST_P(FrameworkContract, NamesInterpretersToLookForAlongPath) {
  ASSERT_FALSE(GetParam().interpreters.empty());
  for (const absl::string_view name : GetParam().interpreters) {
    EXPECT_FALSE(name.empty());
    EXPECT_THAT(std::string(name), Not(HasSubstr("/")));
  }
}

TEST_P(FrameworkContract, StartsTheInterpreterThatItIsGiven) {
  const std::vector<std::string> interpreter = {"/a b/env", "-i", "python"};
  const std::vector<std::string> argv = GetParam().argv(interpreter, 4321);
  ASSERT_GT(argv.size(), interpreter.size());
  EXPECT_EQ(std::vector<std::string>(argv.begin(), argv.begin() + 3),
            interpreter);
  EXPECT_THAT(argv, Contains(HasSubstr("4321")));
  for (const std::string& word : argv) {
    EXPECT_EQ(word.find('\0'), std::string::npos) << "no word of an argv";
    EXPECT_LT(word.size(), 128u << 10) << "the kernel takes no longer words";
  }
}

TEST_P(FrameworkContract, BeginsWithTheSetup) {
  EXPECT_THAT(Open("first-argument")->Begin(), HasSubstr("first-argument"));
  EXPECT_EQ(Open()->Begin(), Open()->Begin());
}

TEST_P(FrameworkContract, EncodesCommandsInFewBytesATest) {
  const auto session = Open();
  const NodeCommand run = RunTests{WorkerId(3), 1, {0, 1, 2}};
  EXPECT_THAT(session->Encode(run), Not(IsEmpty()));
  EXPECT_NE(session->Encode(run),
            session->Encode(RunTests{WorkerId(3), 1, {0, 1, 3}}));
  EXPECT_NE(session->Encode(run),
            session->Encode(RunTests{WorkerId(3), 2, {0, 1, 2}}));
  EXPECT_NE(session->Encode(run),
            session->Encode(ReturnTests{WorkerId(3), {0, 1, 2}}));
  EXPECT_THAT(session->Encode(FinishWorker{WorkerId(3)}), Not(IsEmpty()));
  RunTests many{WorkerId(3), 1, std::vector<uint32_t>(100000, 7)};
  EXPECT_LE(session->Encode(many).size(), 16u * 100000);
}

TEST_P(FrameworkContract, SaysNothingOfNoBytes) {
  std::vector<NodeEvent> events;
  EXPECT_TRUE(Open()->Decode("", &events).ok());
  EXPECT_THAT(events, IsEmpty());
}

TEST_P(FrameworkContract, RefusesGarbageForGood) {
  const auto session = Open();
  const std::string garbage(1 << 16, '\xee');
  std::vector<NodeEvent> events;
  EXPECT_FALSE(session->Decode(garbage, &events).ok());
  EXPECT_FALSE(session->Decode("", &events).ok());
  EXPECT_THAT(events, IsEmpty());
}

// Nothing that a process writes may crash the node or make it wait for ever
// more: a byte at a time, all of one kind.
TEST_P(FrameworkContract, SurvivesEveryByte) {
  for (int byte = 0; byte < 256; ++byte) {
    const auto session = Open();
    std::vector<NodeEvent> events;
    absl::Status status;
    for (int i = 0; i < 4096 && status.ok(); ++i) {
      status =
          session->Decode(std::string(1, static_cast<char>(byte)), &events);
    }
    EXPECT_THAT(events, IsEmpty()) << byte;
  }
}

INSTANTIATE_TEST_SUITE_P(All, FrameworkContract,
                         ::testing::ValuesIn(Frameworks().begin(),
                                             Frameworks().end()),
                         [](const auto& info) {
                           return std::string(info.param.name);
                         });

}  // namespace
}  // namespace dist
