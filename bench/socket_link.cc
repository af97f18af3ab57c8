// Round trip and throughput of one link over socket=, as dist uses it, beside
// plain TCP and the same TLS sessions without anything around them.
//
//   socket_link [-m MIB] [-n ROUNDS]
//
// All on loopback, in turn; what answers is `cat`, or a thread that does the
// same. Prints medians, and how socket= compares with TLS.
#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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
#include "transports/serve/server.h"
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
  fprintf(stderr, "socket_link: %s\n", why.c_str());
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

void MeasureTcp(size_t bytes, Line* line) {
  auto [ours, theirs] = TcpPair();
  SetBlocking(ours.get());
  std::thread other([&, fd = theirs.get()] { Answer(Plain(fd), bytes); });
  const End end = Plain(ours.get());
  Trips(end, line);
  WriteAll(end, 1);
  Down(end, bytes, line);
  other.join();
}

void MeasureTls(const ServeKey& key, size_t bytes, Line* line) {
  auto [ours, theirs] = TcpPair();
  SetNonBlocking(theirs.get());
  TlsSession server(TlsSession::Side::kServer, std::move(theirs), key);
  std::thread other([&] {
    Shake(&server);
    Answer(Secured(&server), bytes);
  });
  TlsSession client(TlsSession::Side::kClient, std::move(ours), key);
  Shake(&client);
  const End end = Secured(&client);
  Trips(end, line);
  WriteAll(end, 1);
  Down(end, bytes, line);
  other.join();
}

// `measure` a link to a server whose nodes are `command`.
void WithServer(const ServeKey& key, const std::string& key_file,
                std::vector<std::string> command,
                const std::function<void(const End&)>& measure) {
  SocketAddress address{"127.0.0.1", 0};
  auto listening = ListenAt("--bind", &address);
  if (!listening.ok()) Die(std::string(listening.status().message()));
  ServeSettings settings;
  settings.version = BuildVersion();
  settings.node = std::move(command);
  settings.log = [](const std::string&) {};
  Server server(*std::move(listening), key, std::move(settings));
  std::thread serving([&] { server.Run(); });
  HostAddress host;
  host.transport = "socket";
  host.socket = address;
  host.key_file = key_file;
  const auto made = ConnectByTable(host, Patience());
  if (!made.ok()) Die(std::string(made.status().message()));
  measure(Plain(made->fd));
  close(made->fd);
  server.RequestStop();
  server.RequestStop();
  serving.join();
}

void MeasureSocket(const ServeKey& key, const std::string& key_file,
                   size_t bytes, Line* line) {
  WithServer(key, key_file, {"/bin/cat"},
             [&](const End& end) { Trips(end, line); });
  WithServer(key, key_file,
             {"/bin/sh", "-c",
              absl::StrCat("head -c 1 >/dev/null; head -c ", bytes,
                           " /dev/zero; cat")},
             [&](const End& end) {
               WriteAll(end, 1);
               Down(end, bytes, line);
             });
}

void Print(const char* name, const Line& line) {
  printf("%-8s round trip %7.1f us   down %8.1f MB/s\n", name,
         Median(line.trip_us), Median(line.down));
}

int Main(int argc, char** argv) {
  size_t mib = 512;
  int rounds = 5;
  for (int option; (option = getopt(argc, argv, "m:n:")) != -1;) {
    if (option == 'm') mib = strtoul(optarg, nullptr, 10);
    if (option == 'n') rounds = atoi(optarg);
    if (option == '?') return 4;
  }
  char folder[] = "/tmp/socket_link_XXXXXX";
  if (mkdtemp(folder) == nullptr) Die("no folder for a key");
  const std::string key_file = absl::StrCat(folder, "/key");
  const auto key = MakeServeKey(key_file);
  if (!key.ok()) Die(std::string(key.status().message()));
  Line tcp, tls, link;
  for (int i = 0; i < rounds; ++i) {
    MeasureTcp(mib << 20, &tcp);
    MeasureTls(*key, mib << 20, &tls);
    MeasureSocket(*key, key_file, mib << 20, &link);
  }
  unlink(key_file.c_str());
  rmdir(folder);
  Print("TCP", tcp);
  Print("TLS", tls);
  Print("socket=", link);
  printf("ratio    round trip %7.2f      down %8.2f\n",
         Median(link.trip_us) / Median(tls.trip_us),
         Median(link.down) / Median(tls.down));
  return 0;
}

}  // namespace
}  // namespace dist

int main(int argc, char** argv) { return dist::Main(argc, argv); }
