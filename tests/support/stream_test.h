// Talking over a Stream in tests.
#ifndef DIST_TESTS_SUPPORT_STREAM_TEST_H_
#define DIST_TESTS_SUPPORT_STREAM_TEST_H_

#include <errno.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "transports/stream.h"

namespace dist {

// Owns a stream; reaps its child.
class StreamClient {
 public:
  explicit StreamClient(Stream stream) : stream_(std::move(stream)) {}
  ~StreamClient() { Close(); }
  StreamClient(const StreamClient&) = delete;
  StreamClient& operator=(const StreamClient&) = delete;

  int fd() const { return stream_.fd; }
  pid_t child() const { return stream_.child; }
  std::string words() const { return stream_.witness->words(); }
  std::string end() const { return stream_.witness->end(); }

  bool Send(absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n =
          send(stream_.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(n);
    }
    return true;
  }
  void FinishSending() { shutdown(stream_.fd, SHUT_WR); }

  // What comes until the end, or until there is nothing for 20 s.
  std::string ReadAll() {
    return Read([](const std::string&) { return false; });
  }
  std::string ReadBytes(size_t size) {
    return Read([size](const std::string& got) { return got.size() >= size; });
  }
  std::string ReadLine() {
    return Read([](const std::string& got) { return got.back() == '\n'; }, 1);
  }

  void Close() {
    if (stream_.fd >= 0) close(std::exchange(stream_.fd, -1));
    if (stream_.child > 0) {
      waitpid(std::exchange(stream_.child, -1), nullptr, 0);
    }
  }

 private:
  template <class Enough>
  std::string Read(Enough enough, size_t piece = 64 << 10) {
    std::string got;
    std::string buffer(piece, '\0');
    while (got.empty() || !enough(got)) {
      pollfd wait = {stream_.fd, POLLIN, 0};
      if (poll(&wait, 1, 20000) <= 0) {
        ADD_FAILURE() << "nothing came for 20 s, after " << got.size()
                      << " bytes";
        break;
      }
      const ssize_t n = read(stream_.fd, &buffer[0], piece);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      got.append(buffer, 0, n);
    }
    return got;
  }

  Stream stream_;
};

}  // namespace dist

#endif  // DIST_TESTS_SUPPORT_STREAM_TEST_H_
