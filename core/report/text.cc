#include "core/report/text.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "core/report/utf8.h"

namespace dist {
namespace {

constexpr char kEscape = '\x1b';
constexpr absl::string_view kReplacement = "\xef\xbf\xbd";
constexpr absl::string_view kReset = "\x1b[0m";

bool IsPlain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 0x20 && byte < 0x7f) || c == '\n' || c == '\t';
}

// How many bytes from the start need no thought.
size_t PlainPrefix(absl::string_view text) {
  const auto odd = std::find_if_not(text.begin(), text.end(), IsPlain);
  return odd - text.begin();
}

// Length of the SGR sequence at the start, or 0.
size_t SgrSize(absl::string_view text) {
  if (!absl::StartsWith(text, "\x1b[")) return 0;
  size_t i = 2;
  while (i < text.size() && ((text[i] >= '0' && text[i] <= '9') ||
                             text[i] == ';' || text[i] == ':')) {
    ++i;
  }
  return i < text.size() && text[i] == 'm' ? i + 1 : 0;
}

// Whether this SGR sequence leaves nothing on: its last number is zero.
bool IsReset(absl::string_view sgr) {
  sgr.remove_suffix(1);
  const size_t last = sgr.find_last_of("[;:");
  return sgr.substr(last + 1).find_first_not_of('0') == sgr.npos;
}

bool InRange(char c, char first, char last) { return c >= first && c <= last; }

// Length of a control sequence whose introducer takes `i` bytes, or 0.
size_t CsiSize(absl::string_view text, size_t i) {
  while (i < text.size() && InRange(text[i], 0x30, 0x3f)) ++i;
  while (i < text.size() && InRange(text[i], 0x20, 0x2f)) ++i;
  return i < text.size() && InRange(text[i], 0x40, 0x7e) ? i + 1 : 0;
}

// Length of a control string (OSC, DCS, ...) whose introducer takes `i` bytes.
// 0 when it does not end on its line: then it would swallow the rest, and what
// terminals do with it differs. Another escape ends the search, which keeps it
// linear.
size_t ControlStringSize(absl::string_view text, size_t i) {
  for (; i < text.size() && text[i] != '\n'; ++i) {
    if (text[i] == '\a') return i + 1;
    if (absl::StartsWith(text.substr(i), "\xc2\x9c")) return i + 2;
    if (text[i] == kEscape) {
      return absl::StartsWith(text.substr(i), "\x1b\\") ? i + 2 : 0;
    }
  }
  return 0;
}

// Length of the two-or-more-character escape at the start, or 0.
size_t SevenBitEscapeSize(absl::string_view text) {
  if (text.size() < 2) return 0;
  if (text[1] == '[') return CsiSize(text, 2);
  if (absl::StrContains("]PX^_", text.substr(1, 1))) {
    return ControlStringSize(text, 2);
  }
  size_t i = 1;
  while (i < text.size() && InRange(text[i], 0x20, 0x2f)) ++i;
  return i < text.size() && InRange(text[i], 0x30, 0x7e) ? i + 1 : 0;
}

// Length of the escape sequence at the start, with ESC or with C1, or 0.
size_t EscapeSize(absl::string_view text) {
  if (text[0] == kEscape) return SevenBitEscapeSize(text);
  if (text.size() < 2 || text[0] != '\xc2') return 0;
  switch (text[1]) {
    case '\x9b':
      return CsiSize(text, 2);
    case '\x9d':
    case '\x90':
    case '\x98':
    case '\x9e':
    case '\x9f':
      return ControlStringSize(text, 2);
    default:
      return 0;
  }
}

bool IsC1OrDelete(char32_t rune) { return rune >= 0x7f && rune <= 0x9f; }

void AppendVisible(char32_t rune, absl::string_view bytes, std::string* out) {
  if (rune < 0x20 || IsC1OrDelete(rune)) {
    absl::StrAppendFormat(out, "\\x%02x", static_cast<unsigned>(rune));
  } else if (IsInvisibleControl(rune)) {
    absl::StrAppendFormat(out, "\\u%04x", static_cast<unsigned>(rune));
  } else {
    absl::StrAppend(out, bytes);
  }
}

// Moves the character at the start of `*text` to `*out`, made harmless.
void TakeRune(absl::string_view* text, std::string* out) {
  const Rune rune = DecodeRune(*text);
  if (!rune.valid) {
    absl::StrAppend(out, kReplacement);
  } else {
    AppendVisible(rune.value, text->substr(0, rune.size), out);
  }
  text->remove_prefix(rune.size);
}

bool IsXmlChar(char32_t rune) {
  return rune == '\t' || rune == '\n' || rune == '\r' ||
         (rune >= 0x20 && !IsC1OrDelete(rune) && rune != 0xfffe &&
          rune != 0xffff);
}

void TakeXmlRune(absl::string_view* text, std::string* out) {
  const Rune rune = DecodeRune(*text);
  if (!rune.valid) {
    absl::StrAppend(out, kReplacement);
  } else if (IsXmlChar(rune.value)) {
    absl::StrAppend(out, text->substr(0, rune.size));
  } else {
    absl::StrAppendFormat(out, "#x%02X", static_cast<unsigned>(rune.value));
  }
  text->remove_prefix(rune.size);
}

void TakePlain(absl::string_view* text, std::string* out) {
  const size_t plain = PlainPrefix(*text);
  absl::StrAppend(out, text->substr(0, plain));
  text->remove_prefix(plain);
}

std::string NeutralizeLine(absl::string_view line) {
  size_t start = 0;
  while (start < line.size()) {
    const size_t sgr = SgrSize(line.substr(start));
    const Rune rune = DecodeRune(line.substr(start));
    if (sgr == 0 && !IsBlank(rune.value)) break;
    start += sgr == 0 ? rune.size : sgr;
  }
  std::string out(line.substr(0, start));
  line.remove_prefix(start);
  if (absl::ConsumePrefix(&line, "::")) absl::StrAppend(&out, ": :");
  // Azure and GitHub's older form are found anywhere on a line.
  absl::StrAppend(&out,
                  absl::StrReplaceAll(line, {{"##vso[", "# #vso["},
                                             {"##[", "# #["},
                                             {"##teamcity[", "# #teamcity["}}));
  return out;
}

}  // namespace

std::string Sanitize(absl::string_view text, Sgr sgr) {
  if (PlainPrefix(text) == text.size()) return std::string(text);
  std::string out;
  out.reserve(text.size() + 16);
  bool colour_is_on = false;
  for (TakePlain(&text, &out); !text.empty(); TakePlain(&text, &out)) {
    if (const size_t size = SgrSize(text); size > 0) {
      if (sgr == Sgr::kKeep) {
        absl::StrAppend(&out, text.substr(0, size));
        colour_is_on = !IsReset(text.substr(0, size));
      }
      text.remove_prefix(size);
    } else if (absl::StartsWith(text, "\r\n")) {
      text.remove_prefix(1);
    } else {
      TakeRune(&text, &out);
    }
  }
  if (colour_is_on) absl::StrAppend(&out, kReset);
  return out;
}

std::string SanitizeLine(absl::string_view text) {
  std::string clean = Sanitize(text, Sgr::kDrop);
  if (clean.find_first_of("\n\t") == clean.npos) return clean;
  return absl::StrReplaceAll(clean, {{"\n", "\\n"}, {"\t", "\\t"}});
}

std::string StripSgr(absl::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t escape = std::min(text.find(kEscape), text.size());
    absl::StrAppend(&out, text.substr(0, escape));
    text.remove_prefix(escape);
    if (text.empty()) break;
    const size_t size = SgrSize(text);
    if (size == 0) absl::StrAppend(&out, text.substr(0, 1));
    text.remove_prefix(std::max<size_t>(size, 1));
  }
  return out;
}

std::string XmlSafe(absl::string_view text) {
  if (PlainPrefix(text) == text.size()) return std::string(text);
  std::string out;
  out.reserve(text.size());
  for (TakePlain(&text, &out); !text.empty(); TakePlain(&text, &out)) {
    if (const size_t size = EscapeSize(text); size > 0) {
      text.remove_prefix(size);
    } else {
      TakeXmlRune(&text, &out);
    }
  }
  return out;
}

std::string XmlText(absl::string_view text) {
  return absl::StrReplaceAll(
      XmlSafe(text),
      {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\r", "&#13;"}});
}

std::string XmlAttribute(absl::string_view text) {
  std::string safe = XmlSafe(text);
  if (safe.find_first_of("&<>\"\r\n\t") == safe.npos) return safe;
  return absl::StrReplaceAll(safe, {{"&", "&amp;"},
                                    {"<", "&lt;"},
                                    {">", "&gt;"},
                                    {"\"", "&quot;"},
                                    {"\r", "&#13;"},
                                    {"\n", "&#10;"},
                                    {"\t", "&#9;"}});
}

std::string NeutralizeCi(absl::string_view text) {
  if (!absl::StrContains(text, "::") && !absl::StrContains(text, "##")) {
    return std::string(text);
  }
  std::string out;
  while (true) {
    const size_t end = text.find('\n');
    absl::StrAppend(&out, NeutralizeLine(text.substr(0, end)));
    if (end == text.npos) return out;
    out.push_back('\n');
    text.remove_prefix(end + 1);
  }
}

size_t DisplayWidth(absl::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const size_t sgr = SgrSize(text);
    const Rune rune = DecodeRune(text);
    if (sgr == 0) width += RuneWidth(rune.value);
    text.remove_prefix(sgr == 0 ? rune.size : sgr);
  }
  return width;
}

absl::string_view Truncate(absl::string_view text, size_t columns) {
  size_t width = 0;
  size_t end = 0;
  while (end < text.size()) {
    const size_t sgr = SgrSize(text.substr(end));
    const Rune rune = DecodeRune(text.substr(end));
    if (sgr == 0) width += RuneWidth(rune.value);
    if (width > columns) break;
    end += sgr == 0 ? rune.size : sgr;
  }
  return text.substr(0, end);
}

std::string Ellipsize(absl::string_view text, size_t columns) {
  const absl::string_view whole = Truncate(text, columns);
  if (whole.size() == text.size()) return std::string(text);
  if (columns < 3) return std::string(whole);
  return absl::StrCat(Truncate(text, columns - 3), "...");
}

std::string SepLine(char fill, absl::string_view title, size_t columns) {
  if (title.empty()) return std::string(columns, fill);
  const size_t width = DisplayWidth(title);
  const size_t room = columns > width + 2 ? (columns - width - 2) / 2 : 0;
  const std::string side(std::max<size_t>(room, 1), fill);
  std::string line = absl::StrCat(side, " ", title, " ", side);
  // An odd number of columns leaves one for the right side.
  if (2 * side.size() + width + 2 < columns) line.push_back(fill);
  return line;
}

}  // namespace dist
