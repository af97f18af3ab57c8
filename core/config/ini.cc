#include "core/config/ini.h"

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"

namespace dist {
namespace {

// The ASCII part of what str.strip() of Python takes away.
constexpr char kBlanks[] = " \t\n\v\f\r\x1c\x1d\x1e\x1f";
constexpr size_t kNone = absl::string_view::npos;

absl::string_view StripRight(absl::string_view text) {
  const size_t last = text.find_last_not_of(kBlanks);
  return last == kNone ? absl::string_view() : text.substr(0, last + 1);
}

absl::string_view Strip(absl::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  return first == kNone ? absl::string_view() : StripRight(text.substr(first));
}

bool IsBlank(char c) { return absl::string_view(kBlanks).find(c) != kNone; }

bool IsCommentOrBlank(absl::string_view line) {
  const absl::string_view stripped = Strip(line);
  return stripped.empty() || stripped[0] == '#' || stripped[0] == ';';
}

// What is before the first '#' or ';'.
absl::string_view WithoutComment(absl::string_view line) {
  return StripRight(line.substr(0, line.find_first_of("#;")));
}

class Parser {
 public:
  explicit Parser(absl::string_view path) : path_(path) {}

  absl::Status TakeLine(absl::string_view line) {
    ++line_;
    if (IsCommentOrBlank(line)) return absl::OkStatus();
    line = StripRight(line);
    if (line[0] == '[') {
      const absl::string_view header = WithoutComment(line);
      // As in iniconfig, "[no header" continues the value before it.
      return header.back() == ']'
                 ? TakeHeader(header.substr(1, header.size() - 2))
                 : TakeContinuation(Strip(line));
    }
    return IsBlank(line[0]) ? TakeContinuation(Strip(line)) : TakeEntry(line);
  }

  IniFile Finish() { return std::move(file_); }

 private:
  absl::Status Error(absl::string_view cause, absl::string_view help) const {
    return absl::InvalidArgumentError(absl::StrCat(
        path_, ":", line_, ": ", Printable(cause), "\nhelp: ", help));
  }

  absl::Status TakeHeader(absl::string_view name) {
    if (name.empty()) return Error("a section without name", "write [pytest]");
    if (const IniSection* other = file_.Find(name)) {
      return Error(absl::StrCat("duplicate section '", name, "'"),
                   absl::StrCat("move these lines to line ", other->line));
    }
    file_.sections.push_back({std::string(name), line_, {}});
    return absl::OkStatus();
  }

  absl::Status TakeContinuation(absl::string_view text) {
    if (file_.sections.empty() || file_.sections.back().entries.empty()) {
      return Error("this line continues nothing",
                   "unindent it, or write 'name =' before it");
    }
    std::string& value = file_.sections.back().entries.back().value;
    absl::StrAppend(&value, value.empty() ? "" : "\n", text);
    return absl::OkStatus();
  }

  absl::Status TakeEntry(absl::string_view line) {
    size_t separator = line.find('=');
    if (separator == kNone || line.find(':') < separator) {
      separator = line.find(':');
    }
    if (separator == kNone) {
      return Error(absl::StrCat("unexpected line '", line.substr(0, 60), "'"),
                   absl::StartsWith(line, "\xef\xbb\xbf")
                       ? "save the file without a byte order mark"
                       : "write 'name = value', or indent it to continue the "
                         "value before");
    }
    const std::string name(Strip(line.substr(0, separator)));
    if (file_.sections.empty()) {
      return Error(absl::StrCat("'", name, "' is in no section"),
                   "write a header like [pytest] before it");
    }
    IniSection& section = file_.sections.back();
    if (const IniEntry* other = section.Find(name)) {
      return Error(absl::StrCat("duplicate name '", name, "'"),
                   absl::StrCat("it is also on line ", other->line,
                                "; keep one of them"));
    }
    section.entries.push_back(
        {name, std::string(Strip(line.substr(separator + 1))), line_});
    return absl::OkStatus();
  }

  const absl::string_view path_;
  int line_ = 0;
  IniFile file_;
};

}  // namespace

const IniEntry* IniSection::Find(absl::string_view entry_name) const {
  for (const IniEntry& entry : entries) {
    if (entry.name == entry_name) return &entry;
  }
  return nullptr;
}

const IniSection* IniFile::Find(absl::string_view section_name) const {
  for (const IniSection& section : sections) {
    if (section.name == section_name) return &section;
  }
  return nullptr;
}

absl::StatusOr<IniFile> ParseIni(absl::string_view text,
                                 absl::string_view path) {
  // Python's text files end lines in any of three ways.
  const std::string unix_text =
      absl::StrReplaceAll(text, {{"\r\n", "\n"}, {"\r", "\n"}});
  Parser parser(path);
  for (const absl::string_view line : absl::StrSplit(unix_text, '\n')) {
    DIST_RETURN_IF_ERROR(parser.TakeLine(line));
  }
  return parser.Finish();
}

std::string FormatIni(const IniFile& file) {
  std::string out;
  for (const IniSection& section : file.sections) {
    absl::StrAppend(&out, "[", section.name, "]\n");
    for (const IniEntry& entry : section.entries) {
      // No blank before "=" here: behind an empty name the line would begin
      // with it and be a continuation.
      absl::StrAppend(&out, entry.name, "= ",
                      absl::StrReplaceAll(entry.value, {{"\n", "\n  "}}), "\n");
    }
  }
  return out;
}

}  // namespace dist
