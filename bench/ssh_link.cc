// Throughput of one stream over ssh: libssh as dist uses it, and OpenSSH's
// program, in turn.
//
//   ssh_link [-F CONFIG] [-m MIB] [-n ROUNDS] HOST
//
// The host must let us in without a question. Connecting is not counted: the
// clock starts when the command there is up. Prints the median of the rounds,
// and the ratio of libssh to the program.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
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

// Reads until there are `size` bytes.
void Receive(int fd, size_t size) {
  static std::vector<char> buffer(1 << 20);
  while (size > 0) {
    const ssize_t n = read(fd, buffer.data(), std::min(size, buffer.size()));
    if (n <= 0) Die("the stream ended early");
    size -= n;
  }
}

void Send(int fd, size_t size) {
  static const std::vector<char> buffer(1 << 20);
  while (size > 0) {
    const ssize_t n =
        send(fd, buffer.data(), std::min(size, buffer.size()), MSG_NOSIGNAL);
    if (n <= 0) Die("the stream ended early");
    size -= n;
  }
}

void Measure(const SshAddress& address, SshChoice choice, size_t bytes,
             Line* line) {
  SshOptions options;
  options.choice = choice;
  const auto open = [&](const std::string& command) {
    const absl::Time start = absl::Now();
    const auto stream = OpenSshStream(address, absl::StrCat("echo; ", command),
                                      Patience(), options);
    if (!stream.ok()) Die(std::string(stream.status().message()));
    Receive(stream->fd, 1);
    line->connect_ms.push_back(absl::ToDoubleMilliseconds(absl::Now() - start));
    return *stream;
  };
  const auto finish = [](const Stream& stream) {
    close(stream.fd);
    if (stream.child > 0) waitpid(stream.child, nullptr, 0);
  };
  const auto rate = [&](absl::Time start) {
    return bytes / 1e6 / absl::ToDoubleSeconds(absl::Now() - start);
  };
  const Stream up = open("cat > /dev/null; echo");
  absl::Time start = absl::Now();
  Send(up.fd, bytes);
  shutdown(up.fd, SHUT_WR);
  Receive(up.fd, 1);
  line->up.push_back(rate(start));
  finish(up);
  const Stream down = open(absl::StrCat("head -c ", bytes, " /dev/zero"));
  start = absl::Now();
  Receive(down.fd, bytes);
  line->down.push_back(rate(start));
  finish(down);
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
