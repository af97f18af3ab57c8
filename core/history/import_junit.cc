#include "core/history/import_junit.h"

#include <cmath>
#include <pugixml.hpp>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace dist {
namespace {

constexpr double kMostSeconds = 1e7;

// How many words of a class name are the file, by the words.
class FileFinder {
 public:
  explicit FileFinder(const std::function<bool(const std::string&)>& is_file)
      : is_file_(is_file) {}

  // "pkg/test_x.py::TestC" for "pkg.test_x.TestC"; "" if there is no file.
  const std::string& Find(const std::string& classname) {
    const auto [found, is_new] = known_.try_emplace(classname);
    if (is_new) found->second = Look(classname);
    return found->second;
  }

 private:
  std::string Look(const std::string& classname) const {
    const std::vector<std::string> words = absl::StrSplit(classname, '.');
    for (size_t n = words.size(); n > 0; --n) {
      const auto end = words.begin() + static_cast<ptrdiff_t>(n);
      const std::string file =
          absl::StrCat(absl::StrJoin(words.begin(), end, "/"), ".py");
      if (!is_file_(file)) continue;
      return n == words.size()
                 ? file
                 : absl::StrCat(file,
                                "::", absl::StrJoin(end, words.end(), "::"));
    }
    return "";
  }

  const std::function<bool(const std::string&)>& is_file_;
  absl::flat_hash_map<std::string, std::string> known_;
};

// With `file` the rest of the class name is what the file does not explain.
std::string FromFile(const std::string& file, const std::string& classname) {
  const std::string module = absl::StrReplaceAll(
      file.substr(0, file.rfind('.')), {{"/", "."}, {"\\", "."}});
  const absl::string_view rest = absl::string_view(classname);
  if (rest.substr(0, module.size() + 1) != absl::StrCat(module, ".")) {
    return file;
  }
  return absl::StrCat(
      file,
      "::", absl::StrReplaceAll(rest.substr(module.size() + 1), {{".", "::"}}));
}

// It did not run to its end, or is about a collector.
bool IsBroken(const pugi::xml_node& test) { return test.child("error"); }

void AddCase(const pugi::xml_node& test, FileFinder* files,
             ImportedDurations* imported) {
  double seconds = 0;
  if (IsBroken(test)) return;
  if (!absl::SimpleAtod(test.attribute("time").value(), &seconds)) return;
  if (!(seconds >= 0 && seconds < kMostSeconds)) return;
  const std::string classname = test.attribute("classname").value();
  const std::string file = test.attribute("file").value();
  const std::string path =
      file.empty() ? files->Find(classname) : FromFile(file, classname);
  if (path.empty()) {
    ++imported->unmatched;
    return;
  }
  imported->tests.emplace_back(
      absl::StrCat(path, "::", test.attribute("name").value()),
      static_cast<uint64_t>(std::llround(seconds * 1e6)));
}

struct CaseWalker : pugi::xml_tree_walker {
  CaseWalker(FileFinder* f, ImportedDurations* i) : files(f), imported(i) {}
  bool for_each(pugi::xml_node& node) override {
    if (absl::string_view(node.name()) == "testcase") {
      AddCase(node, files, imported);
    }
    return true;
  }
  FileFinder* const files;
  ImportedDurations* const imported;
};

}  // namespace

absl::StatusOr<ImportedDurations> ImportJunit(
    absl::string_view text,
    const std::function<bool(const std::string&)>& is_file) {
  pugi::xml_document document;
  const pugi::xml_parse_result parsed =
      document.load_buffer(text.data(), text.size());
  if (!parsed) {
    return absl::InvalidArgumentError(
        absl::StrCat("is no XML: ", parsed.description()));
  }
  ImportedDurations imported;
  imported.format = "JUnit XML";
  FileFinder files(is_file);
  CaseWalker walker(&files, &imported);
  document.traverse(walker);
  return imported;
}

}  // namespace dist
