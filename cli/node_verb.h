// The hidden verb `node`.
#ifndef DIST_CLI_NODE_VERB_H_
#define DIST_CLI_NODE_VERB_H_

#include <string>
#include <vector>

namespace dist {

inline constexpr int kNotTheNodeVerb = -1;

// `node --stdio`: serves the coordinator behind stdin and stdout. Returns an
// exit status, or kNotTheNodeVerb for other arguments. Call it from main()
// before any thread is made.
int NodeVerb(const std::vector<std::string>& args);

}  // namespace dist

#endif  // DIST_CLI_NODE_VERB_H_
