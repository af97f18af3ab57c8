// Writes the records of a pytest process, for tests of who reads them.
#ifndef DIST_TESTS_CORE_FRAMEWORK_RECORD_TESTING_H_
#define DIST_TESTS_CORE_FRAMEWORK_RECORD_TESTING_H_

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/framework/pytest_records.h"

namespace dist {

using Json = nlohmann::json;

inline std::string Numbers(const std::vector<uint32_t>& numbers) {
  std::string bytes;
  for (const uint32_t n : numbers) {
    for (int shift = 0; shift < 32; shift += 8) {
      bytes.push_back(static_cast<char>(n >> shift & 0xff));
    }
  }
  return bytes;
}

inline std::string Record(char kind, const std::string& payload) {
  std::string bytes;
  AppendRecord(kind, payload, &bytes);
  return bytes;
}

inline std::string JsonRecord(char kind, const Json& json) {
  return Record(kind, json.dump());
}

inline std::string ListRecord(const Json& head, const std::string& ids) {
  const std::string text = head.dump();
  return Record('L',
                Numbers({static_cast<uint32_t>(text.size())}) + text + ids);
}

inline std::string ReportRecord(uint32_t position, const Json& report) {
  return Record('T', Numbers({position}) + report.dump());
}

struct Decoded {
  absl::Status status;
  std::vector<NodeEvent> events;
};

// Of a process that has collected `tests` tests.
inline Decoded Decode(const std::string& bytes, size_t tests = 6) {
  Decoded decoded;
  PytestDecoder decoder(WorkerId(7));
  std::vector<NodeEvent> collection;
  EXPECT_TRUE(
      decoder
          .Decode(ListRecord({{"count", tests}}, std::string(tests - 1, '\0')),
                  &collection)
          .ok());
  decoded.status = decoder.Decode(bytes, &decoded.events);
  return decoded;
}

inline const Json& FullReport() {
  static const Json* const kReport =
      new Json{{"nodeid", "t.py::a"},
               {"when", "teardown"},
               {"outcome", "failed"},
               {"category", "error"},
               {"letter", "E"},
               {"word", "ERROR"},
               {"longrepr", "long"},
               {"block", "block\n"},
               {"crash", {{"path", "t.py"}, {"line", 3}, {"message", "boom"}}},
               {"reason", "why"},
               {"wasxfail", nullptr},
               {"sections", Json::array({{"Captured stdout call", "out"}})},
               {"properties", Json::array({{"name", "value"}})},
               {"duration", 0.25},
               {"location", {"t.py", 9, "a"}}};
  return *kReport;
}

}  // namespace dist

#endif  // DIST_TESTS_CORE_FRAMEWORK_RECORD_TESTING_H_
