// UTF-8 one character at a time, from bytes that nobody has checked.
#ifndef DIST_CORE_REPORT_UTF8_H_
#define DIST_CORE_REPORT_UTF8_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace dist {

struct Rune {
  char32_t value = 0;
  size_t size = 1;     // Bytes it takes; at least 1.
  bool valid = false;  // If not: one byte that starts no character.
};

// The first character of `text`. Overlong forms, surrogates and numbers beyond
// U+10FFFF are not valid. REQUIRES: `text` is not empty.
Rune DecodeRune(absl::string_view text);

// Columns that a terminal gives to `rune`: 0, 1 or 2. Good enough for layout;
// terminals themselves disagree about the rest.
int RuneWidth(char32_t rune);

// Characters that reorder or break lines without being seen: bidi controls,
// line and paragraph separator.
bool IsInvisibleControl(char32_t rune);

// Blanks as .NET's TrimStart sees them, which is what CI systems use.
bool IsBlank(char32_t rune);

}  // namespace dist

#endif  // DIST_CORE_REPORT_UTF8_H_
