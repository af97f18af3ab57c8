// What is fetched from hosts when their tests are over.
#ifndef DIST_ACTORS_FETCH_PLAN_H_
#define DIST_ACTORS_FETCH_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

namespace dist {

struct FetchPlan {
  // Absolute: "PROJECT/dist-artifacts". "": nothing is fetched.
  std::string folder;
  std::vector<std::string> globs;     // --fetch: of files in synced trees.
  std::vector<std::string> hosts;     // By HostId: a file name for each.
  std::string cwd;                    // The user's, absolute.
  std::string cwd_in_tree;            // The same, relative; may be "".
  std::string project;                // As in OfferTree.
  uint64_t max_bytes = 256ull << 20;  // From one folder of one host.
  uint32_t max_files = 10'000;
};

}  // namespace dist

#endif  // DIST_ACTORS_FETCH_PLAN_H_
