#include "cli/history_verb.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/history.h"
#include "cli/plan.h"
#include "core/base/nearest.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/history/history.h"
#include "core/history/import.h"

namespace dist {
namespace {

constexpr size_t kSlowest = 10;
constexpr size_t kMostImported = size_t{1} << 30;

// The words of the command line: what to do, its files, options for the rest.
struct Words {
  std::string what;
  std::vector<std::string> files;
  std::vector<std::string> options;
};

Words Sort(const std::vector<std::string>& args) {
  Words words;
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i].size() > 1 && args[i][0] == '-') {
      words.options.push_back(args[i]);
      const bool value = args[i] == "-c" || args[i] == "--rootdir";
      if (value && i + 1 < args.size()) words.options.push_back(args[++i]);
    } else if (words.what.empty()) {
      words.what = args[i];
    } else {
      words.files.push_back(args[i]);
    }
  }
  return words;
}

absl::StatusOr<std::string> ReadText(const std::string& path) {
  struct stat info;
  std::ifstream file(path, std::ios::binary);
  if (stat(path.c_str(), &info) != 0 || S_ISDIR(info.st_mode) || !file) {
    return absl::NotFoundError(
        absl::StrCat("cannot read ", Printable(path),
                     "\nhelp: name a JUnit XML file, a report log or "
                     "pytest-split's .test_durations"));
  }
  if (static_cast<uint64_t>(info.st_size) > kMostImported) {
    return absl::InvalidArgumentError(
        absl::StrCat(Printable(path), " is too large"));
  }
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string Count(size_t n, absl::string_view what) {
  return absl::StrCat(n, " ", what, n == 1 ? "" : "s");
}

struct ImportedFile {
  std::vector<std::pair<std::string, uint64_t>> tests;  // Microseconds.
  std::string line;  // What it holds, for people.
};

absl::StatusOr<ImportedFile> ReadDurations(const std::string& path,
                                           const Request& request) {
  DIST_ASSIGN_OR_RETURN(const std::string text, ReadText(path));
  const auto is_file = [&](const std::string& name) {
    struct stat info;
    const std::string full = absl::StrCat(request.rootdir, "/", name);
    return stat(full.c_str(), &info) == 0 && S_ISREG(info.st_mode);
  };
  absl::StatusOr<ImportedDurations> imported = ImportDurations(text, is_file);
  if (!imported.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(Printable(path), " ", imported.status().message()));
  }
  ImportedFile file;
  file.line =
      absl::StrCat(Printable(path), ": ", Count(imported->tests.size(), "test"),
                   " from ", imported->format);
  if (imported->unmatched > 0) {
    absl::StrAppend(&file.line, "; of ", Count(imported->unmatched, "case"),
                    " no file was found below ", Printable(request.rootdir));
  }
  file.line += "\n";
  file.tests = std::move(imported->tests);
  return file;
}

// All files or, if one cannot be read, none; says what came of it.
absl::StatusOr<std::string> Import(const std::vector<std::string>& paths,
                                   const Request& request,
                                   const std::string& history) {
  std::vector<ImportedFile> files;
  for (const std::string& path : paths) {
    DIST_ASSIGN_OR_RETURN(ImportedFile file, ReadDurations(path, request));
    files.push_back(std::move(file));
  }
  std::string text;
  for (const ImportedFile& file : files) {
    MeasuredRun run;
    run.hosts = {""};
    for (const auto& [id, micros] : file.tests) {
      run.measurements.push_back({id, 0, micros});
    }
    DIST_RETURN_IF_ERROR(AddToHistory(history, run));
    text += file.line;
  }
  return text;
}

std::string Hosts(const History& history) {
  std::string line;
  for (const HistoryHost& host : history.hosts) {
    const std::string name = host.name.empty() ? "imported" : host.name;
    if (host.name.empty() && host.last_run == 0) continue;
    absl::StrAppend(&line, line.empty() ? "" : ", ", Printable(name));
    if (host.pace != 1) {
      absl::StrAppendFormat(&line, " (%.2f times as long)", host.pace);
    }
  }
  return line;
}

std::string Describe(const History& history, const std::string& path) {
  std::vector<std::pair<double, const HistoryTest*>> slowest;
  double total = 0;
  for (const HistoryTest& test : history.tests) {
    slowest.emplace_back(ReferenceMicros(history, test) / 1e6, &test);
    total += slowest.back().first;
  }
  const size_t shown = std::min(kSlowest, slowest.size());
  std::partial_sort(slowest.begin(), slowest.begin() + shown, slowest.end(),
                    [](const auto& a, const auto& b) {
                      return a.first > b.first || (a.first == b.first &&
                                                   a.second->id < b.second->id);
                    });
  std::string text = absl::StrCat(
      Count(slowest.size(), "test"), " in ", Count(history.runs, "run"), ", ",
      ShortDuration(total), " in all\nhosts: ", Hosts(history),
      "\nfile: ", Printable(path), "\nslowest:\n");
  for (size_t i = 0; i < shown; ++i) {
    absl::StrAppendFormat(&text, "  %10s  %s\n",
                          ShortDuration(slowest[i].first),
                          Printable(slowest[i].second->id));
  }
  return text;
}

absl::StatusOr<std::string> Show(const Request& request,
                                 const std::string& path) {
  const LoadedHistory loaded = LoadHistory(path);
  if (!loaded.notice.empty()) return absl::StrCat(loaded.notice, "\n");
  if (loaded.found) return Describe(loaded.history, path);
  return absl::StrCat("nothing is known of ", Printable(request.rootdir),
                      " yet\nhelp: run its tests, or dist history import "
                      "FILE...\n");
}

}  // namespace

std::string ShortDuration(double seconds) {
  if (seconds < 0.9995) return absl::StrFormat("%.1f ms", seconds * 1e3);
  if (seconds < 99.95) return absl::StrFormat("%.1f s", seconds);
  return absl::StrFormat("%.0f s", seconds);
}

absl::StatusOr<std::string> RunHistoryVerb(
    const std::vector<std::string>& args) {
  const Words words = Sort(args);
  DIST_ASSIGN_OR_RETURN(const Request request, ReadRequest(words.options));
  if (request.options.help) return HelpText();
  if (request.options.version) return VersionText();
  const std::string path = HistoryPath(request.rootdir);
  if (path.empty()) {
    return absl::FailedPreconditionError(
        "there is no place for a history\nhelp: set HOME or XDG_CACHE_HOME");
  }
  if (words.what == "import" && !words.files.empty()) {
    return Import(words.files, request, path);
  }
  if (words.what == "import") {
    return absl::InvalidArgumentError(
        "history import: which file?\nhelp: name JUnit XML files, report logs "
        "or pytest-split's .test_durations");
  }
  if (!words.files.empty() || (!words.what.empty() && words.what != "clear")) {
    const std::string odd =
        words.files.empty() ? words.what : words.files.front();
    return absl::InvalidArgumentError(
        absl::StrCat("history: unknown word '", Printable(odd), "'\nhelp: ",
                     DidYouMean(odd, {"clear", "import"},
                                "dist history [clear | import FILE...]")));
  }
  if (words.what == "clear") {
    DIST_RETURN_IF_ERROR(ClearHistory(path));
    return absl::StrCat("cleared the history of ", Printable(request.rootdir),
                        "\n");
  }
  return Show(request, path);
}

}  // namespace dist
