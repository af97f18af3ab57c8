// The table of trees that every way of syncing must carry over.
#ifndef DIST_TESTS_SUPPORT_SYNC_TREES_H_
#define DIST_TESTS_SUPPORT_SYNC_TREES_H_

#include <functional>
#include <string>
#include <vector>

namespace dist {

struct TreeCase {
  std::string name;  // "Executable"
  // Makes it in an empty folder.
  std::function<void(const std::string& folder)> make;
  int warnings = 0;  // That a snapshot of it has.
};

// Sixty thousand small files, say, are left to benchmarks.
const std::vector<TreeCase>& TreeCases();

}  // namespace dist

#endif  // DIST_TESTS_SUPPORT_SYNC_TREES_H_
