#include "sync/content_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"

namespace dist {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kChunk = 256 << 10;
// Sharing blocks with FICLONE costs a journal entry; below this, copying does
// not cost more.
constexpr uint64_t kWorthACloning = 1 << 20;
constexpr int64_t kSecond = 1'000'000'000;

bool IsZero(absl::string_view bytes) {
  return bytes.empty() ||
         (bytes[0] == '\0' &&
          memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

absl::Status WriteAt(int fd, absl::string_view bytes, uint64_t at,
                     const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t n =
        pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, name);
    bytes.remove_prefix(n);
    at += static_cast<uint64_t>(n);
  }
  return absl::OkStatus();
}

timespec TimeOf(int64_t nanos) {
  timespec time;
  time.tv_sec = nanos / kSecond;
  time.tv_nsec = nanos % kSecond;
  if (time.tv_nsec < 0) {
    --time.tv_sec;
    time.tv_nsec += kSecond;
  }
  return time;
}

}  // namespace

absl::StatusOr<ContentFile> ContentFile::Create(int folder,
                                                const std::string& name) {
  ContentFile file;
  file.fd_ =
      Fd(openat(folder, name.c_str(),
                O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.fd_.ok()) return ErrnoStatus(errno, name);
  file.hasher_ = std::make_unique<Hasher>();
  file.name_ = name;
  return file;
}

// Whole pages of zeros are left out; the size is set at the end.
absl::Status ContentFile::Write(absl::string_view bytes) {
  hasher_->Add(bytes);
  while (!bytes.empty()) {
    size_t holes = 0;
    const size_t first = std::min(kPage - size_ % kPage, bytes.size());
    size_t next = first;
    while (holes < bytes.size() && IsZero(bytes.substr(holes, next))) {
      holes += std::min(next, bytes.size() - holes);
      next = kPage;
    }
    size_ += holes;
    bytes.remove_prefix(holes);
    size_t data = 0;
    next = std::min(kPage - size_ % kPage, bytes.size());
    while (data < bytes.size() && !IsZero(bytes.substr(data, next))) {
      data += std::min(next, bytes.size() - data);
      next = kPage;
    }
    DIST_RETURN_IF_ERROR(
        WriteAt(fd_.get(), bytes.substr(0, data), size_, name_));
    size_ += data;
    bytes.remove_prefix(data);
  }
  return absl::OkStatus();
}

absl::StatusOr<FileFacts> ContentFile::Finish(const Entry& entry) {
  if (size_ != entry.size || hasher_->Finish() != entry.digest) {
    return absl::DataLossError(absl::StrCat(
        Printable(entry.path), ": the content is not what its hash says"));
  }
  struct stat info;
  if (fstat(fd_.get(), &info) != 0) return ErrnoStatus(errno, entry.path);
  if (static_cast<uint64_t>(info.st_size) != size_ &&
      ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0) {
    return ErrnoStatus(errno, entry.path);
  }
  DIST_RETURN_IF_ERROR(SetModeAndTime(fd_.get(), entry));
  if (fstat(fd_.get(), &info) != 0) return ErrnoStatus(errno, entry.path);
  const int fd = fd_.Release();
  // Some file systems say only now that there was no room.
  if (close(fd) != 0 && errno != EINTR) return ErrnoStatus(errno, entry.path);
  return FactsOf(info);
}

absl::Status SetModeAndTime(int fd, const Entry& entry) {
  if (fchmod(fd, entry.mode & kModeMask) != 0) {
    return ErrnoStatus(errno, entry.path);
  }
  const timespec times[2] = {{0, UTIME_OMIT}, TimeOf(entry.mtime)};
  if (futimens(fd, times) != 0) return ErrnoStatus(errno, entry.path);
  return absl::OkStatus();
}

absl::StatusOr<Digest> DigestOfFile(int fd, uint64_t size) {
  Hasher hasher;
  std::string buffer(std::min<uint64_t>(kChunk, size + 1), '\0');
  uint64_t at = 0;
  while (true) {
    const ssize_t n =
        pread(fd, &buffer[0], buffer.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, "content");
    if (n == 0) break;
    at += static_cast<uint64_t>(n);
    if (at > size) return absl::DataLossError("longer than it should be");
    hasher.Add(absl::string_view(buffer).substr(0, n));
  }
  if (at != size) return absl::DataLossError("shorter than it should be");
  return hasher.Finish();
}

namespace {

absl::StatusOr<FileFacts> Clone(int from, int folder, const std::string& name,
                                const Entry& entry) {
  Fd fd(openat(folder, name.c_str(),
               O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.ok()) return ErrnoStatus(errno, name);
  if (ioctl(fd.get(), FICLONE, from) != 0) return ErrnoStatus(errno, name);
  DIST_ASSIGN_OR_RETURN(const Digest digest,
                        DigestOfFile(fd.get(), entry.size));
  if (digest != entry.digest) return absl::DataLossError("another content");
  DIST_RETURN_IF_ERROR(SetModeAndTime(fd.get(), entry));
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return ErrnoStatus(errno, name);
  return FactsOf(info);
}

absl::StatusOr<FileFacts> Copy(int from, int folder, const std::string& name,
                               const Entry& entry) {
  DIST_ASSIGN_OR_RETURN(ContentFile file, ContentFile::Create(folder, name));
  std::string buffer(std::min<uint64_t>(kChunk, entry.size + 1), '\0');
  while (true) {
    const ssize_t n =
        pread(from, &buffer[0], buffer.size(), static_cast<off_t>(file.size()));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, name);
    if (n == 0) break;
    DIST_RETURN_IF_ERROR(file.Write(absl::string_view(buffer).substr(0, n)));
    if (file.size() > entry.size) {
      return absl::DataLossError("longer than it should be");
    }
  }
  return file.Finish(entry);
}

}  // namespace

absl::StatusOr<FileFacts> CopyContent(int from, int folder,
                                      const std::string& name,
                                      const Entry& entry) {
  if (entry.size >= kWorthACloning) {
    auto cloned = Clone(from, folder, name, entry);
    if (cloned.ok()) return cloned;
    unlinkat(folder, name.c_str(), 0);
  }
  auto copied = Copy(from, folder, name, entry);
  if (!copied.ok()) unlinkat(folder, name.c_str(), 0);
  return copied;
}

}  // namespace dist
