#include "cli/option_scan.h"

#include <CLI/CLI.hpp>
#include <map>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"

namespace dist {
namespace {

using Takes = OptionRow::Takes;

bool LooksLikeOption(absl::string_view word) {
  return word.size() > 1 && word[0] == '-';
}

// As argparse: "-1" and "-a b" are values, "-a" is none.
bool IsValue(absl::string_view word) {
  return !LooksLikeOption(word) || absl::ascii_isdigit(word[1]) ||
         absl::StrContains(word, " ");
}

// CLI11 splits words; it is given one option at a time, because it forgets
// the order of what it does not know and takes the next option for a value.
class Scanner {
 public:
  Scanner(absl::Span<const std::string> words, const ScanHandler& handler)
      : words_(words), handler_(handler) {
    app_.set_help_flag();
    app_.allow_extras();
    for (const OptionRow& row : OptionTable()) AddRow(row);
  }

  absl::Status Scan() {
    while (at_ < words_.size()) {
      const std::string& word = words_[at_++];
      DIST_RETURN_IF_ERROR(LooksLikeOption(word) ? TakeOption(word)
                                                 : handler_.path(word));
    }
    return absl::OkStatus();
  }

 private:
  void AddRow(const OptionRow& row) {
    CLI::Option* option = nullptr;
    if (row.takes == Takes::kNothing) {
      option = app_.add_flag(row.names)->disable_flag_override();
    } else {
      option = app_.add_option(row.names)->take_all();
      // One value for each use; take_all() would let it take many.
      option->type_size(1)->allow_extra_args(false);
      if (row.takes == Takes::kValue) option->expected(1);
      if (row.takes == Takes::kOptionalValue) option->expected(0, 1);
    }
    rows_[option] = &row;
  }

  absl::Status TakeOption(const std::string& word) {
    try {
      app_.parse(std::vector<std::string>{word});
      return HandleParsed();
    } catch (const CLI::ArgumentMismatch& mismatch) {
      return TakeValue(word, mismatch);
    } catch (const CLI::Error& error) {
      return UsageError(
          absl::StrCat("cannot read '", Printable(word), "': ", error.what()),
          "dist --help lists the options");
    }
  }

  // `word` alone does not do: either it lacks its value, or it has one too
  // many.
  absl::Status TakeValue(const std::string& word,
                         const CLI::ArgumentMismatch& mismatch) {
    const std::string name = word.substr(0, word.find('='));
    const bool is_long = absl::StartsWith(word, "--");
    const bool has_value = is_long && name.size() < word.size();
    const bool empty_value = is_long && name.size() + 1 == word.size();
    if (has_value && !empty_value) {
      return UsageError(absl::StrCat(name, " takes no value"),
                        absl::StrCat("write only ", name));
    }
    std::string value;
    if (!empty_value) {
      if (at_ == words_.size() || !IsValue(words_[at_])) {
        return UsageError(absl::StrCat(name, " needs a value"),
                          "dist --help shows which");
      }
      value = words_[at_++];
    }
    order_seen_ = app_.parse_order().size();  // "-x" of a failed "-xn".
    try {
      // CLI11 wants them from the last to the first.
      app_.parse(std::vector<std::string>{value, empty_value ? name : word});
      return HandleParsed();
    } catch (const CLI::Error& error) {
      return UsageError(
          absl::StrCat("cannot read '", Printable(word), "': ", error.what()),
          "dist --help lists the options");
    }
  }

  // Reports what the last parse found, in order.
  absl::Status HandleParsed() {
    std::map<const CLI::Option*, size_t> used;
    const auto& order = app_.parse_order();
    for (; order_seen_ < order.size(); ++order_seen_) {
      const CLI::Option* option = order[order_seen_];
      const OptionRow& row = *rows_.at(option);
      Use use;
      use.name = row.LongName();
      if (row.takes != Takes::kNothing) {
        const size_t which = used[option]++;
        if (which < option->count()) use.value = option->results()[which];
        // "-n=2": the "=" is none of the value.
        if (row.AllNames()[0].size() == 2 && !use.value.empty() &&
            use.value[0] == '=') {
          use.value.erase(0, 1);
        }
      }
      DIST_RETURN_IF_ERROR(handler_.option(row, use));
    }
    const std::vector<std::string> unknown = app_.remaining();
    if (unknown.empty()) return absl::OkStatus();
    DIST_ASSIGN_OR_RETURN(const size_t taken,
                          handler_.unknown(unknown[0], words_.subspan(at_)));
    at_ += taken;
    return absl::OkStatus();
  }

  const absl::Span<const std::string> words_;
  const ScanHandler& handler_;
  CLI::App app_;
  std::map<const CLI::Option*, const OptionRow*> rows_;
  size_t at_ = 0;
  size_t order_seen_ = 0;  // CLI11 appends; it never clears parse_order().
};

}  // namespace

absl::Status ScanOptions(absl::Span<const std::string> words,
                         const ScanHandler& handler) {
  if (words.empty()) return absl::OkStatus();  // An App takes 1 ms to build.
  return Scanner(words, handler).Scan();
}

}  // namespace dist
