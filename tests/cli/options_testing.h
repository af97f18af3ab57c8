// Shortcuts from words to Options.
#ifndef DIST_TESTS_CLI_OPTIONS_TESTING_H_
#define DIST_TESTS_CLI_OPTIONS_TESTING_H_

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "cli/options.h"

namespace dist {

using Strings = std::vector<std::string>;

inline absl::StatusOr<Options> ParseArgs(Strings args) {
  OptionSources sources;
  sources.args = std::move(args);
  return ParseOptions(sources);
}

inline Options Parsed(const OptionSources& sources) {
  const auto options = ParseOptions(sources);
  EXPECT_TRUE(options.ok()) << options.status();
  return options.ok() ? *options : Options();
}

inline Options Parsed(Strings args) {
  OptionSources sources;
  sources.args = std::move(args);
  return Parsed(sources);
}

inline Strings TxOf(const Options& options) {
  Strings texts;
  for (const XSpec& spec : options.tx) texts.push_back(Format(spec));
  return texts;
}

}  // namespace dist

#endif  // DIST_TESTS_CLI_OPTIONS_TESTING_H_
