#include "transports/host_facts.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace dist {
namespace {

class CgroupQuotaTest : public ::testing::Test {
 protected:
  CgroupQuotaTest() { std::filesystem::remove_all(root_); }
  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  const std::string root_ = ::testing::TempDir() + "/cgroup";
};

TEST_F(CgroupQuotaTest, NoLimitIsZero) {
  EXPECT_EQ(CgroupQuota("0::/\n", root_), 0);
  Write("/cpu.max", "max 100000\n");
  EXPECT_EQ(CgroupQuota("0::/\n", root_), 0);
  EXPECT_EQ(CgroupQuota("", root_), 0);
}

TEST_F(CgroupQuotaTest, ReadsVersionTwo) {
  Write("/cpu.max", "150000 100000\n");
  EXPECT_DOUBLE_EQ(CgroupQuota("0::/\n", root_), 1.5);
}

TEST_F(CgroupQuotaTest, TheSmallestOfAllAncestorsCounts) {
  Write("/a/cpu.max", "200000 100000\n");
  Write("/a/b/cpu.max", "max 100000\n");
  Write("/a/b/c/cpu.max", "800000 100000\n");
  EXPECT_DOUBLE_EQ(CgroupQuota("0::/a/b/c\n", root_), 2);
}

TEST_F(CgroupQuotaTest, ReadsVersionOne) {
  Write("/cpu/job/cpu.cfs_quota_us", "50000\n");
  Write("/cpu/job/cpu.cfs_period_us", "100000\n");
  Write("/cpu/cpu.cfs_quota_us", "-1\n");
  Write("/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_DOUBLE_EQ(
      CgroupQuota("5:memory:/job\n4:cpuacct,cpu:/job\n0::/\n", root_), 0.5);
}

TEST_F(CgroupQuotaTest, SurvivesNonsense) {
  Write("/cpu.max", "lots of CPUs\n");
  EXPECT_EQ(CgroupQuota("0::/\nnonsense\n:\n::\n7:cpu", root_), 0);
  Write("/cpu.max", "-5 0\n");
  EXPECT_EQ(CgroupQuota("0::/\n", root_), 0);
}

TEST(HostFactsTest, KnowsItsHost) {
  EXPECT_FALSE(HostName().empty());
  EXPECT_EQ(PlatformName().compare(0, 6, "linux-"), 0);
  EXPECT_GE(UsableCpus(), 1);
  EXPECT_GE(InstalledCpus(), UsableCpus());
  EXPECT_EQ(KernelId().size(), 36u);
  EXPECT_EQ(KernelId(), KernelId());
}

TEST(HostFactsTest, CountsOnlyCpusItMayUse) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(UsableCpus(), 1);
  sched_setaffinity(0, sizeof(before), &before);
}

}  // namespace
}  // namespace dist
