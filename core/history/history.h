// What earlier runs measured: how long tests take, by host. docs/history.md.
#ifndef DIST_CORE_HISTORY_HISTORY_H_
#define DIST_CORE_HISTORY_HISTORY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace dist {

// How long one test takes on one host.
struct HistorySample {
  uint64_t micros = 0;  // Of late: see Absorb.
  uint32_t host = 0;
  uint32_t runs = 0;  // That measured it there.

  friend bool operator==(const HistorySample& a, const HistorySample& b) {
    return a.micros == b.micros && a.host == b.host && a.runs == b.runs;
  }
};

struct HistoryTest {
  std::string id;
  uint32_t last_run = 0;                          // That measured it.
  absl::InlinedVector<HistorySample, 1> samples;  // At most one a host.

  friend bool operator==(const HistoryTest& a, const HistoryTest& b) {
    return a.id == b.id && a.last_run == b.last_run && a.samples == b.samples;
  }
};

struct HistoryHost {
  std::string name;
  uint32_t last_run = 0;
  // Tests take that many times as long as on a host of pace 1. Learned from
  // the tests that ran here and elsewhere.
  double pace = 1;

  friend bool operator==(const HistoryHost& a, const HistoryHost& b) {
    return a.name == b.name && a.last_run == b.last_run && a.pace == b.pace;
  }
};

struct History {
  static constexpr size_t kMostTests = 1000000;
  static constexpr size_t kMostHosts = 17;  // The nameless one included.
  static constexpr size_t kLongestName = 4096;
  static constexpr uint32_t kForgottenAfter = 100;  // Runs.

  uint32_t runs = 0;
  // The first has no name: what was imported, and what is left of hosts that
  // were forgotten.
  std::vector<HistoryHost> hosts = {HistoryHost()};
  std::vector<HistoryTest> tests;  // Each id once.
};

// What a run, or a file of another tool, adds.
struct MeasuredRun {
  struct Measurement {
    absl::string_view id;
    uint32_t host = 0;  // Place in `hosts`.
    uint64_t micros = 0;
  };
  std::vector<std::string> hosts;  // "": not known where.
  std::vector<Measurement> measurements;
};

// Adds a run: durations move a third of the way to what was measured (all of
// it the first time, half of it the second), paces are learned anew, and what
// no longer counts is forgotten.
void Absorb(const MeasuredRun& run, History* history);

// What tests are expected to take on workers of these hosts (one name a
// worker; several hosts: the mean). A test that never ran on a host is expected
// to take there what it took elsewhere, times the paces.
absl::flat_hash_map<std::string, absl::Duration> ExpectedDurations(
    const History& history, absl::Span<const std::string> hosts);

// The same of one test, on a host of pace 1, in microseconds.
double ReferenceMicros(const History& history, const HistoryTest& test);

// How many times as long as on a host of pace 1 tests take on the host of that
// name; 1 if nothing is known of it.
double PaceOf(const History& history, absl::string_view host);

}  // namespace dist

#endif  // DIST_CORE_HISTORY_HISTORY_H_
