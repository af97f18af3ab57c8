// Who may use the terminal.
#ifndef DIST_TRANSPORTS_TERMINAL_H_
#define DIST_TRANSPORTS_TERMINAL_H_

#include <mutex>

namespace dist {

// Held by whoever writes to a terminal, for one write, and by a question from
// before it is asked until it is answered: a status line that is redrawn must
// not wipe it out.
std::timed_mutex& TerminalTurn();

}  // namespace dist

#endif  // DIST_TRANSPORTS_TERMINAL_H_
