#include "transports/bootstrap_reply.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "transports/bootstrap_script.h"

namespace dist {
namespace {

using Kind = BootstrapReply::Kind;

constexpr size_t kKeptNoise = 2 << 10;

std::optional<BootstrapReply> ParseLine(absl::string_view line) {
  // A terminal in between turns every line's end into two characters.
  absl::ConsumeSuffix(&line, "\r");
  if (!absl::ConsumePrefix(&line, kBootstrapMark)) return std::nullopt;
  const size_t space = line.find(' ');
  const absl::string_view word = line.substr(0, space);
  line = space == line.npos ? "" : line.substr(space + 1);
  BootstrapReply reply;
  if (word == "hello") {
    reply.kind = Kind::kHello;
  } else if (word == "relay") {
    reply.kind = Kind::kRelay;
  } else if (word == "need") {
    reply.kind = Kind::kNeed;
    reply.packed = absl::ConsumePrefix(&line, "gzip ");
    if (!reply.packed && !absl::ConsumePrefix(&line, "plain ")) {
      return std::nullopt;
    }
    const size_t end = line.find(' ');
    if (end == line.npos) return std::nullopt;
    reply.machine = std::string(line.substr(0, end));
    if (reply.machine == "-") reply.machine.clear();
    line.remove_prefix(end + 1);
  } else if (word == "no") {
    reply.kind = Kind::kNo;
  } else if (word == "run") {
    reply.kind = Kind::kRun;
  } else if (word == "platform") {
    reply.kind = Kind::kPlatform;
  } else if (word == "none") {
    reply.kind = Kind::kNone;
  } else {
    return std::nullopt;
  }
  reply.text = std::string(line);
  return reply;
}

}  // namespace

absl::Status BootstrapReader::AddNoise() {
  noise_size_ += line_.size();
  noise_ += line_;
  line_.clear();
  if (noise_.size() > kKeptNoise) {
    noise_.erase(0, noise_.size() - kKeptNoise);
  }
  if (noise_size_ <= kMaxNoise) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("more than ",
                                                   kMaxNoise >> 10,
                                                   " KiB came before its "
                                                   "answer"));
}

absl::StatusOr<BootstrapReader::Taken> BootstrapReader::Take(
    absl::string_view bytes) {
  Taken taken;
  while (taken.bytes < bytes.size() && !taken.reply) {
    const char c = bytes[taken.bytes++];
    line_.push_back(c);
    const bool ends = c == '\n';
    if (ends) {
      taken.reply =
          ParseLine(absl::string_view(line_).substr(0, line_.size() - 1));
    }
    if (taken.reply) {
      line_.clear();
    } else if (ends || line_.size() > kMaxReply) {
      const absl::Status status = AddNoise();
      if (!status.ok()) return status;
    }
  }
  return taken;
}

}  // namespace dist
