// Text from elsewhere made harmless, and text laid out for a terminal.
//
// Whatever a host, a test or a plugin said is data. Terminals, CI systems and
// XML readers would take some of it as commands; these functions see to it
// that they do not.
#ifndef DIST_CORE_REPORT_TEXT_H_
#define DIST_CORE_REPORT_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace dist {

// What to do with SGR sequences (colours): keep them or leave them out.
enum class Sgr { kKeep, kDrop };

// `text` for a terminal: \n and \t stay, \r\n becomes \n, every other control
// character (C0, DEL, C1, bidi controls) becomes visible as \x1b or \u202e,
// what is not UTF-8 becomes U+FFFD. Under kKeep complete SGR sequences stay,
// and colours left on at the end are switched off. Idempotent.
std::string Sanitize(absl::string_view text, Sgr sgr);

// The same on one line: \n and \t become visible, SGR goes. Idempotent.
std::string SanitizeLine(absl::string_view text);

// `text` without its SGR sequences, otherwise as it is.
std::string StripSgr(absl::string_view text);

// `text` for XML 1.0: whole escape sequences are left out, characters that XML
// cannot hold become visible as pytest shows them (#x1B), what is not UTF-8
// becomes U+FFFD. Not yet escaped. Idempotent.
std::string XmlSafe(absl::string_view text);

// XmlSafe, escaped for the inside of an element.
std::string XmlText(absl::string_view text);

// XmlSafe, escaped for a value between double quotes; always one line.
std::string XmlAttribute(absl::string_view text);

// Splits what CI systems would obey (`::error`, `##vso[`, `##[`, ...) by a
// blank. REQUIRES: `text` is sanitized and begins a line. Idempotent.
std::string NeutralizeCi(absl::string_view text);

// Columns that the sanitized `text` takes on one line; SGR takes none.
size_t DisplayWidth(absl::string_view text);

// The longest beginning of the sanitized `text` that fits into `columns`.
absl::string_view Truncate(absl::string_view text, size_t columns);

// The same, ending in "..." when something was cut off; may be empty.
std::string Ellipsize(absl::string_view text, size_t columns);

// pytest's separators: "=== title ===", as wide as `columns`, or wider when
// the title does not fit. Without a title a full line.
std::string SepLine(char fill, absl::string_view title, size_t columns);

}  // namespace dist

#endif  // DIST_CORE_REPORT_TEXT_H_
