// The table of trees for tests in other languages.
//
//   make_tree list            the names, one a line
//   make_tree make NAME DIR   makes that tree in DIR
//   make_tree same A B        exit status 1, and what differs, unless B is A;
//                             FIFOs and sockets, which are not synced, and
//                             bytecode do not count
#include <iostream>
#include <string>

#include "absl/strings/match.h"
#include "tests/support/sync_rig.h"
#include "tests/support/sync_trees.h"

namespace dist {
namespace {

bool IsLeftOut(const std::string& name) {
  return name == "fifo" || name == "socket" || name == "__pycache__" ||
         absl::StartsWith(name, ".");
}

int Compare(const std::string& a, const std::string& b) {
  const TreeView in_a = ViewOf(a, IsLeftOut);
  const TreeView in_b = ViewOf(b, IsLeftOut);
  int status = 0;
  for (const auto& [path, what] : in_a) {
    const auto found = in_b.find(path);
    if (found != in_b.end() && found->second == what) continue;
    std::cout << (found == in_b.end() ? "missing: " : "different: ") << path
              << "\n";
    status = 1;
  }
  for (const auto& [path, what] : in_b) {
    if (in_a.count(path) != 0) continue;
    std::cout << "too much: " << path << "\n";
    status = 1;
  }
  return status;
}

int Run(const std::vector<std::string>& words) {
  if (words.size() == 1 && words[0] == "list") {
    for (const TreeCase& tree : TreeCases()) std::cout << tree.name << "\n";
    return 0;
  }
  if (words.size() == 3 && words[0] == "same") {
    return Compare(words[1], words[2]);
  }
  for (const TreeCase& tree : TreeCases()) {
    if (words.size() != 3 || words[0] != "make" || tree.name != words[1]) {
      continue;
    }
    tree.make(words[2]);
    return 0;
  }
  std::cerr << "usage: make_tree list | make NAME DIR | same A B\n";
  return 2;
}

}  // namespace
}  // namespace dist

int main(int argc, char** argv) {
  return dist::Run(std::vector<std::string>(argv + 1, argv + argc));
}
