// The ini dialect of pytest.ini, tox.ini and setup.cfg.
#ifndef DIST_CORE_CONFIG_INI_H_
#define DIST_CORE_CONFIG_INI_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dist {

struct IniEntry {
  std::string name;
  std::string value;  // Continuation lines are joined by '\n'.
  int line = 0;       // From 1; where it begins.
};

struct IniSection {
  std::string name;
  int line = 0;
  std::vector<IniEntry> entries;  // In the file's order; names differ.

  // Null if there is no such entry.
  const IniEntry* Find(absl::string_view entry_name) const;
};

struct IniFile {
  std::vector<IniSection> sections;  // In the file's order; names differ.

  // Null if there is no such section.
  const IniSection* Find(absl::string_view section_name) const;
};

// Parses `text` as Python's iniconfig 1.1 does, which is what pytest 7 reads
// its files with: "[section]", "name = value" or "name: value"; a line that is
// indented continues the value before it, also across blank and comment lines;
// "#" and ";" begin a comment at the start of a line and behind a section's
// header, not behind a value. Differs in that only ASCII blanks are blanks.
// Errors: InvalidArgument "PATH:LINE: cause\nhelp: ..."; `path` is used for
// nothing else.
absl::StatusOr<IniFile> ParseIni(absl::string_view text,
                                 absl::string_view path);

// Returns text that parses to `file` again, but for line numbers.
// REQUIRES: `file` came from ParseIni.
std::string FormatIni(const IniFile& file);

}  // namespace dist

#endif  // DIST_CORE_CONFIG_INI_H_
