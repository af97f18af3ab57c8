#include "core/report/header.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/report/roster.h"
#include "core/report/text.h"

namespace dist {

Header::Header(const ReportOptions& options, Page& page)
    : options_(options), page_(page) {}

void Header::On(const WorkerAnnounced& event) {
  if (options_.verbosity < 0) return;
  const bool first = kinds_.empty();
  if (first) PrintHead(event);
  const bool known =
      std::any_of(kinds_.begin(), kinds_.end(),
                  [&](const auto& kind) { return SameKind(kind, event); });
  if (!known) kinds_.push_back(event);
  if (!first && (!known || options_.verbosity > 0)) PrintWorker(event);
}

void Header::PrintHead(const WorkerAnnounced& first) {
  const WorkerConfigured& facts = first.facts;
  page_.Sep('=', "test session starts", Colour::kBold);
  page_.Line(SanitizeLine(absl::StrCat("platform ", facts.platform, " -- ",
                                       facts.language, ", ", facts.framework,
                                       ", dist-", options_.version)));
  const std::string& root =
      started_.rootdir.empty() ? facts.rootdir : started_.rootdir;
  const std::string& ini =
      started_.inifile.empty() ? facts.inifile : started_.inifile;
  page_.Line(SanitizeLine(absl::StrCat(
      "rootdir: ", root, ini.empty() ? "" : ", configfile: ", ini)));
  if (!facts.plugins.empty()) {
    page_.Line(SanitizeLine(
        absl::StrCat("plugins: ", absl::StrJoin(facts.plugins, ", "))));
  }
  for (const std::string& line : facts.header) page_.Line(page_.Clean(line));
  const absl::string_view host = RemoteHost(first.host);
  const std::string names = started_.workers.empty()
                                ? first.name
                                : absl::StrJoin(started_.workers, " ");
  page_.Line(SanitizeLine(absl::StrCat("workers: ", names, " [", host,
                                       host.empty() ? "" : ": ",
                                       facts.executable, "]")));
}

void Header::PrintWorker(const WorkerAnnounced& worker) {
  const WorkerConfigured& facts = worker.facts;
  page_.Line(SanitizeLine(absl::StrCat(
      worker.name, " ", worker.host, ": ", facts.platform, " -- ",
      facts.language, ", ", facts.framework, " (", facts.executable, ")",
      worker.replacement ? ", a replacement" : "")));
}

bool Header::IsSizeFinal() const {
  return grown_.collected_workers > 0 &&
         grown_.collected_workers >= started_.workers.size();
}

void Header::PrintSize() {
  if (size_printed_ || options_.verbosity < 0 ||
      grown_.collected_workers == 0) {
    return;
  }
  size_printed_ = true;
  const size_t workers = std::max<size_t>(started_.workers.size(), 1);
  const std::string deselected =
      grown_.deselected == 0
          ? ""
          : absl::StrCat(" / ", grown_.deselected, " deselected");
  page_.Line(absl::StrCat(workers, workers == 1 ? " worker [" : " workers [",
                          grown_.tests, grown_.tests == 1 ? " item" : " items",
                          deselected, "]"));
  page_.Line();
}

}  // namespace dist
