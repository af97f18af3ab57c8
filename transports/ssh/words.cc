#include "transports/ssh/words.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/base/text.h"

namespace dist {

constexpr size_t kMostForeignWords = 400;

absl::Status Failure(absl::StatusCode code, absl::string_view cause,
                     absl::string_view help) {
  if (help.empty()) return absl::Status(code, cause);
  return absl::Status(code, absl::StrCat(cause, "\nhelp: ", help));
}

std::string ForeignWords(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  std::string words;
  for (const char c : text.substr(0, kMostForeignWords)) {
    if (c == '\r') continue;
    words += c == '\n' ? ' ' : c;
  }
  if (text.size() > kMostForeignWords) words += "...";
  if (!IsUtf8(words)) {
    for (char& c : words) {
      if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    }
  }
  // The C1 controls, which some terminals obey, are two bytes in UTF-8.
  std::string safe;
  for (size_t i = 0; i < words.size(); ++i) {
    const bool c1 = words[i] == '\xc2' && i + 1 < words.size() &&
                    static_cast<unsigned char>(words[i + 1]) < 0xa0;
    safe += c1 ? '?' : words[i];
    if (c1) ++i;
  }
  return Printable(safe);
}

std::string Where(const SshSettings& settings) {
  return settings.port == 22
             ? Printable(settings.host)
             : absl::StrCat(Printable(settings.host), " port ", settings.port);
}

std::string ShellWord(absl::string_view word) {
  const bool plain =
      !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
        return absl::ascii_isalnum(c) ||
               absl::string_view("-_./:@%+=,").find(c) !=
                   absl::string_view::npos;
      });
  if (plain) return std::string(word);
  return absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

std::vector<std::string> SshArguments(const SshAddress& address) {
  std::vector<std::string> arguments;
  const auto add = [&](const char* option, const std::string& value) {
    arguments.push_back(option);
    arguments.push_back(value);
  };
  if (!address.config_file.empty()) add("-F", address.config_file);
  if (!address.user.empty()) add("-l", address.user);
  if (address.port) add("-p", absl::StrCat(*address.port));
  for (const std::string& file : address.identities) add("-i", file);
  for (const std::string& option : address.options) add("-o", option);
  return arguments;
}

std::string SshCommandFor(const SshAddress& address, absl::string_view more) {
  std::string command = more.empty() ? "ssh" : absl::StrCat("ssh ", more);
  SshAddress options = address;
  options.user.clear();
  for (const std::string& word : SshArguments(options)) {
    absl::StrAppend(&command, " ", ShellWord(word));
  }
  if (!address.jump.empty()) {
    absl::StrAppend(&command, " -J ", ShellWord(address.jump));
  }
  absl::StrAppend(&command, " ");
  if (!address.user.empty()) {
    absl::StrAppend(&command, ShellWord(address.user), "@");
  }
  return absl::StrCat(command, ShellWord(address.host));
}

}  // namespace dist
