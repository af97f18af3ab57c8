// The program that bundles carry to hosts: a node and nothing else.
//
// `dist node --stdio` serves the coordinator behind stdin and stdout. The file
// on the user's machine is main.cc, which is a node as well.
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "cli/node_verb.h"
#include "transports/warden.h"

int main(int argc, char** argv) {
  // Those of the launcher, and what COMMAND of exec= may have left open.
  closefrom(3);
  // The kernel knows us as the descriptor that was executed.
  prctl(PR_SET_NAME, "dist");
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args == std::vector<std::string>{"node", "--stdio"}) dist::StandWarden();
  const int status = dist::NodeVerb(args);
  if (status == dist::kNotTheNodeVerb) {
    fprintf(stderr, "dist: this is the part that runs on hosts\n");
    _exit(4);
  }
  fflush(nullptr);
  _exit(status);
}
