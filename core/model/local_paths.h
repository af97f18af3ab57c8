// Paths of a synced tree on a host, as paths of this machine.
#ifndef DIST_CORE_MODEL_LOCAL_PATHS_H_
#define DIST_CORE_MODEL_LOCAL_PATHS_H_

#include <string>
#include <utility>
#include <vector>

#include "core/model/node_messages.h"

namespace dist {

// What a user clicks on should be the file that was synced, not its copy. Only
// what says where something is, is changed: tracebacks, places of warnings,
// the root folder. What a test has seen stays: captured output, and lines that
// explain a value ("E   assert '/there/x' == 1").
class LocalPaths {
 public:
  // Absolute folders without "/" at the end.
  void Add(std::string there, std::string here);
  bool empty() const { return folders_.empty(); }

  // Whether Apply() may change such an event; most it does not.
  static bool Concerns(const NodeEvent& event);
  void Apply(NodeEvent* event) const;

  // In a text of any lines, possibly with colours (SGR).
  std::string InText(const std::string& text) const;

 private:
  void Rewrite(std::string* text) const { *text = InText(*text); }
  void Rewrite(PhaseReport* report) const;

  std::vector<std::pair<std::string, std::string>> folders_;  // There, here.
};

// A test framework's arguments for a host where the folder `there` is a copy of
// `here`, both absolute: paths in it are those of the copy. Ids of tests stay,
// and what follows --basetemp, which is the host's.
std::vector<std::string> ArgsThere(std::vector<std::string> args,
                                   const std::string& here,
                                   const std::string& there);

}  // namespace dist

#endif  // DIST_CORE_MODEL_LOCAL_PATHS_H_
