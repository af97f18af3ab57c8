// Who the workers of a run are, and what its platforms are called.
#ifndef DIST_CORE_REPORT_ROSTER_H_
#define DIST_CORE_REPORT_ROSTER_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "core/model/run_event.h"

namespace dist {

class Roster {
 public:
  void On(const RunStarted& event);
  void On(const WorkerAnnounced& event);

  // Whether verdicts are per platform (`each` with several).
  bool has_platforms() const { return platforms_.size() > 1; }
  size_t platform_count() const { return platforms_.size(); }

  // The platform's index below platform_count(); 0 for one not known.
  size_t PlatformIndex(PlatformId platform) const;
  const std::string& PlatformName(size_t index) const {
    return platforms_[index];  // Cleaned.
  }

  // " on python=python3.9", or "" where there is one platform only.
  std::string OnPlatform(PlatformId platform) const;

  // "[gw0] linux -- Python 3.11.2 /usr/bin/python3"; "" if not known.
  std::string WorkerLine(absl::string_view name) const;

  // Its slot's name; "" if the worker was never announced.
  const std::string& NameOf(WorkerId worker) const;

  // `path` without the project's root, as workers or we know it. Not cleaned.
  std::string Relative(absl::string_view path) const;

 private:
  std::vector<std::string> platforms_ = {""};
  absl::flat_hash_map<uint32_t, std::string> names_;     // By worker.
  absl::flat_hash_map<std::string, std::string> lines_;  // By slot name.
  std::vector<std::string> roots_;
};

// Whether two workers look alike to a reader of the header.
bool SameKind(const WorkerAnnounced& a, const WorkerAnnounced& b);

// "build2" in "gw0 build2"; "" for this machine.
absl::string_view RemoteHost(absl::string_view host);

}  // namespace dist

#endif  // DIST_CORE_REPORT_ROSTER_H_
