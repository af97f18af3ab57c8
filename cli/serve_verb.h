// `dist serve`: being a socket host.
#ifndef DIST_CLI_SERVE_VERB_H_
#define DIST_CLI_SERVE_VERB_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/xspec/address.h"

namespace dist {

struct ServeOptions {
  bool help = false;   // Nothing else is valid.
  bool dials = false;  // To `address`, instead of listening there.
  SocketAddress address{"127.0.0.1", 8888};
  std::string key_file;  // Empty: the user's.
  int max_runs = 64;     // At a time.
  bool once = false;
};

// Errors: one line with the cause, then "help: ..."; exit status 4.
absl::StatusOr<ServeOptions> ParseServeOptions(
    const std::vector<std::string>& args);

std::string ServeHelp();

// What is said at the start: where it listens, where the key is, and what to
// type at the other end. `host`: this machine's name.
struct ServeFacts {
  SocketAddress address;
  bool dials = false;
  std::string host;
  std::string version;
  std::string key_file;
  std::string fingerprint;
  bool key_is_new = false;
};
std::string DescribeServe(const ServeFacts& facts);

// The command of a node of this very program: `self` is what /proc/self/exe
// leads to, `words` are those that started it. Where a loader was told to run
// the program (docs/bundle.md), it is told so again.
std::vector<std::string> NodeStartCommand(absl::string_view self,
                                          absl::Span<const std::string> words);

// The verb; `args` without it. Returns an exit status when it has been asked
// to stop, or with `--once` has served a run.
int ServeVerb(const std::vector<std::string>& args);

}  // namespace dist

#endif  // DIST_CLI_SERVE_VERB_H_
