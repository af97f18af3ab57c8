#include "core/schedule/together.h"

namespace dist {
namespace {

// Where the name of the test itself begins. Parameters may hold "::" as well,
// and start at the first bracket after the file.
absl::string_view ScopeOf(absl::string_view id) {
  const size_t file_end = id.find("::");
  if (file_end == absl::string_view::npos) return id;
  const size_t bracket = id.find('[', file_end);
  const size_t last = id.substr(0, bracket).rfind("::");
  return id.substr(0, last);
}

}  // namespace

absl::string_view BundleKey(Together together, absl::string_view id,
                            absl::string_view group) {
  switch (together) {
    case Together::kNothing:
      return "";
    case Together::kScope:
      return ScopeOf(id);
    case Together::kFile:
      return id.substr(0, id.find("::"));
    case Together::kGroup:
      return group;
  }
  return "";
}

}  // namespace dist
