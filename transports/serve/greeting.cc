#include "transports/serve/greeting.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/text.h"

namespace dist {
namespace {

using Kind = ServeReply::Kind;

constexpr absl::string_view kMark = "dist-serve-1 ";
constexpr size_t kMaxVersion = 64;
constexpr size_t kMaxText = kMaxGreeting - 50;

struct Word {
  Kind kind;
  absl::string_view text;
};
constexpr Word kWords[] = {{Kind::kWelcome, "welcome"},
                           {Kind::kOtherVersion, "version "},
                           {Kind::kBusy, "busy "},
                           {Kind::kTrouble, "trouble "}};

bool IsVersion(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxVersion &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '+' || c == '-';
         });
}

}  // namespace

std::string ServeRequest(absl::string_view version) {
  return absl::StrCat(kMark, version, "\n");
}

absl::StatusOr<std::string> ParseServeRequest(absl::string_view line) {
  if (line.size() > kMaxGreeting || !absl::ConsumePrefix(&line, kMark) ||
      !IsVersion(line)) {
    return absl::InvalidArgumentError("its first line is no request");
  }
  return std::string(line);
}

std::string Format(const ServeReply& reply) {
  for (const Word& word : kWords) {
    if (word.kind != reply.kind) continue;
    const std::string text = Printable(reply.text);
    return absl::StrCat(
        kMark, word.text,
        reply.kind == Kind::kWelcome ? "" : text.substr(0, kMaxText), "\n");
  }
  return "\n";
}

absl::StatusOr<ServeReply> ParseServeReply(absl::string_view line) {
  if (line.size() <= kMaxGreeting && absl::ConsumePrefix(&line, kMark)) {
    for (const Word& word : kWords) {
      absl::string_view rest = line;
      if (!absl::ConsumePrefix(&rest, word.text)) continue;
      if (word.kind == Kind::kWelcome && !rest.empty()) break;
      return ServeReply{word.kind, Printable(rest)};
    }
  }
  return absl::InvalidArgumentError("its first line is no answer");
}

}  // namespace dist
