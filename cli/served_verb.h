// The hidden verb `node --served`. Apart from `node`, since the program that
// travels to hosts by itself needs no TLS.
#ifndef DIST_CLI_SERVED_VERB_H_
#define DIST_CLI_SERVED_VERB_H_

#include <string>
#include <vector>

namespace dist {

// Serves the coordinator that `dist serve` has let in. As NodeVerb; also
// kNotTheNodeVerb.
int ServedVerb(const std::vector<std::string>& args);

}  // namespace dist

#endif  // DIST_CLI_SERVED_VERB_H_
