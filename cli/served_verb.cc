#include "cli/served_verb.h"

#include <stdio.h>

#include <utility>

#include "actors/node.h"
#include "cli/node_verb.h"
#include "transports/serve/node_end.h"

namespace dist {

int ServedVerb(const std::vector<std::string>& args) {
  if (args != std::vector<std::string>{"node", "--served"}) {
    return kNotTheNodeVerb;
  }
  absl::StatusOr<LinkSocket> link = TakeServedLink();
  if (!link.ok()) {
    fprintf(stderr, "dist: %s\n", std::string(link.status().message()).c_str());
    return 3;
  }
  return RunNode(*std::move(link));
}

}  // namespace dist
