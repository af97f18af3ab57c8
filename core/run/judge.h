// From what a framework reported to one verdict.
#ifndef DIST_CORE_RUN_JUDGE_H_
#define DIST_CORE_RUN_JUDGE_H_

#include <vector>

#include "core/model/node_messages.h"
#include "core/model/report.h"
#include "core/model/verdict.h"

namespace dist {

// The verdict of a test whose phases said `reports` beyond "passed": the
// test's own failure before an error around it, an error before all others.
// Tries that the framework itself repeats (PhaseReport::rerun) do not count.
Verdict Judge(const std::vector<PhaseReport>& reports);

// What to report of a test whose process died while it ran.
PhaseReport DescribeDeath(const WorkerDied& death, const std::string& worker,
                          const std::string& nodeid);

// What to report of a test that took several nodes down.
PhaseReport DescribeLosses(uint32_t losses, const std::string& nodeid);

// What to report of a test that failed and should have been tried again.
PhaseReport DescribeNoRetry(Verdict verdict, const std::string& nodeid);

}  // namespace dist

#endif  // DIST_CORE_RUN_JUDGE_H_
