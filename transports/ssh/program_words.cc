#include "transports/ssh/program_words.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "transports/ssh/words.h"

namespace dist {
namespace {

using Code = absl::StatusCode;

std::vector<absl::string_view> Lines(absl::string_view words) {
  std::vector<absl::string_view> lines;
  for (absl::string_view line : absl::StrSplit(words, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

// The last line that holds `part`, from there on; empty if none does.
absl::string_view From(absl::string_view part,
                       const std::vector<absl::string_view>& lines) {
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    const size_t at = line->find(part);
    if (at != line->npos) return line->substr(at);
  }
  return "";
}

// What is between the first `before` and the next `after` that follows it.
absl::string_view Between(absl::string_view text, absl::string_view before,
                          absl::string_view after) {
  const size_t at = text.find(before);
  if (at == text.npos) return "";
  text.remove_prefix(at + before.size());
  return text.substr(0, text.find(after));
}

absl::Status Unknown(const SshAddress& address,
                     const std::vector<absl::string_view>& lines,
                     absl::string_view shown) {
  const absl::string_view whose =
      Between(From("host key is known for ", lines), "known for ", " and you");
  return Failure(
      Code::kPermissionDenied,
      absl::StrCat("the host key of ",
                   ForeignWords(whose.empty() ? address.host : whose),
                   " is not known",
                   shown.empty() ? "" : absl::StrCat(" (", shown, ")")),
      absl::StrCat("this shows it, and asks whether to accept it: ",
                   SshCommandFor(address, "-o StrictHostKeyChecking=ask"),
                   " true"));
}

// The warnings are some lines long; these say what is in them.
absl::Status Changed(const SshAddress& address,
                     const std::vector<absl::string_view>& lines) {
  const absl::string_view whose =
      Between(From("Host key for ", lines), "Host key for ", " has changed");
  const absl::string_view where =
      Between(From("Offending ", lines), "in ", "\n");
  // The command that ssh prints is not taken over as it is: a server that we
  // know can write such lines, too.
  const absl::string_view file = where.substr(0, where.rfind(':'));
  const absl::string_view shown = From("SHA256:", lines);
  std::string cause = absl::StrCat(
      "THE HOST KEY OF ", ForeignWords(whose.empty() ? address.host : whose),
      " HAS CHANGED: somebody may be listening in, or the host "
      "was installed anew");
  if (!shown.empty()) {
    absl::StrAppend(&cause, "; it shows ",
                    ForeignWords(absl::StripSuffix(shown, ".")));
  }
  if (!where.empty()) {
    absl::StrAppend(&cause, ", ", ForeignWords(where), " has another one");
  }
  return Failure(
      Code::kPermissionDenied, cause,
      absl::StrCat("ask who runs the host",
                   whose.empty() || file.empty()
                       ? ""
                       : absl::StrCat(". Only if it was installed anew: "
                                      "ssh-keygen -f ",
                                      ShellWord(ForeignWords(file)), " -R ",
                                      ShellWord(ForeignWords(whose)))));
}

// What is left of a dialogue, without ssh's warnings about files.
std::string LastWords(const std::vector<absl::string_view>& lines) {
  const size_t first = lines.size() > 3 ? lines.size() - 3 : 0;
  std::string words;
  for (size_t i = first; i < lines.size(); ++i) {
    absl::StrAppend(&words, i == first ? "" : "; ", lines[i]);
  }
  return ForeignWords(words);
}

}  // namespace

bool MissesHostKey(absl::string_view words) {
  return absl::StrContains(words, " host key is known for ");
}

std::string ShownHostKey(absl::string_view verbose) {
  absl::string_view key = From("Server host key: ", Lines(verbose));
  absl::ConsumePrefix(&key, "Server host key: ");
  return ForeignWords(key);
}

absl::Status ProgramFailure(const SshAddress& address, absl::string_view words,
                            absl::string_view shown) {
  const std::vector<absl::string_view> lines = Lines(words);
  const auto says = [&](absl::string_view part) {
    return !From(part, lines).empty();
  };
  const std::string last = LastWords(lines);
  if (says("REVOKED HOST KEY") || says(" was revoked and you")) {
    const absl::string_view whose =
        Between(From("host key for ", lines), "host key for ", " ");
    return Failure(
        Code::kPermissionDenied,
        absl::StrCat("THE HOST KEY OF ",
                     ForeignWords(whose.empty() ? address.host : whose),
                     " IS REVOKED"),
        "do not connect; ask who runs the host");
  }
  if (says(" HOST IDENTIFICATION HAS CHANGED") ||
      says(" has changed and you")) {
    return Changed(address, lines);
  }
  if (MissesHostKey(words)) return Unknown(address, lines, shown);
  if (says("Permission denied (") || says("Too many authentication failures")) {
    return Failure(Code::kUnauthenticated, absl::StrCat("no login: ", last),
                   absl::StrCat("a key with a passphrase has to be in the "
                                "agent; which keys are tried is shown by ",
                                SshCommandFor(address, "-v"), " true"));
  }
  constexpr absl::string_view kNoAddress = "Could not resolve hostname ";
  absl::string_view host = From(kNoAddress, lines);
  if (absl::ConsumePrefix(&host, kNoAddress)) {
    return Failure(
        Code::kNotFound, absl::StrCat("unknown host ", ForeignWords(host)),
        "check the spelling, or give it a HostName in ~/.ssh/config");
  }
  if (says("Connection refused")) {
    return Failure(Code::kUnavailable, last,
                   "is sshd running there, and is that its port?");
  }
  if (says(" timed out")) {
    return Failure(Code::kDeadlineExceeded, last,
                   "is the host up, and does a firewall let ssh through?");
  }
  return Failure(
      Code::kUnavailable,
      absl::StrCat("no ssh connection", last.empty() ? "" : ": ", last),
      absl::StrCat("try ", SshCommandFor(address), " true"));
}

}  // namespace dist
