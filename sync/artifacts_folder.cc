#include "sync/artifacts_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <random>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "sync/beneath.h"
#include "sync/cache_home.h"

namespace dist {
namespace {

Fd OpenFolderAt(int folder, const std::string& name) {
  return Fd(openat(folder, name.c_str(),
                   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// The lock of a living node's folder is held.
void RemoveAbandoned(int all) {
  for (const std::string& name : NamesIn(all)) {
    const Fd folder = OpenFolderAt(all, name);
    if (folder.ok() && flock(folder.get(), LOCK_EX | LOCK_NB) == 0) {
      RemoveAll(all, name).IgnoreError();
    }
  }
}

constexpr char kNote[] = ".name-";
constexpr char kKept[] = ".kept-";
constexpr size_t kMaxNote = 256;
constexpr int kMaxNumber = 10000;

// What the note says, or "" if that is no name of a file.
std::string NameOf(int folder, const std::string& note) {
  // Not to wait for whoever would write to a pipe.
  const Fd file(openat(folder, note.c_str(),
                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  std::string name;
  if (!file.ok() || !ReadWhole(file.get(), kMaxNote, note, &name).ok()) {
    return "";
  }
  name = name.substr(0, name.find('\n'));
  const bool safe = !name.empty() && name[0] != '.' && name.size() < 256 &&
                    name.find('/') == name.npos && name.find('\0') == name.npos;
  return safe ? name : "";
}

void NameRemainsOf(int worker) {
  for (const std::string& note : NamesIn(worker)) {
    if (!absl::StartsWith(note, kNote)) continue;
    const std::string name = NameOf(worker, note);
    unlinkat(worker, note.c_str(), 0);
    const std::string kept =
        absl::StrCat(kKept, note.substr(sizeof(kNote) - 1));
    if (unlinkat(worker, kept.c_str(), AT_REMOVEDIR) == 0 || name.empty()) {
      continue;
    }
    for (int number = 1; number < kMaxNumber; ++number) {
      const std::string target =
          number == 1 ? name : absl::StrCat(name, "-", number);
      if (renameat2(worker, kept.c_str(), worker, target.c_str(),
                    RENAME_NOREPLACE) == 0 ||
          errno != EEXIST) {
        break;
      }
    }
  }
}

}  // namespace

void ArtifactsFolder::NameRemains(const std::string& path) {
  const Fd folder(
      open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder.ok()) return;
  for (const std::string& name : NamesIn(folder.get())) {
    const Fd worker = OpenFolderAt(folder.get(), name);
    if (worker.ok()) NameRemainsOf(worker.get());
  }
}

absl::StatusOr<ArtifactsFolder> ArtifactsFolder::Make(
    const std::string& cache_home) {
  if (cache_home.empty()) {
    return absl::FailedPreconditionError(
        "neither HOME nor XDG_CACHE_HOME is set there");
  }
  DIST_ASSIGN_OR_RETURN(const Fd home, OpenPrivateFolder(cache_home));
  ArtifactsFolder made;
  DIST_ASSIGN_OR_RETURN(made.all_,
                        OpenPrivateFolderAt(home.get(), "artifacts"));
  // Whoever cleans up beside us waits, and so never meets a folder that has
  // been made and not been locked.
  if (flock(made.all_.get(), LOCK_EX) != 0) {
    return ErrnoStatus(errno, "artifacts");
  }
  RemoveAbandoned(made.all_.get());
  std::random_device random;
  made.name_ = absl::StrCat(absl::Hex(random()), absl::Hex(random()));
  DIST_ASSIGN_OR_RETURN(made.folder_,
                        OpenPrivateFolderAt(made.all_.get(), made.name_));
  const int locked = flock(made.folder_.get(), LOCK_EX | LOCK_NB);
  const int why = errno;
  flock(made.all_.get(), LOCK_UN);
  if (locked != 0) return ErrnoStatus(why, "artifacts");
  made.path_ = absl::StrCat(cache_home, "/artifacts/", made.name_);
  return made;
}

ArtifactsFolder::~ArtifactsFolder() {
  if (folder_.ok()) RemoveAll(all_.get(), name_).IgnoreError();
}

}  // namespace dist
