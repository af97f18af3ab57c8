#include "core/xspec/expand.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dist {
namespace {

using ::testing::HasSubstr;
using Strings = std::vector<std::string>;

std::vector<XSpec> Parsed(const Strings& texts) {
  std::vector<XSpec> specs;
  for (const std::string& text : texts) {
    const auto spec = ParseXSpec(text);
    EXPECT_TRUE(spec.ok()) << spec.status();
    if (spec.ok()) specs.push_back(*spec);
  }
  return specs;
}

TEST(ExpandSpecsTest, NamesTheWorkers) {
  struct Row {
    const char* why;
    Strings specs;
    Strings names;
  };
  for (const Row& row : {
           Row{"nothing gives nothing", {}, {}},
           Row{"each spec a worker", {"popen", "ssh=h"}, {"gw0", "gw1"}},
           Row{"N of one spec", {"3*popen"}, {"gw0", "gw1", "gw2"}},
           Row{"an id is the name", {"popen//id=a", "popen"}, {"a", "gw0"}},
           Row{"N of one id", {"2*popen//id=a"}, {"a-0", "a-1"}},
           Row{"one of one id, as in xdist", {"1*popen//id=a"}, {"a"}},
       }) {
    const auto workers = ExpandSpecs(Parsed(row.specs));
    ASSERT_TRUE(workers.ok()) << row.why << ": " << workers.status();
    Strings names;
    for (const WorkerSpec& worker : *workers) names.push_back(worker.name);
    EXPECT_EQ(names, row.names) << row.why;
  }
}

TEST(ExpandSpecsTest, FindsTheHostThatViaNames) {
  const auto workers = ExpandSpecs(Parsed(
      {"popen//via=b", "2*ssh=h//id=b", "popen//via=b-1", "popen//via=gw0"}));
  ASSERT_TRUE(workers.ok()) << workers.status();
  ASSERT_EQ(workers->size(), 5u);
  EXPECT_EQ((*workers)[0].via_index, 1u);
  EXPECT_EQ((*workers)[1].via_index, std::nullopt);
  EXPECT_EQ((*workers)[3].via_index, 1u);
  EXPECT_EQ((*workers)[4].via_index, 0u);
  EXPECT_EQ((*workers)[4].spec_index, 3u);
}

TEST(ExpandSpecsTest, RefusesWhatIsWrong) {
  struct Row {
    const char* why;
    Strings specs;
    Strings parts;  // All of these are in the message.
  };
  for (const Row& row : {
           Row{"an id twice names both",
               {"popen//id=a", "ssh=h//id=a"},
               {"--tx 'ssh=h//id=a'", "duplicate id 'a'", "--tx 'popen//id=a'",
                "\n         ^~~~\n"}},
           Row{"an id that is a default name",
               {"popen//id=gw0", "popen"},
               {"duplicate id 'gw0'", "--tx 'popen'"}},
           Row{"an id that another's count makes",
               {"2*popen//id=a", "popen//id=a-1"},
               {"duplicate id 'a-1'"}},
           Row{"via to nowhere",
               {"popen//via=bastoin", "ssh=h//id=bastion"},
               {"no --tx has the id 'bastoin'", "did you mean 'bastion'?",
                "\n         ^~~~"}},
           Row{"via itself", {"popen//id=a//via=a"}, {"leads back to itself"}},
           Row{"via in a circle",
               {"popen//id=a//via=b", "popen//id=b//via=a"},
               {"leads back to itself"}},
       }) {
    const auto workers = ExpandSpecs(Parsed(row.specs));
    ASSERT_FALSE(workers.ok()) << row.why;
    for (const std::string& part : row.parts) {
      EXPECT_THAT(std::string(workers.status().message()), HasSubstr(part))
          << row.why;
    }
  }
}

TEST(PlatformLabelsTest, TellWhatDiffers) {
  struct Row {
    const char* why;
    Strings specs;
    Strings labels;
  };
  for (const Row& row : {
           Row{"one worker has nothing to differ in", {"popen"}, {"gw0"}},
           Row{"the interpreter differs",
               {"popen//python=python3.8", "popen//python=python3.9"},
               {"python=python3.8", "python=python3.9"}},
           Row{"several items differ",
               {"popen", "ssh=h//python=p"},
               {"popen", "ssh=h//python=p"}},
           Row{"one has more than the other",
               {"ssh=h", "ssh=h//nice=5"},
               {"gw0", "nice=5"}},
           Row{"equal ones have their names",
               {"2*popen//python=a", "popen//python=b"},
               {"gw0", "gw1", "python=b"}},
           Row{"an id is the label",
               {"popen//id=mac", "2*ssh=h//id=linux"},
               {"mac", "linux-0", "linux-1"}},
           Row{"an id does not count as a difference",
               {"popen//id=mac", "popen", "ssh=h"},
               {"mac", "popen", "ssh=h"}},
       }) {
    const auto workers = ExpandSpecs(Parsed(row.specs));
    ASSERT_TRUE(workers.ok()) << row.why;
    EXPECT_EQ(PlatformLabels(*workers), row.labels) << row.why;
  }
}

}  // namespace
}  // namespace dist
