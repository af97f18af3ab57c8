// Round trip and throughput of the links that dist uses, beside what they are
// made of and what others use.
//
//   link_speed [-m MIB] [-n ROUNDS] [-e EXECNET_SCRIPT] [-F CONFIG HOST]
//
// All on loopback (HOST should be), in turn, between two processes; what
// answers is this program or, where only a command can, `cat` and `head`.
// links.py starts it. Prints medians, and ratios to TCP and TLS.
#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/model/version.h"
#include "transports/serve/node_end.h"
#include "transports/serve/server.h"
#include "transports/ssh/ssh.h"
#include "transports/tcp.h"
#include "transports/tls/session.h"
#include "transports/transport.h"
#include "transports/wait.h"

namespace dist {
namespace {

constexpr size_t kMessage = 64;
constexpr int kTrips = 3000;

struct Line {
  std::vector<double> trip_us, down;  // down in MB/s.
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

[[noreturn]] void Die(const std::string& why) {
  fprintf(stderr, "link_speed: %s\n", why.c_str());
  exit(1);
}

// One end of something that carries bytes. Both calls return what was moved.
struct End {
  std::function<size_t(char*, size_t)> read;
  std::function<size_t(const char*, size_t)> write;
};

void ReadAll(const End& end, size_t size) {
  static thread_local std::vector<char> buffer(1 << 17);
  while (size > 0)
    size -= end.read(buffer.data(), std::min(size, buffer.size()));
}

void WriteAll(const End& end, size_t size) {
  static const std::vector<char> buffer(1 << 17);
  while (size > 0)
    size -= end.write(buffer.data(), std::min(size, buffer.size()));
}

End Plain(int fd) {
  return {[fd](char* data, size_t size) -> size_t {
            const ssize_t n = read(fd, data, size);
            if (n <= 0) Die("the stream ended early");
            return n;
          },
          [fd](const char* data, size_t size) -> size_t {
            const ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
            if (n <= 0) Die("the stream ended early");
            return n;
          }};
}

size_t Moved(const TlsSession& tls,
             const absl::StatusOr<TlsSession::Moved>& moved) {
  if (!moved.ok() || moved->ended) Die("the session ended early");
  if (moved->bytes > 0) return moved->bytes;
  const bool writes = moved->want == TlsSession::Want::kWrite;
  pollfd wait = {tls.fd(), static_cast<short>(writes ? POLLOUT : POLLIN), 0};
  poll(&wait, 1, -1);
  return 0;
}

End Secured(TlsSession* tls) {
  return {[tls](char* data, size_t size) {
            return Moved(*tls, tls->Read(data, size));
          },
          [tls](const char* data, size_t size) {
            return Moved(*tls, tls->Write(data, size));
          }};
}

void Shake(TlsSession* tls) {
  while (true) {
    const auto want = tls->Shake();
    if (!want.ok()) Die(std::string(want.status().message()));
    if (*want == TlsSession::Want::kNothing) return;
    pollfd wait = {tls->fd(), POLLIN, 0};
    poll(&wait, 1, -1);
  }
}

// Trips first, then bytes the other way: what both sides of a link do.
void Answer(const End& end, size_t bytes) {
  for (int i = 0; i < kTrips; ++i) {
    ReadAll(end, kMessage);
    WriteAll(end, kMessage);
  }
  ReadAll(end, 1);
  WriteAll(end, bytes);
}

void Trips(const End& end, Line* line) {
  for (int i = 0; i < kTrips; ++i) {
    const absl::Time start = absl::Now();
    WriteAll(end, kMessage);
    ReadAll(end, kMessage);
    line->trip_us.push_back(absl::ToDoubleMicroseconds(absl::Now() - start));
  }
}

void Down(const End& end, size_t bytes, Line* line) {
  const absl::Time start = absl::Now();
  ReadAll(end, bytes);
  line->down.push_back(bytes / 1e6 /
                       absl::ToDoubleSeconds(absl::Now() - start));
}

// Two connected sockets on loopback.
std::pair<OwnedFd, OwnedFd> TcpPair() {
  SocketAddress address{"127.0.0.1", 0};
  auto listening = ListenAt("--bind", &address);
  if (!listening.ok()) Die(std::string(listening.status().message()));
  auto ours = DialTcp({address.host, address.port, 0, ""}, Patience());
  pollfd wait = {listening->get(), POLLIN, 0};
  poll(&wait, 1, -1);
  OwnedFd theirs(accept4(listening->get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!ours.ok() || theirs.get() < 0) Die("no connection");
  TuneTcp(theirs.get());
  return {*std::move(ours), std::move(theirs)};
}

void SetBlocking(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

// Runs `there` in another process, as links have it, and `here` in this one.
void BetweenProcesses(const std::function<void()>& there,
                      const std::function<void()>& here) {
  const pid_t child = fork();
  if (child == 0) {
    there();
    _exit(0);
  }
  here();
  waitpid(child, nullptr, 0);
}

void Ask(const End& end, size_t bytes, Line* line) {
  Trips(end, line);
  WriteAll(end, 1);
  Down(end, bytes, line);
}

void MeasureTcp(size_t bytes, Line* line) {
  auto [ours, theirs] = TcpPair();
  SetBlocking(ours.get());
  const int here = ours.get(), there = theirs.get();
  BetweenProcesses([&] { Answer(Plain(there), bytes); },
                   [&] { Ask(Plain(here), bytes, line); });
}

void MeasureTls(const ServeKey& key, size_t bytes, Line* line) {
  auto [ours, theirs] = TcpPair();
  SetNonBlocking(theirs.get());
  TlsSession server(TlsSession::Side::kServer, std::move(theirs), key);
  TlsSession client(TlsSession::Side::kClient, std::move(ours), key);
  BetweenProcesses(
      [&] {
        Shake(&server);
        Answer(Secured(&server), bytes);
      },
      [&] {
        Shake(&client);
        Ask(Secured(&client), bytes, line);
      });
}

// The end of a connection as a link actor has it.
End Linked(LinkSocket link) {
  if (link.secured == nullptr) return Plain(link.fd);
  const auto moved = [fd = link.fd](const absl::StatusOr<size_t>& bytes,
                                    short event) {
    if (!bytes.ok()) Die("the session ended early");
    pollfd wait = {fd, event, 0};
    if (*bytes == 0) poll(&wait, 1, -1);
    return *bytes;
  };
  return {[=](char* data, size_t size) {
            return moved(link.secured->Read(data, size), POLLIN);
          },
          [=](const char* data, size_t size) {
            return moved(link.secured->Write(data, size), POLLOUT);
          }};
}

// What a node of ours does here: the first bytes say how much will be wanted.
void AnswerAsNode(const End& end) {
  char wanted[8];
  for (size_t n = 0; n < sizeof(wanted);) {
    n += end.read(wanted + n, sizeof(wanted) - n);
  }
  uint64_t bytes = 0;
  memcpy(&bytes, wanted, sizeof(wanted));
  Answer(end, bytes);
}

void MeasureNode(const HostAddress& host, uint64_t bytes, Line* line) {
  const auto made = ConnectByTable(host, Patience());
  if (!made.ok()) Die(std::string(made.status().message()));
  const End end = Linked({made->fd, made->secured});
  end.write(reinterpret_cast<const char*>(&bytes), sizeof(bytes));
  Ask(end, bytes, line);
  close(made->fd);
}

void MeasurePopen(uint64_t bytes, Line* line) {
  HostAddress host;
  host.transport = "popen";
  MeasureNode(host, bytes, line);
}

void MeasureSocket(const ServeKey& key, const std::string& key_file,
                   uint64_t bytes, Line* line) {
  SocketAddress address{"127.0.0.1", 0};
  auto listening = ListenAt("--bind", &address);
  if (!listening.ok()) Die(std::string(listening.status().message()));
  ServeSettings settings;
  settings.version = BuildVersion();
  settings.node = {"/proc/self/exe", "node", "--served"};
  settings.log = [](const std::string&) {};
  Server server(*std::move(listening), key, std::move(settings));
  std::thread serving([&] { server.Run(); });
  HostAddress host;
  host.transport = "socket";
  host.socket = address;
  host.key_file = key_file;
  MeasureNode(host, bytes, line);
  server.RequestStop();
  server.RequestStop();
  serving.join();
}

void MeasureSsh(const SshAddress& address, SshChoice choice, size_t bytes,
                Line* line) {
  SshOptions options;
  options.choice = choice;
  const auto open = [&](const std::string& command) {
    const auto stream = OpenSshStream(address, command, Patience(), options);
    if (!stream.ok()) Die(std::string(stream.status().message()));
    return *stream;
  };
  const auto finish = [](const Stream& stream) {
    close(stream.fd);
    if (stream.child > 0) waitpid(stream.child, nullptr, 0);
  };
  const Stream cat = open("cat");
  Trips(Plain(cat.fd), line);
  finish(cat);
  const Stream head = open(
      absl::StrCat("head -c 1 > /dev/null; head -c ", bytes, " /dev/zero"));
  WriteAll(Plain(head.fd), 1);
  Down(Plain(head.fd), bytes, line);
  finish(head);
}

void MeasureExecnet(const std::string& script, size_t bytes, Line* line) {
  const std::string command =
      absl::StrCat("/usr/bin/python3 '", script, "' ", kTrips, " ", bytes);
  FILE* const said = popen(command.c_str(), "r");
  double trip = 0, down = 0;
  if (said == nullptr || fscanf(said, "%lf %lf", &trip, &down) != 2) {
    Die("execnet cannot be measured");
  }
  pclose(said);
  line->trip_us.push_back(trip);
  line->down.push_back(down);
}

// A way to measure, and what it found.
struct Row {
  const char* name;
  std::function<void(Line*)> measure;
  Line line = {};
};

void Print(const std::vector<Row>& rows) {
  const Line& tcp = rows[0].line;
  const Line& tls = rows[1].line;
  printf("| | round trip us | /TCP | /TLS | down MB/s | /TCP | /TLS |\n");
  printf("|---|---|---|---|---|---|---|\n");
  for (const Row& row : rows) {
    const double trip = Median(row.line.trip_us);
    const double down = Median(row.line.down);
    printf("| %s | %.1f | %.2f | %.2f | %.0f | %.2f | %.2f |\n", row.name, trip,
           trip / Median(tcp.trip_us), trip / Median(tls.trip_us), down,
           down / Median(tcp.down), down / Median(tls.down));
  }
}

int Main(int argc, char** argv) {
  size_t mib = 256;
  int rounds = 5;
  std::string execnet;
  SshAddress ssh;
  for (int option; (option = getopt(argc, argv, "m:n:e:F:")) != -1;) {
    if (option == 'm') mib = strtoul(optarg, nullptr, 10);
    if (option == 'n') rounds = atoi(optarg);
    if (option == 'e') execnet = optarg;
    if (option == 'F') ssh.config_file = optarg;
    if (option == '?') return 4;
  }
  if (optind < argc) ssh.host = argv[optind];
  char folder[] = "/tmp/link_speed_XXXXXX";
  if (mkdtemp(folder) == nullptr) Die("no folder for a key");
  const std::string key_file = absl::StrCat(folder, "/key");
  const auto key = MakeServeKey(key_file);
  if (!key.ok()) Die(std::string(key.status().message()));
  const size_t bytes = mib << 20;
  std::vector<Row> rows = {
      {"TCP", [&](Line* line) { MeasureTcp(bytes, line); }},
      {"TLS", [&](Line* line) { MeasureTls(*key, bytes, line); }},
      {"`popen`", [&](Line* line) { MeasurePopen(bytes, line); }},
      {"`socket=`",
       [&](Line* line) { MeasureSocket(*key, key_file, bytes, line); }}};
  if (!ssh.host.empty()) {
    for (const auto& [name, choice] :
         {std::make_pair("`ssh=`", SshChoice::kLibssh),
          std::make_pair("`ssh host cat`", SshChoice::kOpenSsh)}) {
      rows.push_back({name, [&, choice = choice](Line* line) {
                        MeasureSsh(ssh, choice, bytes, line);
                      }});
    }
  }
  if (!execnet.empty()) {
    rows.push_back({"execnet `socket=`",
                    [&](Line* line) { MeasureExecnet(execnet, bytes, line); }});
  }
  for (int i = 0; i < rounds; ++i) {
    for (Row& row : rows) row.measure(&row.line);
  }
  unlink(key_file.c_str());
  rmdir(folder);
  Print(rows);
  return 0;
}

// As popen and dist serve start a node.
int Node(const std::string& kind) {
  if (kind == "--served") {
    const auto link = TakeServedLink();
    if (!link.ok()) Die(std::string(link.status().message()));
    AnswerAsNode(Linked(*link));
  } else {
    AnswerAsNode(Plain(0));
  }
  return 0;
}

}  // namespace
}  // namespace dist

int main(int argc, char** argv) {
  if (argc == 3 && strcmp(argv[1], "node") == 0) return dist::Node(argv[2]);
  return dist::Main(argc, argv);
}
