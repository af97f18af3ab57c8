#include "core/manifest/ignore.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/manifest/path_rules.h"

namespace dist {
namespace {

// __pycache__ holds nothing else; dist-artifacts is where what came back is.
constexpr absl::string_view kAlways[] = {".*", "*.pyc",       "*.pyo",
                                         "*~", "__pycache__", "dist-artifacts"};
constexpr size_t kNone = absl::string_view::npos;

// Position behind the class that starts at `at` ("["), or kNone if it is not
// closed and so a plain "[".
size_t EndOfClass(absl::string_view pattern, size_t at) {
  size_t i = at + 1;
  if (i < pattern.size() && pattern[i] == '!') ++i;
  if (i < pattern.size() && pattern[i] == ']') ++i;
  const size_t close = pattern.find(']', i);
  return close == kNone ? kNone : close + 1;
}

// `set`: what is between the brackets.
bool InClass(absl::string_view set, char c) {
  const bool negated = !set.empty() && set[0] == '!';
  if (negated) set.remove_prefix(1);
  const auto byte = static_cast<uint8_t>(c);
  bool found = false;
  for (size_t i = 0; i < set.size(); ++i) {
    const auto low = static_cast<uint8_t>(set[i]);
    auto high = low;
    if (i + 2 < set.size() && set[i + 1] == '-') {
      high = static_cast<uint8_t>(set[i + 2]);
      i += 2;
    }
    found = found || (low <= byte && byte <= high);
  }
  return found != negated;
}

// Length of the pattern's first element if it matches `c`; 0 if it does not.
size_t MatchOne(absl::string_view pattern, size_t at, char c) {
  if (pattern[at] == '?') return c == '/' ? 0 : 1;
  if (pattern[at] == '[') {
    const size_t end = EndOfClass(pattern, at);
    if (end != kNone) {
      const absl::string_view set = pattern.substr(at + 1, end - at - 2);
      return c != '/' && InClass(set, c) ? end - at : 0;
    }
  }
  return pattern[at] == c ? 1 : 0;
}

}  // namespace

// Goes back to the last star that can take one byte more, and from a single
// star that cannot to the last double one: no more than that is ever needed.
bool MatchesGlob(absl::string_view pattern, absl::string_view text) {
  struct Star {
    size_t pattern = kNone;  // Behind it.
    size_t text = 0;         // Where its match ends.
  };
  Star one, two;
  size_t p = 0;
  size_t t = 0;
  while (true) {
    if (p < pattern.size() && pattern[p] == '*') {
      const bool twice = p + 1 < pattern.size() && pattern[p + 1] == '*';
      while (p < pattern.size() && pattern[p] == '*') ++p;
      if (twice) {
        two = {p, t};
        one = {};
      } else {
        one = {p, t};
      }
      continue;
    }
    if (t == text.size() && p == pattern.size()) return true;
    if (t < text.size() && p < pattern.size()) {
      if (const size_t size = MatchOne(pattern, p, text[t])) {
        p += size;
        ++t;
        continue;
      }
    }
    if (one.pattern != kNone && one.text < text.size() &&
        text[one.text] != '/') {
      p = one.pattern;
      t = ++one.text;
    } else if (two.pattern != kNone && two.text < text.size()) {
      one = {};
      p = two.pattern;
      t = ++two.text;
    } else {
      return false;
    }
  }
}

bool IsAlwaysIgnored(absl::string_view base_name) {
  for (const absl::string_view pattern : kAlways) {
    if (MatchesGlob(pattern, base_name)) return true;
  }
  return false;
}

IgnoreRules::IgnoreRules(std::vector<std::string> patterns,
                         std::vector<std::string> own)
    : patterns_(std::move(patterns)), own_(std::move(own)) {
  for (std::string& pattern : patterns_) {
    while (pattern.compare(0, 2, "./") == 0) pattern.erase(0, 2);
    while (pattern.size() > 1 && pattern.back() == '/') pattern.pop_back();
  }
}

int IgnoreRules::FirstMatch(absl::string_view path,
                            absl::string_view absolute) const {
  for (size_t i = 0; i < patterns_.size(); ++i) {
    const std::string& pattern = patterns_[i];
    absl::string_view text = path;
    if (pattern.find('/') == std::string::npos) {
      text = BaseName(path);
    } else if (pattern[0] == '/') {
      text = absolute;
    }
    if (MatchesGlob(pattern, text)) return static_cast<int>(i);
  }
  return -1;
}

bool IgnoreRules::IsOwn(absl::string_view absolute) const {
  return std::find(own_.begin(), own_.end(), absolute) != own_.end();
}

bool IgnoreRules::Ignores(absl::string_view path,
                          absl::string_view absolute) const {
  return IsAlwaysIgnored(BaseName(path)) || IsOwn(absolute) ||
         FirstMatch(path, absolute) >= 0;
}

std::string IgnoreRules::WhyIgnored(absl::string_view path,
                                    absl::string_view absolute) const {
  for (const absl::string_view pattern : kAlways) {
    if (MatchesGlob(pattern, BaseName(path))) {
      return absl::StrCat(pattern, " (always ignored)");
    }
  }
  if (IsOwn(absolute)) return "dist itself writes there";
  const int match = FirstMatch(path, absolute);
  if (match < 0) return "";
  return absl::StrCat("--rsyncignore ", patterns_[match]);
}

}  // namespace dist
