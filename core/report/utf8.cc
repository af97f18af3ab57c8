#include "core/report/utf8.h"

#include <algorithm>
#include <array>

namespace dist {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

constexpr Range kZeroWidth[] = {
    {0x0300, 0x036f},  {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a},
    {0x064b, 0x065f},  {0x0e31, 0x0e31}, {0x0e34, 0x0e3a}, {0x1ab0, 0x1aff},
    {0x1dc0, 0x1dff},  {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x2064},
    {0x20d0, 0x20ff},  {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff},
    {0xe0100, 0xe01ef}};

constexpr Range kWide[] = {
    {0x1100, 0x115f},   {0x2329, 0x232a},   {0x2e80, 0x303e},
    {0x3041, 0x4dbf},   {0x4e00, 0xa4cf},   {0xa960, 0xa97f},
    {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe10, 0xfe19},
    {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
    {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff},
    {0x1fa70, 0x1faff}, {0x20000, 0x3fffd}};

template <size_t n>
bool InRanges(const Range (&ranges)[n], char32_t rune) {
  const Range* found = std::lower_bound(
      std::begin(ranges), std::end(ranges), rune,
      [](const Range& range, char32_t value) { return range.last < value; });
  return found != std::end(ranges) && found->first <= rune;
}

// Length of the sequence that `lead` begins and its share of the value; 0 when
// it begins none.
size_t SequenceSize(unsigned char lead, char32_t* value) {
  if (lead >= 0xc2 && lead <= 0xdf) {
    *value = lead & 0x1f;
    return 2;
  }
  if ((lead & 0xf0) == 0xe0) {
    *value = lead & 0x0f;
    return 3;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    *value = lead & 0x07;
    return 4;
  }
  return 0;
}

bool IsSurrogate(char32_t value) { return value >= 0xd800 && value <= 0xdfff; }

bool IsOverlong(char32_t value, size_t size) {
  return (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
}

}  // namespace

Rune DecodeRune(absl::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1, true};
  char32_t value = 0;
  const size_t size = SequenceSize(lead, &value);
  if (size == 0 || text.size() < size) return {0xfffd, 1, false};
  for (size_t i = 1; i < size; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0) != 0x80) return {0xfffd, 1, false};
    value = value << 6 | (next & 0x3f);
  }
  if (IsOverlong(value, size) || IsSurrogate(value) || value > 0x10ffff) {
    return {0xfffd, 1, false};
  }
  return {value, size, true};
}

int RuneWidth(char32_t rune) {
  if (rune < 0x300) return 1;
  if (InRanges(kZeroWidth, rune)) return 0;
  return InRanges(kWide, rune) ? 2 : 1;
}

bool IsInvisibleControl(char32_t rune) {
  return rune == 0x061c || rune == 0x200e || rune == 0x200f ||
         (rune >= 0x2028 && rune <= 0x202e) ||
         (rune >= 0x2066 && rune <= 0x2069);
}

bool IsBlank(char32_t rune) {
  return rune == ' ' || rune == '\t' || rune == 0xa0 || rune == 0x1680 ||
         (rune >= 0x2000 && rune <= 0x200a) || rune == 0x202f ||
         rune == 0x205f || rune == 0x3000;
}

}  // namespace dist
