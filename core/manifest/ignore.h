// What is not synced, and which rule says so.
#ifndef DIST_CORE_MANIFEST_IGNORE_H_
#define DIST_CORE_MANIFEST_IGNORE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace dist {

// Shell patterns as Python's fnmatch has them, over bytes: * ? [abc] [!a-z].
// In a path "*" and "?" stop at "/", "**" does not.
bool MatchesGlob(absl::string_view pattern, absl::string_view text);

// Always ignored, before anything else: `.*`, `*.pyc`, `*.pyo`, `*~`,
// `__pycache__`, which holds nothing else, and `dist-artifacts`, which is where
// what hosts sent back is.
bool IsAlwaysIgnored(absl::string_view base_name);

class IgnoreRules {
 public:
  IgnoreRules() = default;
  // --rsyncignore and its relatives, as they were written. A pattern without
  // "/" matches base names; one with "/" the path relative to the synced root,
  // or, if it is absolute, the absolute path.
  // `own`: absolute paths of folders that dist itself writes to.
  explicit IgnoreRules(std::vector<std::string> patterns,
                       std::vector<std::string> own = {});

  // The rule that ignores the entry at `path` (relative to the synced root),
  // which is at `absolute`: "*.pyc (always ignored)"; "" if none does. What is
  // in an ignored folder is ignored with it: that is the walker's business.
  std::string WhyIgnored(absl::string_view path,
                         absl::string_view absolute) const;
  bool Ignores(absl::string_view path, absl::string_view absolute) const;

 private:
  // Index of the first pattern that matches; -1: none.
  int FirstMatch(absl::string_view path, absl::string_view absolute) const;

  bool IsOwn(absl::string_view absolute) const;

  std::vector<std::string> patterns_;
  std::vector<std::string> own_;
};

}  // namespace dist

#endif  // DIST_CORE_MANIFEST_IGNORE_H_
