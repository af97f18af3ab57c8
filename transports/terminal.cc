#include "transports/terminal.h"

#include "absl/time/clock.h"

namespace dist {
namespace {

std::mutex mutex;
absl::Duration answered;                          // Those that are over.
absl::Time asked_since = absl::InfiniteFuture();  // That one is open.

absl::Duration Open() {
  return asked_since == absl::InfiniteFuture() ? absl::ZeroDuration()
                                               : absl::Now() - asked_since;
}

}  // namespace

std::timed_mutex& TerminalTurn() {
  static auto* turn = new std::timed_mutex;
  return *turn;
}

OpenQuestion::OpenQuestion() {
  const std::lock_guard<std::mutex> lock(mutex);
  asked_since = absl::Now();
}

OpenQuestion::~OpenQuestion() {
  const std::lock_guard<std::mutex> lock(mutex);
  answered += Open();
  asked_since = absl::InfiniteFuture();
}

absl::Duration TimeOfQuestions() {
  const std::lock_guard<std::mutex> lock(mutex);
  return answered + Open();
}

}  // namespace dist
