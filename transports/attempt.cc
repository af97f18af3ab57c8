#include "transports/attempt.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "transports/bootstrap.h"

namespace dist {

Attempt::Attempt(Connect connect, absl::Time deadline,
                 std::function<void(const std::string& line)> note,
                 std::function<void()> ended)
    : cancel_(eventfd(0, EFD_CLOEXEC)),
      made_(absl::CancelledError("given up")) {
  thread_ = std::thread([this, connect = std::move(connect), deadline,
                         note = std::move(note), ended = std::move(ended)] {
    made_ = connect(Patience{deadline, cancel_, note});
    ended();
  });
}

Attempt::~Attempt() {
  Cancel();
  const absl::StatusOr<Connection> made = Take();
  if (made.ok()) Abandon({made->fd, made->child, made->witness});
  close(cancel_);
}

void Attempt::Cancel() { eventfd_write(cancel_, 1); }

absl::StatusOr<Connection> Attempt::Take() {
  if (!thread_.joinable()) return absl::CancelledError("taken");
  thread_.join();
  return std::move(made_);
}

std::string Testimony(const StreamWitness& witness) {
  const std::string end = witness.end();
  const std::string words = LastWords(witness);
  return absl::StrCat(end.empty() ? "" : ": ", end, words.empty() ? "" : ": ",
                      words);
}

}  // namespace dist
