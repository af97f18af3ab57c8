#include "tests/support/serve_host.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "actors/node.h"
#include "core/model/node_messages.h"
#include "core/model/version.h"
#include "core/wire/codec.h"
#include "tests/support/process_test.h"
#include "transports/serve/dialer.h"
#include "transports/serve/node_end.h"
#include "transports/serve/server.h"
#include "transports/spawn.h"
#include "transports/stdio.h"
#include "transports/tls/key.h"

namespace dist {
namespace {

constexpr char kVerb[] = "serve-for-test";

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// `server`: a Server or a Dialer.
template <class T>
int RunUntilTerminated(T* server) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  std::thread([=] {
    int signal = 0;
    while (sigwait(&ends, &signal) == 0) server->RequestStop();
  }).detach();
  server->Run();
  return 0;
}

int Serve(char** argv) {
  const std::string folder = argv[2];
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  const auto key = ReadServeKey(folder + "/key");
  if (!key.ok()) return 1;
  ServeSettings settings;
  settings.version = argv[4];
  settings.node = {"/proc/self/exe", "node", "--served"};
  settings.max_runs = atoi(argv[5]);
  settings.once = strcmp(argv[6], "1") == 0;
  settings.log = [](const std::string& line) {
    fprintf(stderr, "%s\n", line.c_str());
  };
  SocketAddress address{argv[3], atoi(argv[7])};
  if (address.port != 0) {
    Dialer dialer({address, "dist --listen", folder + "/key"}, *key, "dialled",
                  std::move(settings));
    return RunUntilTerminated(&dialer);
  }
  auto listening = ListenAt("--bind", &address);
  if (!listening.ok()) return 1;
  Server server(*std::move(listening), *key, std::move(settings));
  std::ofstream(folder + "/port.new") << address.port;
  std::filesystem::rename(folder + "/port.new", folder + "/port");
  return RunUntilTerminated(&server);
}

}  // namespace

ServeHost::ServeHost(const ServeHostOptions& options) : options_(options) {
  std::string pattern = ::testing::TempDir() + "/serve_XXXXXX";
  folder_ = mkdtemp(&pattern[0]);
  key_file_ = folder_ + "/key";
  EXPECT_TRUE(MakeServeKey(key_file_).ok());
  const int log = open((folder_ + "/log").c_str(),
                       O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND, 0600);
  SpawnRequest request;
  request.argv = {"/proc/self/exe",
                  kVerb,
                  folder_,
                  options.bind,
                  options.version.empty() ? BuildVersion() : options.version,
                  absl::StrCat(options.max_runs),
                  options.once ? "1" : "0",
                  absl::StrCat(options.dial)};
  request.env = Environment();
  // Of the nodes that it starts.
  SetVariable("XDG_CACHE_HOME", folder_ + "/cache", &request.env);
  request.fds = {{log, 1}, {log, 2}};
  const auto pid = Spawn(request);
  close(log);
  EXPECT_TRUE(pid.ok()) << pid.status();
  pid_ = pid.value_or(-1);
  if (options.dial != 0) return;
  EXPECT_TRUE(Eventually([&] {
    return absl::SimpleAtoi(ReadFile(folder_ + "/port"), &port_);
  })) << this->log();
}

ServeHost::~ServeHost() {
  if (pid_ > 0) {
    Signal(SIGTERM);
    Signal(SIGTERM);
    if (WaitForEnd() < 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }
  std::filesystem::remove_all(folder_);
}

void ServeHost::Describe(HostAddress* host) const {
  host->transport = "socket";
  host->socket = {options_.bind, port_};
  host->key_file = key_file_;
}

HostAddress ServeHost::Address() const {
  HostAddress host;
  host.name = "served";
  Describe(&host);
  return host;
}

std::string ServeHost::log() const { return ReadFile(folder_ + "/log"); }

long ServeHost::PeakMemory() const {
  const std::string status = ReadFile(absl::StrCat("/proc/", pid_, "/status"));
  const size_t at = status.find("VmHWM:");
  return at == std::string::npos ? -1 : atol(status.c_str() + at + 6);
}

void ServeHost::Signal(int signal) const {
  if (pid_ > 0) kill(pid_, signal);
}

int ServeHost::WaitForEnd(double seconds) {
  int status = 0;
  const bool ended =
      Eventually([&] { return waitpid(pid_, &status, WNOHANG) != 0; }, seconds);
  if (!ended) return -1;
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 256;
}

pid_t NodeOf(LinkPeer* peer) {
  uint32_t pid = 0;
  peer->RunUntil([&] {
    while (!peer->received.empty()) {
      const auto event = Decode<NodeEvent>(peer->received.front().bytes);
      peer->received.pop_front();
      if (!event.ok()) return true;
      if (const auto* ready = std::get_if<NodeReady>(&*event)) {
        pid = ready->pid;
      }
    }
    return pid != 0 || peer->ended();
  });
  return static_cast<pid_t>(pid);
}

void RunIfServeHost(int argc, char** argv) {
  if (argc == 3 && strcmp(argv[1], "node") == 0) {
    if (strcmp(argv[2], "--served") == 0) {
      auto link = TakeServedLink();
      _exit(link.ok() ? RunNode(*std::move(link)) : 3);
    }
    const auto link = StdioSocket::Take();
    _exit(RunNode(link->fd()));
  }
  if (argc == 8 && strcmp(argv[1], kVerb) == 0) _exit(Serve(argv));
}

}  // namespace dist
