#include "cli/doctor_verb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace dist {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

HostFindings SomeHost() {
  HostFindings host;
  host.reached = true;
  host.connected = absl::Milliseconds(250);
  host.ready.cpus = 2;
  host.probed.cpus = 2;
  host.probed.system = "Linux 6.1.0 x86_64";
  host.probed.cache = "/home/u/.cache/dist";
  host.probed.free_bytes = uint64_t{3} << 30;
  host.trip = absl::Milliseconds(4);
  return host;
}

WorkerFindings SomeWorker() {
  WorkerFindings worker;
  worker.configured.language = "Python 3.11.2";
  worker.configured.framework = "pytest-7.2.1";
  return worker;
}

// This machine, which was not asked for, and hosts "a" and "b".
class DescribeFindingsTest : public ::testing::Test {
 protected:
  DescribeFindingsTest() {
    examination_.rows = {
        {"localhost", false, true}, {"a", true, false}, {"b", true, false}};
    for (uint32_t i = 0; i < 3; ++i) {
      examination_.setup.workers.push_back({HostId(i), {}});
      findings_.hosts.push_back(SomeHost());
      findings_.workers.push_back(SomeWorker());
    }
  }
  std::string Text() { return DescribeFindings(examination_, findings_); }
  ExitStatus Status() { return StatusOf(examination_, findings_); }

  Examination examination_;
  DoctorFindings findings_;
};

TEST_F(DescribeFindingsTest, EqualHostsAreNotMarked) {
  EXPECT_THAT(Text(),
              HasSubstr("a          0.25 s     Linux 6.1.0 x86_64  2     "
                        "3.11.2  7.2.1   same (2.0 ms)  3.0 GiB  "
                        "/home/u/.cache/dist\n"));
  EXPECT_THAT(Text(), Not(HasSubstr("*")));
  EXPECT_EQ(Status(), ExitStatus::kOk);
}

TEST_F(DescribeFindingsTest, MarksDifferencesToThisMachine) {
  findings_.hosts[1].probed.system = "Linux 5.10.0 aarch64";
  findings_.hosts[1].ready.cpus = 1;
  findings_.workers[1].configured.language = "Python 3.9.1";
  findings_.workers[2].configured.framework = "pytest-6.0.0";
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("Linux 5.10.0 aarch64*"));
  EXPECT_THAT(text, HasSubstr(" 1 of 2 "));
  EXPECT_THAT(text, HasSubstr(" 3.9.1* "));
  EXPECT_THAT(text, HasSubstr(" 6.0.0* "));
  EXPECT_THAT(text, HasSubstr("\n* not as on this machine\n"));
  EXPECT_EQ(Status(), ExitStatus::kOk) << "to differ is no failure";
}

TEST_F(DescribeFindingsTest, HalfARoundTripIsNoDifferenceOfClocks) {
  findings_.hosts[1].clock = absl::Milliseconds(-2);
  EXPECT_THAT(Text(), Not(HasSubstr("-0.002")));
  findings_.hosts[1].clock = absl::Milliseconds(-3);
  EXPECT_THAT(Text(), HasSubstr("-0.003 s (2.0 ms)  "));
  EXPECT_THAT(Text(), Not(HasSubstr("*")));
  findings_.hosts[1].clock = absl::Milliseconds(2001);
  EXPECT_THAT(Text(), Not(HasSubstr("*"))) << "it may be less than 2 s";
  findings_.hosts[1].clock = absl::Milliseconds(2003);
  EXPECT_THAT(Text(), HasSubstr("+2.003 s (2.0 ms)*"));
}

TEST_F(DescribeFindingsTest, AHostThatFailsHasItsOwnLines) {
  findings_.hosts[1] = HostFindings();
  findings_.hosts[1].error = "connection \x1b[31mrefused\nhelp: start sshd";
  EXPECT_THAT(Text(),
              HasSubstr("\nhost a: connection \\x1b[31mrefused\nhelp: start "
                        "sshd\n"));
  EXPECT_THAT(Text(), HasSubstr("a          failed     - "));
  EXPECT_EQ(Status(), ExitStatus::kIncomplete);
  findings_.workers[2].error = "no python3\nhelp: install one";
  EXPECT_EQ(Status(), ExitStatus::kNoHost) << "this machine was not asked for";
}

TEST_F(DescribeFindingsTest, ACacheThatCannotBeUsedMattersElsewhereOnly) {
  findings_.hosts[0].probed.cache_error = "read-only";
  EXPECT_THAT(Text(), Not(HasSubstr("host localhost")));
  findings_.hosts[1].probed.cache_error = "read-only";
  EXPECT_THAT(Text(), HasSubstr("\nhost a: nothing can be kept in "
                                "/home/u/.cache/dist: read-only\nhelp: "));
  EXPECT_EQ(Status(), ExitStatus::kIncomplete);
}

TEST_F(DescribeFindingsTest, ACacheElsewhereIsNoTrouble) {
  findings_.hosts[1].probed.cache = "/var/tmp/dist-0";
  findings_.hosts[1].probed.passed_over = "/home/u/.cache/dist: read-only";
  EXPECT_THAT(Text(),
              HasSubstr("\nhost a: things are kept in /var/tmp/dist-0, since "
                        "/home/u/.cache/dist: read-only\n"));
  EXPECT_EQ(Status(), ExitStatus::kOk);
}

TEST_F(DescribeFindingsTest, AnInterruptIsAStatusOfItsOwn) {
  findings_.hosts[1] = HostFindings();
  findings_.interrupted = true;
  EXPECT_THAT(Text(), HasSubstr("interrupted"));
  EXPECT_EQ(Status(), ExitStatus::kInterrupted);
}

TEST(PlanExaminationTest, AddsThisMachineToCompareWith) {
  const auto plan = PlanExamination({"--tx", "4*ssh=a", "--tx", "ssh=b"});
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->rows.size(), 3u) << "one row, however many workers";
  EXPECT_EQ(plan->rows[0].name, "a");
  EXPECT_EQ(plan->rows[1].name, "b");
  EXPECT_EQ(plan->local, 2u);
  EXPECT_FALSE(plan->rows[2].asked);
  EXPECT_TRUE(plan->rows[1].asked);
}

TEST(PlanExaminationTest, ThisMachineIsAskedForByDefault) {
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{}, {"--tx", "popen"}, {"-n", "4"}}) {
    const auto plan = PlanExamination(args);
    ASSERT_TRUE(plan.ok()) << plan.status();
    ASSERT_EQ(plan->rows.size(), 1u);
    EXPECT_TRUE(plan->rows[0].asked);
  }
}

TEST(PlanExaminationTest, InterpretersOfAHostAreRowsOfTheirOwn) {
  const auto plan =
      PlanExamination({"--tx", "popen", "--tx", "popen//python=p3"});
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->rows.size(), 2u);
  EXPECT_EQ(plan->rows[1].name, "localhost python=p3");
  EXPECT_EQ(plan->setup.addresses.size(), 1u);
  EXPECT_EQ(plan->setup.workers[1].setup.python, "p3");
}

TEST(PlanExaminationTest, RefusesPathsAndBadSpecs) {
  EXPECT_THAT(PlanExamination({"tests"}).status().message(),
              HasSubstr("doctor runs no test"));
  EXPECT_FALSE(PlanExamination({"--tx", "popen//pyhton=x"}).ok());
}

}  // namespace
}  // namespace dist
