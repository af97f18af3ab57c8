#include "cli/node_verb.h"

#include <stdio.h>

#include <string>
#include <vector>

#include "actors/node.h"
#include "transports/stdio.h"

namespace dist {
namespace {

// How long a coordinator may take to read a node's last words.
constexpr absl::Duration kDrain = absl::Seconds(1);

int ServeStdio() {
  absl::StatusOr<StdioSocket> link = StdioSocket::Take();
  if (!link.ok()) {
    fprintf(stderr, "dist: %s\n", std::string(link.status().message()).c_str());
    return 3;
  }
  const int status = RunNode(link->fd());
  link->Drain(kDrain);
  return status;
}

}  // namespace

int NodeVerb(const std::vector<std::string>& args) {
  if (args.size() != 2 || args[0] != "node") return kNotTheNodeVerb;
  if (args[1] == "--stdio") return ServeStdio();
  return kNotTheNodeVerb;
}

}  // namespace dist
