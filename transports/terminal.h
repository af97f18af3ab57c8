// Who may use the terminal, and how long the user is thought to think.
#ifndef DIST_TRANSPORTS_TERMINAL_H_
#define DIST_TRANSPORTS_TERMINAL_H_

#include <mutex>

#include "absl/time/time.h"

namespace dist {

// Held by whoever writes to a terminal, for one write, and by a question from
// before it is asked until it is answered: a status line that is redrawn must
// not wipe it out.
std::timed_mutex& TerminalTurn();

// A question is on the terminal as long as this lives. REQUIRES: the turn.
class OpenQuestion {
 public:
  OpenQuestion();
  ~OpenQuestion();
  OpenQuestion(const OpenQuestion&) = delete;
  OpenQuestion& operator=(const OpenQuestion&) = delete;
};

// For how long questions of this process have been on the terminal, up to now.
absl::Duration TimeOfQuestions();

}  // namespace dist

#endif  // DIST_TRANSPORTS_TERMINAL_H_
