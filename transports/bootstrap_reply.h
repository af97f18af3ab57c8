// What a host says until its node runs.
//
// The host is foreign: greetings of login shells come first, anything may.
#ifndef DIST_TRANSPORTS_BOOTSTRAP_REPLY_H_
#define DIST_TRANSPORTS_BOOTSTRAP_REPLY_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dist {

struct BootstrapReply {
  enum class Kind {
    kHello,     // The script runs; `text`: what `uname -sm` says.
    kRelay,     // The relay runs and waits for a command.
    kNeed,      // It wants the program: `packed` or not; `text`: for where;
                // `machine`: names machine and folder, "" if it cannot.
    kNo,        // A folder cannot be used; `text`: which, and why.
    kRun,       // The node starts; `text`: where it is. The link follows.
    kPlatform,  // No program of the table is for it.
    kNone,      // No folder can be used. It has given up.
  };
  Kind kind = Kind::kHello;
  bool packed = false;
  std::string machine;
  std::string text;
};

// Reads replies out of a byte stream.
class BootstrapReader {
 public:
  // What is no reply, before, between and after them, may be that long.
  static constexpr size_t kMaxNoise = 64 << 10;
  static constexpr size_t kMaxReply = 8 << 10;

  // Takes bytes up to the end of the first reply and says how many of `bytes`
  // those were; the others belong to what comes after it. An error means that
  // nothing sensible will come.
  struct Taken {
    size_t bytes = 0;
    std::optional<BootstrapReply> reply;
  };
  absl::StatusOr<Taken> Take(absl::string_view bytes);

  // The end of what was no reply, for an error message.
  std::string noise() const { return noise_ + line_; }

 private:
  absl::Status AddNoise();

  std::string line_;  // As far as it has come.
  std::string noise_;
  size_t noise_size_ = 0;
};

}  // namespace dist

#endif  // DIST_TRANSPORTS_BOOTSTRAP_REPLY_H_
