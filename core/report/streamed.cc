#include "core/report/streamed.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/report/text.h"

namespace dist {
namespace {

// A line longer than this is shown in parts: a test that never ends its line
// must not fill our memory.
constexpr size_t kLongestLine = 64 * 1024;

}  // namespace

void StreamedOutput::On(const OutputShown& event) {
  const Origin origin{event.worker, event.host};
  std::string& begun = begun_[origin];
  absl::string_view rest = event.bytes;
  while (!rest.empty()) {
    const size_t room = kLongestLine - begun.size();
    const size_t end = rest.substr(0, room).find('\n');
    absl::StrAppend(&begun, rest.substr(0, end == rest.npos ? room : end));
    rest.remove_prefix(
        std::min(rest.size(), end == rest.npos ? room : end + 1));
    if (end == rest.npos && begun.size() < kLongestLine) return;
    PrintLine(origin, begun);
    begun.clear();
  }
}

void StreamedOutput::Flush() {
  for (const auto& [origin, line] : begun_) {
    if (!line.empty()) PrintLine(origin, line);
  }
  begun_.clear();
}

void StreamedOutput::PrintLine(const Origin& origin, absl::string_view line) {
  absl::ConsumeSuffix(&line, "\r");
  const auto& [worker, host] = origin;
  page_.Line(absl::StrCat("[", SanitizeLine(worker), host.empty() ? "" : " ",
                          SanitizeLine(host), "] ", page_.Clean(line)));
}

}  // namespace dist
