// The program that is copied to hosts where `dist serve` shall run: that and
// its nodes, nothing else. The file on the user's machine is main.cc.
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cli/node_verb.h"
#include "cli/serve_verb.h"
#include "cli/served_verb.h"

int main(int argc, char** argv) {
  // The kernel knows us as the loader that started us.
  prctl(PR_SET_NAME, "dist");
  int status = dist::NodeVerb({argv + 1, argv + argc});
  if (status == dist::kNotTheNodeVerb) {
    status = dist::ServedVerb({argv + 1, argv + argc});
  }
  if (status == dist::kNotTheNodeVerb && argc > 1 &&
      strcmp(argv[1], "serve") == 0) {
    status = dist::ServeVerb({argv + 2, argv + argc});
  } else if (status == dist::kNotTheNodeVerb) {
    fprintf(stderr, "dist: this is the part that serves\nhelp: dist serve\n");
    _exit(4);
  }
  fflush(nullptr);
  _exit(status);
}
