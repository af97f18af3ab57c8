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
constexpr absl::string_view kOfferMark = "dist-dial-1 ";
constexpr size_t kMaxVersion = 64;
constexpr size_t kMaxHost = 64;
constexpr size_t kMaxText = kMaxGreeting - 50;

struct Word {
  Kind kind;
  absl::string_view text;
};
constexpr Word kWords[] = {
    {Kind::kWelcome, "welcome"}, {Kind::kOtherVersion, "version "},
    {Kind::kBusy, "busy "},      {Kind::kTrouble, "trouble "},
    {Kind::kWait, "wait"},       {Kind::kOtherWay, "other "}};

bool HasText(Kind kind) {
  return kind != Kind::kWelcome && kind != Kind::kWait;
}

bool IsMadeOf(absl::string_view text, size_t limit, absl::string_view marks) {
  return !text.empty() && text.size() <= limit &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                  marks.find(c) != absl::string_view::npos;
         });
}

bool IsVersion(absl::string_view text) {
  return IsMadeOf(text, kMaxVersion, ".+-");
}

bool IsHost(absl::string_view text) { return IsMadeOf(text, kMaxHost, ".-_"); }

std::string HostFrom(absl::string_view name) {
  std::string host(name.substr(0, kMaxHost));
  for (char& c : host) {
    if (!IsHost(absl::string_view(&c, 1))) c = '-';
  }
  return host.empty() ? "host" : host;
}

}  // namespace

std::string Format(const ServeRequest& request) {
  if (request.kind == ServeRequest::Kind::kNode) {
    return absl::StrCat(kMark, request.version, "\n");
  }
  return absl::StrCat(kOfferMark, request.version, " ", HostFrom(request.host),
                      "\n");
}

absl::StatusOr<ServeRequest> ParseServeRequest(absl::string_view line) {
  ServeRequest request;
  const absl::Status no_request =
      absl::InvalidArgumentError("its first line is no request");
  if (line.size() > kMaxGreeting) return no_request;
  if (absl::ConsumePrefix(&line, kOfferMark)) {
    const size_t space = std::min(line.find(' '), line.size());
    request.kind = ServeRequest::Kind::kOffer;
    request.host = std::string(line.substr(std::min(space + 1, line.size())));
    line = line.substr(0, space);
    if (!IsHost(request.host)) return no_request;
  } else if (!absl::ConsumePrefix(&line, kMark)) {
    return no_request;
  }
  if (!IsVersion(line)) return no_request;
  request.version = std::string(line);
  return request;
}

std::string Format(const ServeReply& reply) {
  for (const Word& word : kWords) {
    if (word.kind != reply.kind) continue;
    const std::string text = Printable(reply.text);
    return absl::StrCat(kMark, word.text,
                        HasText(reply.kind) ? text.substr(0, kMaxText) : "",
                        "\n");
  }
  return "\n";
}

absl::StatusOr<ServeReply> ParseServeReply(absl::string_view line) {
  if (line.size() <= kMaxGreeting && absl::ConsumePrefix(&line, kMark)) {
    for (const Word& word : kWords) {
      absl::string_view rest = line;
      if (!absl::ConsumePrefix(&rest, word.text)) continue;
      if (!HasText(word.kind) && !rest.empty()) break;
      return ServeReply{word.kind, Printable(rest)};
    }
  }
  return absl::InvalidArgumentError("its first line is no answer");
}

}  // namespace dist
