#include "tests/support/sshd.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/support/process_test.h"
#include "transports/spawn.h"

namespace dist {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool Accepts(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  const bool ok = connect(fd, reinterpret_cast<const sockaddr*>(&address),
                          sizeof(address)) == 0;
  close(fd);
  return ok;
}

}  // namespace

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

int RunToEnd(const std::vector<std::string>& argv) {
  SpawnRequest request;
  request.argv = argv;
  request.env = Environment();
  SetVariable("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
              &request.env);
  request.fds = {{2, 1}, {2, 2}};
  const auto pid = Spawn(request);
  if (!pid.ok()) return -1;
  int status = 0;
  waitpid(*pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

SshWorld::SshWorld() {
  // Where other users can read it, too: sshd reads authorized_keys as whoever
  // logs in. (Bazel's own folders are often below a home folder.)
  std::string name = "/tmp/dist_sshd_XXXXXX";
  folder_ = mkdtemp(&name[0]);
  chmod(folder_.c_str(), 0755);
  mkdir(path("home").c_str(), 0755);
  MakeKey("user_key");
  Write("authorized_keys", Read("user_key.pub"), 0644);
  Write("known_hosts", "");
  Write("config",
        absl::StrCat("Host *\n  IdentityFile ", path("user_key"),
                     "\n  IdentityAgent none\n  UserKnownHostsFile ",
                     path("known_hosts"), "\n  GlobalKnownHostsFile none\n"));
}

SshWorld::~SshWorld() {
  // A node removes what it has made before it ends.
  EXPECT_TRUE(Eventually([this] { return !HasNode(); }, 5));
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
  EXPECT_FALSE(error) << folder_ << ": " << error.message();
}

bool SshWorld::HasNode() const {
  std::error_code none;
  for (const auto& process :
       std::filesystem::directory_iterator("/proc", none)) {
    // Not ours to see, or no process.
    std::error_code hidden;
    const auto program =
        std::filesystem::read_symlink(process.path() / "exe", hidden);
    if (absl::StartsWith(program.native(), folder_ + "/")) return true;
  }
  return false;
}

std::string SshWorld::path(const std::string& name) const {
  return absl::StrCat(folder_, "/", name);
}

void SshWorld::Write(const std::string& name, const std::string& text,
                     int mode) {
  std::ofstream(path(name)) << text;
  chmod(path(name).c_str(), mode);
}

void SshWorld::Append(const std::string& name, const std::string& text) {
  std::ofstream(path(name), std::ios::app) << text;
}

std::string SshWorld::Read(const std::string& name) const {
  std::ifstream file(path(name));
  return {std::istreambuf_iterator<char>(file), {}};
}

void SshWorld::MakeKey(const std::string& name, const std::string& type,
                       const std::string& passphrase) {
  ASSERT_EQ(RunToEnd({"ssh-keygen", "-q", "-t", type, "-N", passphrase, "-f",
                      path(name)}),
            0);
}

void SshWorld::Configure(const std::string& lines) {
  Write("config", absl::StrCat(lines, "\n", Read("config")));
}

SshAddress SshWorld::Address(const std::string& host) const {
  SshAddress address;
  address.host = host;
  address.config_file = path("config");
  return address;
}

Sshd::Sshd(SshWorld* world, const std::string& name, SshdOptions options)
    : world_(world), name_(name) {
  if (geteuid() == 0) mkdir("/run/sshd", 0755);  // Else made by init.
  port_ = options.port != 0 ? options.port : FreePort();
  if (world->Read(options.host_key).empty()) world->MakeKey(options.host_key);
  std::string config;
  for (const std::string& line : options.config) {
    absl::StrAppend(&config, line, "\n");
  }
  absl::StrAppend(
      &config, "Port ", port_, "\nListenAddress ", options.listen, "\nHostKey ",
      world->path(options.host_key), "\nAuthorizedKeysFile ",
      world->path("authorized_keys"),
      "\nStrictModes no\nUsePAM no\nPidFile none\nLogLevel VERBOSE\n"
      "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
      "PermitRootLogin prohibit-password\nMaxStartups 200\n",
      // Whoever runs the test may have a long ~/.bashrc.
      "SetEnv HOME=", world->path("home"), "\n");
  world->Write(name + ".sshd", config);
  SpawnRequest request;
  request.argv = options.before;
  for (const std::string& word :
       {std::string("/usr/sbin/sshd"), std::string("-D"), std::string("-f"),
        world->path(name + ".sshd"), std::string("-E"),
        world->path(name + ".log")}) {
    request.argv.push_back(word);
  }
  request.env = Environment();
  SetVariable("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
              &request.env);
  const auto pid = Spawn(request);
  EXPECT_TRUE(pid.ok()) << pid.status();
  pid_ = pid.value_or(-1);
  const std::string started = "Server listening on";
  EXPECT_TRUE(Eventually([&] {
    return options.listen == "127.0.0.1" ? Accepts(port_)
                                         : log().find(started) != log().npos;
  })) << log();
  world->Configure(absl::StrCat("Host ", name, "\n  HostName ", options.listen,
                                "\n  Port ", port_));
  if (options.known) {
    world->Append("known_hosts",
                  absl::StrCat("[", options.listen, "]:", port_, " ",
                               world->Read(options.host_key + ".pub")));
  }
}

Sshd::~Sshd() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::string Sshd::log() const { return world_->Read(name_ + ".log"); }

}  // namespace dist
