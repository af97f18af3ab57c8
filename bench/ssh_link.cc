// Throughput of one stream over ssh: libssh as dist uses it, and OpenSSH's
// program, in turn.
//
//   ssh_link [-F CONFIG] [-m MIB] [-n ROUNDS] HOST
//
// The host must let us in without a question. Connecting is not counted: the
// clock starts when the command there is up. Prints the median of the rounds,
// and the ratio of libssh to the program.
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "transports/ssh/ssh.h"

namespace dist {
namespace {

struct Line {
  std::vector<double> connect_ms, up, down;  // up, down in MB/s.
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

[[noreturn]] void Die(const std::string& why) {
  fprintf(stderr, "ssh_link: %s\n", why.c_str());
  exit(1);
}

// A command's stdio as links have it: with libssh, its session itself.
class Link {
 public:
  explicit Link(const Stream& stream)
      : socket_(stream.fd), child_(stream.child) {
    char first;
    if (read(stream.fd, &first, 1) != 1) Die("the stream ended early");
    if (stream.carry == nullptr) return;
    auto carried = stream.carry(stream.fd, Patience());
    if (!carried.ok()) Die(std::string(carried.status().message()));
    socket_ = *std::move(carried);
  }
  ~Link() {
    if (socket_.secured != nullptr) socket_.secured->Finish();
    close(socket_.fd);
    if (child_ > 0) waitpid(child_, nullptr, 0);
  }
  Link(const Link&) = delete;

  void Receive(size_t size) {
    // As much as CAF reads at once.
    static std::vector<char> buffer(32 << 10);
    while (size > 0) {
      const size_t most = std::min(size, buffer.size());
      size -= socket_.secured == nullptr
                  ? Moved(read(socket_.fd, buffer.data(), most))
                  : Carried(socket_.secured->Read(buffer.data(), most));
    }
  }

  void Send(size_t size) {
    static const std::vector<char> buffer(256 << 10);
    while (size > 0) {
      const size_t most = std::min(size, buffer.size());
      size -= socket_.secured == nullptr
                  ? Moved(send(socket_.fd, buffer.data(), most, MSG_NOSIGNAL))
                  : Carried(socket_.secured->Write(buffer.data(), most));
    }
  }

 private:
  static size_t Moved(ssize_t n) {
    if (n <= 0) Die("the stream ended early");
    return n;
  }

  size_t Carried(const absl::StatusOr<size_t>& moved) {
    if (!moved.ok()) Die(std::string(moved.status().message()));
    SecuredLink& link = *socket_.secured;
    if (*moved > 0 || link.pending() > 0) return *moved;
    pollfd wait = {socket_.fd, POLLIN, 0};
    if (link.unsent()) wait.events |= POLLOUT;
    poll(&wait, 1, -1);
    // What has come may be what a Write waits for.
    if (link.blocked() && (wait.revents & POLLIN) != 0) {
      char none;
      if (link.Read(&none, 1).value_or(1) != 0) Die("it talks out of turn");
    }
    return 0;
  }

  LinkSocket socket_;
  const pid_t child_;
};

void Measure(const SshAddress& address, SshChoice choice, size_t bytes,
             Line* line) {
  SshOptions options;
  options.choice = choice;
  const auto open = [&](const std::string& command) {
    const absl::Time start = absl::Now();
    const auto stream = OpenSshStream(address, absl::StrCat("echo; ", command),
                                      Patience(), options);
    if (!stream.ok()) Die(std::string(stream.status().message()));
    auto link = std::make_unique<Link>(*stream);
    line->connect_ms.push_back(absl::ToDoubleMilliseconds(absl::Now() - start));
    return link;
  };
  const auto rate = [&](absl::Time start) {
    return bytes / 1e6 / absl::ToDoubleSeconds(absl::Now() - start);
  };
  auto link = open(absl::StrCat("head -c ", bytes, " > /dev/null; echo"));
  absl::Time start = absl::Now();
  link->Send(bytes);
  link->Receive(1);
  line->up.push_back(rate(start));
  link = open(absl::StrCat("head -c ", bytes, " /dev/zero"));
  start = absl::Now();
  link->Receive(bytes);
  line->down.push_back(rate(start));
}

void Print(const char* name, const Line& line) {
  printf("%-8s connect %6.1f ms   up %7.1f MB/s   down %7.1f MB/s\n", name,
         Median(line.connect_ms), Median(line.up), Median(line.down));
}

int Main(int argc, char** argv) {
  SshAddress address;
  size_t mib = 256;
  int rounds = 5;
  for (int option; (option = getopt(argc, argv, "F:m:n:")) != -1;) {
    if (option == 'F') address.config_file = optarg;
    if (option == 'm') mib = strtoul(optarg, nullptr, 10);
    if (option == 'n') rounds = atoi(optarg);
    if (option == '?') return 4;
  }
  if (optind + 1 != argc) Die("usage: ssh_link [-F CONFIG] [-m MIB] HOST");
  address.host = argv[optind];
  Line warm_up, libssh, program;
  Measure(address, SshChoice::kLibssh, 1 << 20, &warm_up);
  Measure(address, SshChoice::kOpenSsh, 1 << 20, &warm_up);
  for (int i = 0; i < rounds; ++i) {
    Measure(address, SshChoice::kLibssh, mib << 20, &libssh);
    Measure(address, SshChoice::kOpenSsh, mib << 20, &program);
  }
  Print("libssh", libssh);
  Print("ssh", program);
  printf("ratio    connect %6.2f      up %7.2f        down %7.2f\n",
         Median(libssh.connect_ms) / Median(program.connect_ms),
         Median(libssh.up) / Median(program.up),
         Median(libssh.down) / Median(program.down));
  return 0;
}

}  // namespace
}  // namespace dist

int main(int argc, char** argv) { return dist::Main(argc, argv); }
