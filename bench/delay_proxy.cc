// A TCP proxy on loopback that keeps bytes for a while, each way: a long line
// for one machine. It limits nothing else.
//
//   delay_proxy LISTEN-PORT TARGET-PORT MILLISECONDS
//
// LISTEN-PORT 0 takes a free one. Prints the port it listens on. Half of a
// round trip is to be given. What is under way is kept in memory: at most
// 256 MiB a direction, so up to 2.5 GB/s at 100 ms.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace dist {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kPiece = 256 << 10;
constexpr size_t kMostUnderWay = 256 << 20;

struct Piece {
  Clock::time_point due;
  std::string bytes;  // Empty: the end.
};

// Both sockets of a connection, closed when neither direction needs them.
struct Pair {
  int client = -1;
  int server = -1;
  ~Pair() {
    close(client);
    close(server);
  }
};

bool SendAll(int fd, const std::string& bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n =
        send(fd, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (n <= 0) return false;
    done += n;
  }
  return true;
}

// One direction: a thread that reads, and this one, which sends when due.
void Carry(std::shared_ptr<Pair> pair, int from, int to,
           std::chrono::microseconds delay) {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Piece> under_way;
  size_t bytes = 0;
  bool dead = false;
  std::thread reader([&] {
    for (bool open = true; open;) {
      std::string piece(kPiece, '\0');
      const ssize_t n = recv(from, &piece[0], piece.size(), 0);
      piece.resize(n > 0 ? n : 0);
      piece.shrink_to_fit();
      open = n > 0;
      std::unique_lock<std::mutex> lock(mutex);
      changed.wait(lock, [&] { return dead || bytes < kMostUnderWay; });
      if (dead) return;
      bytes += piece.size();
      under_way.push_back({Clock::now() + delay, std::move(piece)});
      changed.notify_all();
    }
  });
  while (true) {
    Piece piece;
    {
      std::unique_lock<std::mutex> lock(mutex);
      changed.wait(lock, [&] { return !under_way.empty(); });
      piece = std::move(under_way.front());
      under_way.pop_front();
    }
    std::this_thread::sleep_until(piece.due);
    if (piece.bytes.empty()) break;
    const bool sent = SendAll(to, piece.bytes);
    const std::lock_guard<std::mutex> lock(mutex);
    bytes -= piece.bytes.size();
    dead = !sent;
    changed.notify_all();
    if (dead) break;
  }
  shutdown(to, SHUT_WR);
  if (dead) shutdown(from, SHUT_RD);
  reader.join();
}

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void Serve(int client, int target, std::chrono::microseconds delay) {
  const int one = 1;
  auto pair = std::make_shared<Pair>();
  pair->client = client;
  pair->server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(target);
  if (connect(pair->server, reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) != 0) {
    return;
  }
  for (const int fd : {pair->client, pair->server}) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  }
  std::thread(Carry, pair, pair->client, pair->server, delay).detach();
  std::thread(Carry, pair, pair->server, pair->client, delay).detach();
}

int Main(int argc, char** argv) {
  if (argc != 4) {
    fprintf(stderr,
            "usage: delay_proxy LISTEN-PORT TARGET-PORT MILLISECONDS\n");
    return 4;
  }
  signal(SIGPIPE, SIG_IGN);
  const int target = atoi(argv[2]);
  const std::chrono::microseconds delay(
      static_cast<int64_t>(1000 * atof(argv[3])));
  const int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  sockaddr_in address = Loopback(atoi(argv[1]));
  socklen_t size = sizeof(address);
  if (bind(listening, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listening, 128) != 0) {
    perror("delay_proxy");
    return 1;
  }
  getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  while (true) {
    const int client = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0) Serve(client, target, delay);
  }
}

}  // namespace
}  // namespace dist

int main(int argc, char** argv) { return dist::Main(argc, argv); }
