// What a test framework says about a test, in terms all frameworks share.
//
// Plain values. They travel from the node to the coordinator and on to the
// reporters; VisitFields() is how the wire (core/wire/codec.h) sees them.
#ifndef DIST_CORE_MODEL_REPORT_H_
#define DIST_CORE_MODEL_REPORT_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/model/verdict.h"

namespace dist {

enum class Phase : uint8_t { kSetup, kCall, kTeardown, kCollect };

inline std::string to_string(Phase phase) {
  switch (phase) {
    case Phase::kSetup:
      return "setup";
    case Phase::kCall:
      return "call";
    case Phase::kTeardown:
      return "teardown";
    case Phase::kCollect:
      return "collect";
  }
  return "unknown";
}

// One phase of one test, or of one collector, that said more than "passed".
struct PhaseReport {
  std::string nodeid;  // Of the test, or of the collector.
  Phase phase = Phase::kCall;
  Verdict verdict = Verdict::kPassed;  // What this phase alone would mean.
  std::string letter;      // pytest's progress letter for it; may be empty.
  std::string word;        // Likewise in capitals: "PASSED", "XFAIL".
  std::string longrepr;    // The failure as plain text; empty if none.
  std::string block;       // The failure as the framework's terminal prints it
                           // below its title, perhaps with colour (SGR).
  std::string crash_path;  // Where it failed; empty if not known.
  uint32_t crash_line = 0;
  std::string crash_message;  // First line: "AssertionError: assert 1 == 2".
  std::string reason;         // Why skipped or expected to fail.
  std::vector<std::pair<std::string, std::string>> sections;  // Captured text.
  std::vector<std::pair<std::string, std::string>> properties;
  uint64_t micros = 0;  // Duration.
  std::string file;     // Where the test is defined; "" if not known.
  uint32_t line = 0;    // 1-based; 0 if not known.
  bool rerun =
      false;  // A try that does not count: the framework runs it again.

  template <class V>
  auto VisitFields(V&& v) {
    return v("nodeid", nodeid, "phase", phase, "verdict", verdict, "letter",
             letter, "word", word, "longrepr", longrepr, "block", block,
             "crash_path", crash_path, "crash_line", crash_line,
             "crash_message", crash_message, "reason", reason, "sections",
             sections, "properties", properties, "micros", micros, "file", file,
             "line", line, "rerun", rerun);
  }
};

// A warning that the framework recorded.
struct WarningReport {
  std::string message;
  std::string category;  // "DeprecationWarning".
  std::string filename;
  uint32_t line = 0;
  std::string when;    // "config", "collect", "runtest".
  std::string nodeid;  // May be empty.

  template <class V>
  auto VisitFields(V&& v) {
    return v("message", message, "category", category, "filename", filename,
             "line", line, "when", when, "nodeid", nodeid);
  }
};

// How long the three phases of a test took, in microseconds.
struct PhaseMicros {
  uint32_t setup = 0;
  uint32_t call = 0;
  uint32_t teardown = 0;

  uint64_t total() const { return uint64_t{setup} + call + teardown; }

  template <class V>
  auto VisitFields(V&& v) {
    return v("setup", setup, "call", call, "teardown", teardown);
  }
};

}  // namespace dist

#endif  // DIST_CORE_MODEL_REPORT_H_
