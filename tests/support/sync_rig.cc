#include "tests/support/sync_rig.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/model/node_messages.h"
#include "core/wire/codec.h"
#include "sync/framing.h"

namespace dist {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kSecond = 1'000'000'000;

std::string Describe(const fs::path& path, const struct stat& info) {
  if (S_ISLNK(info.st_mode)) {
    return "-> " + fs::read_symlink(path).string();
  }
  const std::string mode = absl::StrFormat("%o", info.st_mode & 07777);
  if (S_ISDIR(info.st_mode)) return "folder " + mode;
  if (!S_ISREG(info.st_mode)) return "special";
  return absl::StrCat("file ", mode, " ",
                      info.st_mtim.tv_sec * kSecond + info.st_mtim.tv_nsec, " ",
                      info.st_size, " ", DigestOf(ReadFile(path)).Hex());
}

void View(const fs::path& folder, const std::string& prefix,
          const std::function<bool(const std::string&)>& skip, TreeView* view) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (skip && skip(name)) continue;
    struct stat info;
    EXPECT_EQ(lstat(entry.path().c_str(), &info), 0) << entry.path();
    (*view)[prefix + name] = Describe(entry.path(), info);
    if (S_ISDIR(info.st_mode)) {
      View(entry.path(), prefix + name + "/", skip, view);
    }
  }
}

}  // namespace

SyncRequest RequestIn(const FramedMessage& message) {
  FrameReader reader;
  reader.Feed(message.frames());
  std::string bytes;
  Frame frame;
  while (reader.Next(&frame).value_or(false)) {
    bytes.append(frame.payload.data(), frame.payload.size());
  }
  EXPECT_EQ(frame.kind, FrameKind::kLast);
  EXPECT_EQ(frame.channel, Channel::kSync);
  EXPECT_EQ(message.size(), bytes.size());
  auto command = Decode<NodeCommand>(bytes);
  EXPECT_TRUE(command.ok());
  SyncTold& told = std::get<SyncTold>(*command);
  EXPECT_EQ(told.tree, kRigTree);
  return std::move(told.message);
}

std::string NewFolder() {
  std::string name = ::testing::TempDir() + "/XXXXXX";
  EXPECT_NE(mkdtemp(&name[0]), nullptr);
  return fs::canonical(name).string();
}

void RemoveFolder(const std::string& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

void WriteFile(const std::string& path, const std::string& bytes,
               unsigned mode) {
  fs::create_directories(fs::path(path).parent_path());
  fs::remove(path);
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  file.close();
  EXPECT_TRUE(file.good()) << path;
  EXPECT_EQ(chmod(path.c_str(), mode), 0) << path;
}

void MakeFolder(const std::string& path) { fs::create_directories(path); }

void MakeLink(const std::string& target, const std::string& path) {
  fs::create_directories(fs::path(path).parent_path());
  EXPECT_EQ(symlink(target.c_str(), path.c_str()), 0) << path;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

bool Exists(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0;
}

void SetTime(const std::string& path, int64_t mtime) {
  // The nanoseconds count upwards, before 1970 too.
  const int64_t nanos = (mtime % kSecond + kSecond) % kSecond;
  const timespec times[2] = {{0, UTIME_OMIT},
                             {mtime / kSecond - (mtime % kSecond < 0), nanos}};
  EXPECT_EQ(utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW), 0);
}

int64_t TimeOf(const std::string& path) {
  struct stat info = {};
  EXPECT_EQ(lstat(path.c_str(), &info), 0) << path;
  return info.st_mtim.tv_sec * kSecond + info.st_mtim.tv_nsec;
}

TreeView ViewOf(const std::string& folder,
                const std::function<bool(const std::string&)>& skip) {
  TreeView view;
  View(folder, "", skip, &view);
  return view;
}

std::shared_ptr<const Snapshot> SnapshotOf(const std::string& folder,
                                           HashCache* cache,
                                           IgnoreRules rules) {
  SnapshotRequest request;
  request.base = folder;
  request.roots.push_back({});
  request.rules = std::move(rules);
  auto snapshot = Snapshot::Take(request, cache);
  EXPECT_TRUE(snapshot.ok()) << snapshot.status();
  return snapshot.ok() ? *snapshot : nullptr;
}

SyncRig::SyncRig() : here_(NewFolder()), cache_(NewFolder()) {}

SyncRig::~SyncRig() {
  RemoveFolder(here_);
  RemoveFolder(cache_);
}

SyncOutcome SyncRig::Sync(const std::string& folder) {
  SyncTarget target(cache_);
  return SyncTo(&target, SnapshotOf(here_), folder);
}

// Delivers all that one side says before the other side speaks: the fewest
// round trips that a link could need.
SyncOutcome SyncRig::SyncTo(SyncTarget* target,
                            std::shared_ptr<const Snapshot> snapshot,
                            const std::string& folder) {
  SyncOutcome outcome;
  SyncSource source(
      std::make_shared<BlockMaker>(std::move(snapshot), FrameSyncTold),
      {kRigTree, project, folder, likely_known, fresh});
  while (!source.done()) {
    std::deque<SyncRequest> requests;
    size_t ahead = 0;
    while (true) {
      auto next = source.Next();
      if (!next.ok()) {
        outcome.error = std::string(next.status().message());
        return outcome;
      }
      if (*next == nullptr) break;
      requests.push_back(RequestIn(**next));
      if (const auto* block = std::get_if<SendContents>(&requests.back())) {
        ahead += block->bytes.size();
      }
    }
    outcome.most_ahead = std::max(outcome.most_ahead, ahead);
    outcome.sent = source.bytes_sent();
    ++outcome.round_trips;
    std::deque<SyncReply> replies;
    for (SyncRequest& request : requests) {
      if (on_request && !on_request(&request)) {
        outcome.error = "cut";
        return outcome;
      }
      for (SyncReply& reply : target->OnRequest(request)) {
        replies.push_back(std::move(reply));
      }
    }
    if (replies.empty()) {
      outcome.error = "both ends wait";
      return outcome;
    }
    for (SyncReply& reply : replies) {
      if (on_reply && !on_reply(&reply)) {
        outcome.error = "cut";
        return outcome;
      }
      const absl::Status status = source.OnReply(reply);
      if (!status.ok()) {
        outcome.error = std::string(status.message());
        return outcome;
      }
    }
  }
  outcome.done = *source.done();
  return outcome;
}

}  // namespace dist
