// What a host's shell runs to become a node, and what it is told.
#ifndef DIST_TRANSPORTS_BOOTSTRAP_SCRIPT_H_
#define DIST_TRANSPORTS_BOOTSTRAP_SCRIPT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "transports/bundle.h"

namespace dist {

// What each of the script's own lines begins with.
inline constexpr absl::string_view kBootstrapMark = "dist-bootstrap-1 ";

// The command line that makes a node of whatever shell runs it (docs/
// bootstrap.md). Fixed when dist was compiled: nothing of a run is in it, and
// no quote, backslash, exclamation mark or newline that shells disagree about,
// so that it is one command for sh, csh and fish alike.
absl::string_view BootstrapCommand();

// A command line that reads another one from its first line of stdin and runs
// that. It says "relay" when it is ready to read. Fixed as well.
absl::string_view RelayCommand();

// The lines that the script reads: what programs there are.
std::string BootstrapTable(const Bundles& bundles);

}  // namespace dist

#endif  // DIST_TRANSPORTS_BOOTSTRAP_SCRIPT_H_
