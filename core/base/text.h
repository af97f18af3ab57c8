// Words and quoting of text that a user wrote.
#ifndef DIST_CORE_BASE_TEXT_H_
#define DIST_CORE_BASE_TEXT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dist {

// Splits `text` into words as Python's shlex.split (POSIX mode, no comments)
// does, which is how pytest reads `addopts`: blanks separate; '...' is
// literal; in "..." a backslash escapes only " and itself; elsewhere it
// escapes any character. Errors: InvalidArgument for a quotation that is not
// closed and for a backslash at the end.
absl::StatusOr<std::vector<std::string>> SplitShellWords(
    absl::string_view text);

// Control characters as \n, \t, \x1b..., everything else as it is: text that
// can be shown on one line of a terminal.
std::string Printable(absl::string_view text);

// `path` with a leading "~" or "~/" as a shell reads it; another account's
// home, as in "~name/", and every path without a home stay as they are.
std::string ExpandHome(absl::string_view path, absl::string_view home);

// True if `text` is UTF-8 as RFC 3629 has it: nothing overlong, no surrogates,
// nothing above U+10FFFF.
bool IsUtf8(absl::string_view text);

}  // namespace dist

#endif  // DIST_CORE_BASE_TEXT_H_
