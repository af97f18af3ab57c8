#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "cli/option_table.h"
#include "cli/options.h"
#include "core/model/version.h"

namespace dist {
namespace {

constexpr size_t kHelpColumn = 30;
constexpr size_t kWidth = 80;

constexpr char kExamples[] =
    R"(# all tests, on every CPU here
dist -n auto
# with a limit for each test, and a second chance
dist -n 4 --timeout 60 --retries 1 --junitxml report.xml tests/
# every test on both Pythons
dist --dist each --tx popen//python=python3.8 --tx popen//python=python3.11
# what failed last time, until one fails again
dist -n 4 --lf -x
# options of a pytest plug-in
dist -n 4 tests/ -- --cov=mypkg

usage: dist [OPTIONS] [PATHS | TEST-IDS | BINARIES ...] [-- FRAMEWORK-ARGS ...]
       dist serve [OPTIONS]
       dist doctor [--tx SPEC ...] [--ssh auto|libssh|openssh]
       dist plan [--what-if hosts=4,8 | workers=4,8] [OPTIONS] [PATHS ...]
       dist history [clear | import FILE...]

)";

constexpr char kAfter[] =
    R"(
Options of pytest itself (-k, -m, --tb, -p, -W, -o, ...) are handed on; those of
its plug-ins go after '--'. dist.toml sets the same names.
)";

std::string Usage(const OptionRow& row) {
  std::string usage =
      absl::StrCat("  ", absl::StrReplaceAll(row.names, {{",", ", "}}));
  if (!row.metavar.empty()) absl::StrAppend(&usage, " ", row.metavar);
  return usage;
}

// `text` in lines that begin at the help column; the first continues `line`.
void AppendWrapped(absl::string_view text, std::string line, std::string* out) {
  const std::string indent(kHelpColumn, ' ');
  if (line.size() + 2 > kHelpColumn) {
    absl::StrAppend(out, line, "\n");
    line.clear();
  }
  line.resize(kHelpColumn, ' ');
  for (const absl::string_view word : absl::StrSplit(text, ' ')) {
    const bool first = line.size() == kHelpColumn;
    if (!first && line.size() + 1 + word.size() > kWidth) {
      absl::StrAppend(out, line, "\n");
      line = indent;
    }
    absl::StrAppend(&line, line.size() == kHelpColumn ? "" : " ", word);
  }
  absl::StrAppend(out, line, "\n");
}

}  // namespace

std::string HelpText() {
  std::string text = kExamples;
  for (const OptionRow& row : OptionTable()) {
    if (!row.help.empty()) AppendWrapped(row.help, Usage(row), &text);
  }
  absl::StrAppend(&text, kAfter);
  return text;
}

std::string VersionText() { return absl::StrCat("dist ", kVersion, "\n"); }

}  // namespace dist
