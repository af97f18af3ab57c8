// A "host" for tests of the bootstrap: this machine, seen through a shell with
// a home and cache folders of its own.
#ifndef DIST_TESTS_SUPPORT_BOOTSTRAP_HOST_H_
#define DIST_TESTS_SUPPORT_BOOTSTRAP_HOST_H_

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/model/node_messages.h"
#include "tests/support/link_peer.h"
#include "tests/support/process_test.h"
#include "tests/support/shared_caches.h"
#include "transports/bootstrap.h"
#include "transports/bootstrap_script.h"
#include "transports/bundle.h"
#include "transports/exec.h"
#include "transports/kept_children.h"
#include "transports/sweep.h"

namespace dist {

class BootstrapHost : public ::testing::Test {
 protected:
  BootstrapHost()
      : home_(::testing::TempDir() + "/h" + std::to_string(getpid())),
        bundles_(Bundles::In("cli/bundles").value_or(Bundles())) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    HideSharedCaches();
    std::filesystem::remove_all(home_);
    std::filesystem::create_directories(home_);
    setenv("HOME", home_.c_str(), 1);
    unsetenv("XDG_CACHE_HOME");
    setenv("DIST_LINE", std::string(BootstrapCommand()).c_str(), 1);
  }
  ~BootstrapHost() override {
    for (const pid_t child : KeptChildren()) {
      BuryChild(child, absl::ZeroDuration());
    }
    EXPECT_EQ(KillDescendants(absl::Seconds(5), {}), 0);
    std::filesystem::remove_all(home_);
  }

  std::string Programs() const { return home_ + "/.cache/dist/programs"; }
  std::string Program() const {
    return Programs() + "/" + bundles_.all().at(0).head.hash;
  }

  // What is in the folder of programs, "" for no folder.
  std::vector<std::string> Installed() const {
    std::vector<std::string> names;
    if (!std::filesystem::exists(Programs())) return {""};
    for (const auto& entry : std::filesystem::directory_iterator(Programs())) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  Stream Open(const std::string& command) {
    absl::StatusOr<Stream> stream = OpenExecStream(command);
    EXPECT_TRUE(stream.ok()) << stream.status();
    return stream.value_or(Stream());
  }

  // As sshd does: a login shell is given the line, and pipes for its stdio.
  absl::StatusOr<Connection> Login(const std::string& shell,
                                   Patience patience = Soon()) {
    return Bootstrap(Open("cat | " + shell + " -c \"$DIST_LINE\" | cat"),
                     bundles_, patience, Start::kAtOnce);
  }
  // The command's stdio is the script's.
  absl::StatusOr<Connection> Run(const std::string& command,
                                 Patience patience = Soon()) {
    return Bootstrap(Open(command), bundles_, patience, Start::kAtOnce);
  }
  static Patience Soon() { return Within(20); }
  static Patience Within(double seconds) {
    return Patience{absl::Now() + absl::Seconds(seconds), -1};
  }

  // Hears the node and ends it. All processes must go.
  void ExpectNode(const absl::StatusOr<Connection>& connection) {
    ASSERT_TRUE(connection.ok()) << connection.status();
    LinkPeer peer(connection->fd);
    ASSERT_TRUE(peer.RunUntil([&] { return !peer.received.empty(); }))
        << LastWords(*connection->witness);
    const auto event = Decode<NodeEvent>(peer.received.front().bytes);
    ASSERT_TRUE(event.ok()) << event.status();
    EXPECT_TRUE(std::holds_alternative<NodeReady>(*event));
    peer.Cut();
    // kept_children.h: it is ours to wait for.
    EXPECT_TRUE(Eventually([&] { return connection->witness->end() != ""; }, 2))
        << "the node is still there";
    BuryChild(connection->child, absl::Seconds(1));
  }

  void ExpectError(const absl::Status& status, const std::string& words) {
    ASSERT_FALSE(status.ok());
    const std::string text(status.message());
    EXPECT_NE(text.find(words), std::string::npos) << text;
    EXPECT_NE(text.find("\nhelp: "), std::string::npos) << text;
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
    EXPECT_TRUE(KeptChildren().empty()) << "its process was not buried";
  }

  const std::string home_;
  const Bundles bundles_;
};

inline bool CommandExists(const std::string& name) {
  return system(("command -v " + name + " >/dev/null 2>&1").c_str()) == 0;
}

}  // namespace dist

#endif  // DIST_TESTS_SUPPORT_BOOTSTRAP_HOST_H_
