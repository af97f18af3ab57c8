#include "core/report/roster.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/report/text.h"

namespace dist {

void Roster::On(const RunStarted& event) {
  platforms_.clear();
  for (const std::string& name : event.platforms) {
    platforms_.push_back(SanitizeLine(name));
  }
  if (platforms_.empty()) platforms_.push_back("");
  roots_ = {event.rootdir};
}

void Roster::On(const WorkerAnnounced& event) {
  names_[event.worker.value()] = event.name;
  const absl::string_view host = RemoteHost(event.host);
  lines_[event.name] = SanitizeLine(
      absl::StrCat("[", event.name, host.empty() ? "" : " ", host, "] ",
                   event.facts.platform, " -- ", event.facts.language, " ",
                   event.facts.executable));
  const std::string& root = event.facts.rootdir;
  if (!std::count(roots_.begin(), roots_.end(), root)) roots_.push_back(root);
}

size_t Roster::PlatformIndex(PlatformId platform) const {
  return platform.value() < platforms_.size() ? platform.value() : 0;
}

std::string Roster::OnPlatform(PlatformId platform) const {
  if (!has_platforms()) return "";
  return absl::StrCat(" on ", platforms_[PlatformIndex(platform)]);
}

std::string Roster::WorkerLine(absl::string_view name) const {
  const auto found = lines_.find(name);
  return found == lines_.end() ? "" : found->second;
}

const std::string& Roster::NameOf(WorkerId worker) const {
  static const std::string* const kUnknown = new std::string;
  const auto found = names_.find(worker.value());
  return found == names_.end() ? *kUnknown : found->second;
}

std::string Roster::Relative(absl::string_view path) const {
  for (const std::string& root : roots_) {
    absl::string_view rest = path;
    if (!root.empty() && absl::ConsumePrefix(&rest, root) &&
        absl::ConsumePrefix(&rest, "/")) {
      return std::string(rest);
    }
  }
  return std::string(path);
}

bool SameKind(const WorkerAnnounced& a, const WorkerAnnounced& b) {
  return a.host == b.host && a.facts.platform == b.facts.platform &&
         a.facts.language == b.facts.language &&
         a.facts.framework == b.facts.framework &&
         a.facts.executable == b.facts.executable;
}

absl::string_view RemoteHost(absl::string_view host) {
  return host == "localhost" ? "" : host;
}

}  // namespace dist
