// Real sshd processes on loopback, each with keys and settings of its own.
#ifndef DIST_TESTS_SUPPORT_SSHD_H_
#define DIST_TESTS_SUPPORT_SSHD_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "core/xspec/address.h"

namespace dist {

// A port of 127.0.0.1 that nobody listened on just now.
int FreePort();

// Runs a program to its end; its exit status. Its output goes to ours.
int RunToEnd(const std::vector<std::string>& argv);

// A folder of keys, and a client's configuration that uses nothing else: no
// agent, no file of the user who runs the test. Its folder "home" is the home
// of those who log in (but not where they start).
class SshWorld {
 public:
  SshWorld();
  // Waits until no node runs there, and removes the folder.
  ~SshWorld();

  std::string path(const std::string& name) const;
  void Write(const std::string& name, const std::string& text, int mode = 0600);
  void Append(const std::string& name, const std::string& text);
  std::string Read(const std::string& name) const;
  // Makes NAME and NAME.pub.
  void MakeKey(const std::string& name, const std::string& type = "ed25519",
               const std::string& passphrase = "");

  // Adds to the client's configuration, before what is there.
  void Configure(const std::string& lines);
  // Of a host of the client's configuration.
  SshAddress Address(const std::string& host) const;
  // A process runs a program that is in the folder.
  bool HasNode() const;

 private:
  std::string folder_;
};

struct SshdOptions {
  std::vector<std::string> config;    // Lines that come first, and so win.
  std::string host_key = "host_key";  // A name in the world; made if missing.
  bool known = true;                  // Its key is added to known_hosts.
  std::string listen = "127.0.0.1";
  std::vector<std::string> before;  // Words before sshd's, as `ip netns`.
  int port = 0;                     // 0: a free one.
};

class Sshd {
 public:
  // Starts a server, waits until it accepts connections, and adds
  // "Host NAME" to the world's configuration. Lets the key "user_key" in.
  Sshd(SshWorld* world, const std::string& name, SshdOptions options = {});
  ~Sshd();  // Ends it; its sessions end when their clients do.

  int port() const { return port_; }
  pid_t pid() const { return pid_; }
  std::string log() const;

 private:
  SshWorld* const world_;
  const std::string name_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace dist

#endif  // DIST_TESTS_SUPPORT_SSHD_H_
