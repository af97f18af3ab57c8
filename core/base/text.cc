#include "core/base/text.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace dist {
namespace {

constexpr char kNoQuote = '\0';

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// The state of SplitShellWords between two characters.
class WordSplitter {
 public:
  // Takes text[*at] and what belongs to it; leaves *at behind it.
  absl::Status Take(absl::string_view text, size_t* at) {
    const char c = text[(*at)++];
    if (quote_ == kNoQuote && IsBlank(c)) {
      Flush();
    } else if (quote_ != kNoQuote && c == quote_) {
      quote_ = kNoQuote;
    } else if (quote_ == kNoQuote && (c == '\'' || c == '"')) {
      quote_ = c;
      in_word_ = true;
    } else if (c == '\\' && quote_ != '\'') {
      return TakeEscaped(text, at);
    } else {
      Add(c);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> Finish() {
    if (quote_ != kNoQuote) {
      return absl::InvalidArgumentError(
          absl::StrCat("no closing ", std::string(1, quote_)));
    }
    Flush();
    return std::move(words_);
  }

 private:
  absl::Status TakeEscaped(absl::string_view text, size_t* at) {
    if (*at == text.size()) {
      return absl::InvalidArgumentError("nothing follows the last backslash");
    }
    const char c = text[(*at)++];
    if (quote_ == '"' && c != '"' && c != '\\') Add('\\');
    Add(c);
    return absl::OkStatus();
  }

  void Add(char c) {
    word_.push_back(c);
    in_word_ = true;
  }

  void Flush() {
    if (in_word_) words_.push_back(std::move(word_));
    word_.clear();
    in_word_ = false;
  }

  std::vector<std::string> words_;
  std::string word_;
  bool in_word_ = false;
  char quote_ = kNoQuote;
};

// Bytes of the character that `text` begins with; 0 if it is malformed.
size_t Utf8Size(absl::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong =
      (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool surrogate = first == 0xed && byte(1) >= 0xa0;
  const bool too_large = first == 0xf4 && byte(1) >= 0x90;
  return overlong || surrogate || too_large ? 0 : size;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> SplitShellWords(
    absl::string_view text) {
  WordSplitter splitter;
  size_t at = 0;
  while (at < text.size()) {
    const absl::Status status = splitter.Take(text, &at);
    if (!status.ok()) return status;
  }
  return splitter.Finish();
}

std::string Printable(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      out.push_back(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else {
      absl::StrAppendFormat(&out, "\\x%02x", byte);
    }
  }
  return out;
}

std::string ExpandHome(absl::string_view path, absl::string_view home) {
  const bool at_home = path == "~" || absl::StartsWith(path, "~/");
  return at_home && !home.empty() ? absl::StrCat(home, path.substr(1))
                                  : std::string(path);
}

bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    const size_t size = Utf8Size(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

}  // namespace dist
