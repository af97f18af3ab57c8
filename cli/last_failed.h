// Which tests failed last time: pytest's own cache file, read and written here,
// so that --lf and --ff work wherever the tests ran.
#ifndef DIST_CLI_LAST_FAILED_H_
#define DIST_CLI_LAST_FAILED_H_

#include <string>

#include "absl/container/flat_hash_set.h"
#include "core/report/reporter.h"

namespace dist {

// The ids in ROOTDIR/.pytest_cache/v/cache/lastfailed; none if there is no
// such file, or it is not what pytest writes.
absl::flat_hash_set<std::string> ReadLastFailed(const std::string& rootdir);

// Updates that file at the end of a run as pytest does: what failed, be it on
// one platform of several, is added, what passed is taken away, what did not
// run stays. Failing to write it is no failure of the run.
class LastFailedRecorder : public Reporter {
 public:
  LastFailedRecorder(std::string rootdir,
                     absl::flat_hash_set<std::string> before);
  void OnEvent(const RunEvent& event) override;

 private:
  void Judged(const TestJudged& judged);
  void Failed(const std::string& id);
  void Forget(const std::string& id);
  void Write();

  const std::string rootdir_;
  const absl::flat_hash_set<std::string> before_;
  absl::flat_hash_set<std::string> failed_;
  absl::flat_hash_set<std::string> failed_now_;  // In this run.
};

}  // namespace dist

#endif  // DIST_CLI_LAST_FAILED_H_
