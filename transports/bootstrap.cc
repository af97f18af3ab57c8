#include "transports/bootstrap.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "transports/bootstrap_reply.h"
#include "transports/bootstrap_script.h"
#include "transports/install_turn.h"
#include "transports/kept_children.h"

namespace dist {
namespace {

using Kind = BootstrapReply::Kind;

// Without a byte either way, once the script has spoken.
constexpr absl::Duration kSilence = absl::Seconds(30);
// For the word of how a stream ended, and for its process to end.
constexpr absl::Duration kLastWords = absl::Milliseconds(500);
// Two for each folder that the script tries.
constexpr int kMaxNeeds = 8;
constexpr size_t kMaxNotes = 8;
constexpr size_t kMaxWords = 400;

// The last lines of what a host wrote, as one.
std::string OneLine(absl::string_view text) {
  std::vector<std::string> lines;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (!line.empty()) lines.push_back(Printable(line));
  }
  if (lines.size() > 3) lines.erase(lines.begin(), lines.end() - 3);
  std::string joined = absl::StrJoin(lines, "; ");
  if (joined.size() > kMaxWords) {
    joined = absl::StrCat("...", joined.substr(joined.size() - kMaxWords));
  }
  return joined;
}

std::string Join(const std::string& a, const std::string& b) {
  return a.empty() || b.empty() ? a + b : absl::StrCat(a, ": ", b);
}

class Talk {
 public:
  Talk(const Stream& stream, const Patience& patience)
      : stream_(stream), patience_(patience), limit_(patience.deadline) {}

  void Say(std::string bytes) {
    Say(std::make_shared<const std::string>(std::move(bytes)));
  }
  void Say(std::shared_ptr<const std::string> bytes) {
    outgoing_.push_back(std::move(bytes));
  }

  // The next reply. Writes meanwhile what is to be said.
  absl::StatusOr<BootstrapReply> Hear() {
    while (true) {
      DIST_RETURN_IF_ERROR(Wait());
      DIST_RETURN_IF_ERROR(Write());
      absl::StatusOr<std::optional<BootstrapReply>> reply = Read();
      if (!reply.ok()) return reply.status();
      if (!*reply) continue;
      greeted_ = true;
      return **std::move(reply);
    }
  }

  // Until all of it is on its way.
  absl::Status Finish() {
    while (!outgoing_.empty()) {
      DIST_RETURN_IF_ERROR(Wait());
      DIST_RETURN_IF_ERROR(Write());
    }
    return absl::OkStatus();
  }

  // The host has waited for us.
  void Restart() { limit_ = absl::Now() + kSilence; }

 private:
  absl::Status Wait() {
    const short events =
        static_cast<short>(outgoing_.empty() ? POLLIN : POLLIN | POLLOUT);
    pollfd fds[] = {{stream_.fd, events, 0}, {patience_.cancel_fd, POLLIN, 0}};
    const absl::Duration left =
        std::max(limit_ - absl::Now(), absl::ZeroDuration());
    const int millis = static_cast<int>(
        std::min<int64_t>(absl::ToInt64Milliseconds(left) + 1, 60 * 1000));
    const int ready = poll(fds, 2, millis);
    if (fds[1].revents != 0) return absl::CancelledError("given up");
    if (ready > 0 || absl::Now() < limit_) return absl::OkStatus();
    return TooLate();
  }

  absl::Status Write() {
    if (outgoing_.empty()) return absl::OkStatus();
    const auto left = absl::string_view(*outgoing_.front()).substr(sent_);
    const ssize_t n =
        send(stream_.fd, left.data(), left.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return absl::OkStatus();
    if (n < 0) {
      // What it said before it left is still to be read.
      outgoing_.clear();
      return absl::OkStatus();
    }
    Progress();
    sent_ += n;
    if (sent_ == outgoing_.front()->size()) {
      outgoing_.pop_front();
      sent_ = 0;
    }
    return absl::OkStatus();
  }

  // Leaves in the socket what comes after a reply: the link takes it.
  absl::StatusOr<std::optional<BootstrapReply>> Read() {
    char buffer[16 << 10];
    const ssize_t n =
        recv(stream_.fd, buffer, sizeof(buffer), MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return {std::nullopt};
    if (n <= 0) return Ended();
    absl::StatusOr<BootstrapReader::Taken> taken =
        reader_.Take(absl::string_view(buffer, n));
    if (!taken.ok()) {
      return absl::FailedPreconditionError(
          absl::StrCat("no answer of a POSIX shell: ", taken.status().message(),
                       ": ", OneLine(reader_.noise()), "\nhelp: ", kQuietHelp));
    }
    while (recv(stream_.fd, buffer, taken->bytes, MSG_DONTWAIT) < 0 &&
           errno == EINTR) {
    }
    Progress();
    return std::move(taken->reply);
  }

  void Progress() {
    if (greeted_) limit_ = std::max(limit_, absl::Now() + kSilence);
  }

  std::string Words() const {
    // The cause may be on either: nologin writes to stdout.
    const std::string words = OneLine(stream_.witness->words());
    const std::string noise = OneLine(reader_.noise());
    return absl::StrCat(words, words.empty() || noise.empty() ? "" : "; ",
                        noise);
  }

  absl::Status Ended() const {
    const std::string end = stream_.witness->WaitForEnd(kLastWords);
    const std::string how = Join(end, Words());
    if (greeted_) {
      return absl::UnavailableError(
          absl::StrCat("the script that starts the node ended early",
                       how.empty() ? "" : ": ", how,
                       "\nhelp: try again; was the connection cut?"));
    }
    const bool no_shell = end == "exit status 127" || end == "exit status 126";
    return absl::UnavailableError(absl::StrCat(
        "no POSIX shell answered", how.empty() ? "" : ": ", how, "\nhelp: ",
        no_shell ? "the command must reach a POSIX shell, such as sh"
                 : kQuietHelp));
  }

  absl::Status TooLate() const {
    const std::string words = Words();
    if (greeted_) {
      return absl::DeadlineExceededError(absl::StrCat(
          "nothing came for ", absl::FormatDuration(kSilence),
          " while the node was being started", words.empty() ? "" : ": ", words,
          "\nhelp: is the connection still up?"));
    }
    return absl::DeadlineExceededError(
        absl::StrCat("no POSIX shell answered in time",
                     words.empty() ? "" : ": ", words, "\nhelp: ", kQuietHelp));
  }

  static constexpr char kQuietHelp[] =
      "a command given there without a terminal must run: the start files of "
      "its shell may print, but not end it, wait or start another program";

  const Stream& stream_;
  const Patience& patience_;
  BootstrapReader reader_;
  std::deque<std::shared_ptr<const std::string>> outgoing_;  // None is empty.
  size_t sent_ = 0;                                          // Of the first.
  bool greeted_ = false;
  absl::Time limit_;
};

absl::Status NoPlatform(const std::string& system, const Bundles& bundles) {
  std::vector<std::string> names;
  for (const Bundle& bundle : bundles.all()) names.push_back(bundle.platform);
  return absl::FailedPreconditionError(absl::StrCat(
      "there is no node program for '", Printable(system), "', only for ",
      names.empty() ? "nothing" : absl::StrJoin(names, ", "),
      "\nhelp: put a bundle for it into ", bundles.folder(),
      " (tools/make_bundle.py makes them)"));
}

absl::Status NoFolder(const std::vector<std::string>& notes) {
  return absl::FailedPreconditionError(absl::StrCat(
      "no folder there can hold the node program: ", absl::StrJoin(notes, "; "),
      "\nhelp: make one of them writable, executable and private, or set "
      "XDG_CACHE_HOME there"));
}

class Bootstrapper {
 public:
  Bootstrapper(const Stream& stream, const Bundles& bundles,
               const Patience& patience, Start start)
      : talk_(stream, patience),
        patience_(patience),
        bundles_(bundles),
        start_(start) {}

  absl::Status Run() {
    if (start_ == Start::kAtOnce) talk_.Say(BootstrapTable(bundles_));
    while (true) {
      DIST_ASSIGN_OR_RETURN(const BootstrapReply reply, talk_.Hear());
      if (reply.kind == Kind::kRun) {
        if (turn_) turn_->Fulfill();
        return absl::OkStatus();
      }
      DIST_RETURN_IF_ERROR(On(reply));
    }
  }

 private:
  absl::Status On(const BootstrapReply& reply) {
    switch (reply.kind) {
      case Kind::kHello:
        if (system_.empty() && start_ == Start::kWhenGreeted) {
          talk_.Say(BootstrapTable(bundles_));
        }
        system_ = reply.text;
        return absl::OkStatus();
      case Kind::kNeed:
        return OnNeed(reply);
      case Kind::kNo:
        turn_.reset();
        if (notes_.size() < kMaxNotes) notes_.push_back(OneLine(reply.text));
        return absl::OkStatus();
      case Kind::kPlatform:
        return NoPlatform(system_, bundles_);
      case Kind::kNone:
        return NoFolder(notes_);
      case Kind::kRelay:
      case Kind::kRun:
        break;
    }
    return absl::OkStatus();
  }

  absl::Status OnNeed(const BootstrapReply& reply) {
    const Bundle* const bundle = bundles_.Find(system_);
    if (bundle == nullptr || ++needs_ > kMaxNeeds) {
      return absl::FailedPreconditionError(
          "it asks for what it was not offered\nhelp: is it a host that "
          "answers so?");
    }
    turn_.reset();
    if (!reply.machine.empty()) {
      turn_.emplace(
          absl::StrCat(reply.machine, " ", bundle->head.hash, " ", reply.text));
      DIST_ASSIGN_OR_RETURN(const bool ours, turn_->Await(kSilence, patience_));
      talk_.Restart();
      if (!ours) {
        // What it finds may be another folder of that name, in a container:
        // then it asks once more, as nobody's machine.
        turn_.reset();
        talk_.Say("look\n");
        return absl::OkStatus();
      }
    }
    DIST_ASSIGN_OR_RETURN(
        auto payload, ReadPayload(*bundle, reply.packed ? Encoding::kGzip
                                                        : Encoding::kPlain));
    talk_.Say("take\n");
    talk_.Say(std::move(payload));
    return absl::OkStatus();
  }

  Talk talk_;
  const Patience& patience_;
  const Bundles& bundles_;
  const Start start_;
  std::string system_;
  std::vector<std::string> notes_;
  int needs_ = 0;
  std::optional<InstallTurn> turn_;  // While it is being sent the program.
};

}  // namespace

std::string LastWords(const StreamWitness& witness) {
  return OneLine(witness.words());
}

void Abandon(Stream stream) {
  if (stream.fd >= 0) close(stream.fd);
  if (stream.child > 0) BuryChild(stream.child, kLastWords);
}

absl::StatusOr<Connection> Bootstrap(Stream stream, const Bundles& bundles,
                                     const Patience& patience, Start start) {
  absl::Status status = bundles.all().empty() ? NoPlatform("any host", bundles)
                                              : absl::OkStatus();
  if (status.ok()) {
    status = Bootstrapper(stream, bundles, patience, start).Run();
  }
  if (!status.ok()) {
    Abandon(std::move(stream));
    return status;
  }
  return Connection{stream.fd, stream.child, std::move(stream.witness)};
}

absl::Status Relay(Stream* stream, const std::string& command,
                   const Patience& patience) {
  Talk talk(*stream, patience);
  while (true) {
    DIST_ASSIGN_OR_RETURN(const BootstrapReply reply, talk.Hear());
    if (reply.kind == Kind::kRelay) break;
  }
  talk.Say(absl::StrCat(command, "\n"));
  return talk.Finish();
}

}  // namespace dist
