#include "transports/terminal.h"

namespace dist {

std::timed_mutex& TerminalTurn() {
  static auto* turn = new std::timed_mutex;
  return *turn;
}

}  // namespace dist
