#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "transports/terminal.h"

namespace dist {
namespace {

constexpr size_t kDropAbove = 64 << 10;

absl::Status WriteAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(n);
    } else if (errno == EAGAIN) {  // Somebody made the terminal non-blocking.
      pollfd wait = {fd, POLLOUT, 0};
      poll(&wait, 1, -1);
    } else if (errno != EINTR) {
      return absl::DataLossError(strerror(errno));
    }
  }
  return absl::OkStatus();
}

absl::Status Unwritable(const std::string& path) {
  return absl::InvalidArgumentError(
      absl::StrCat("cannot write the report ", path, ": ", strerror(errno),
                   "\nhelp: name a file in a folder that you may write to"));
}

void MakeParents(const std::string& path) {
  for (size_t i = 1; i < path.size(); ++i) {
    if (path[i] == '/') mkdir(path.substr(0, i).c_str(), 0777);
  }
}

}  // namespace

WriterThread::WriterThread() {
  thread_ = std::thread([this] { Loop(); });
}

WriterThread::~WriterThread() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    quit_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void WriterThread::Loop() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return quit_ || !pending_.empty(); });
    if (pending_.empty()) return;
    const std::vector<Chunk> chunks = std::exchange(pending_, {});
    lock.unlock();
    for (const Chunk& chunk : chunks) WriteChunk(chunk);
    lock.lock();
    changed_.notify_all();
  }
}

void WriterThread::WriteChunk(const Chunk& chunk) {
  FdSink& sink = *chunk.sink;
  bool broken;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    broken = !sink.status_.ok();
  }
  absl::Status status;
  if (!broken) {
    std::unique_lock<std::timed_mutex> turn(TerminalTurn(), std::defer_lock);
    if (sink.terminal_) turn.lock();
    status = WriteAll(sink.fd_, chunk.bytes);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  sink.queued_ -= chunk.bytes.size();
  if (!status.ok()) sink.status_ = status;
}

FdSink::FdSink(WriterThread* writer, int fd, Backlog backlog)
    : writer_(writer), fd_(fd), backlog_(backlog), terminal_(isatty(fd) == 1) {}

void FdSink::Write(absl::string_view bytes) {
  if (bytes.empty()) return;  // Flush() would not wait for it.
  {
    const std::lock_guard<std::mutex> lock(writer_->mutex_);
    if (!status_.ok()) return;
    if (backlog_ == Backlog::kDrop && queued_ > kDropAbove) return;
    queued_ += bytes.size();
    std::vector<WriterThread::Chunk>& pending = writer_->pending_;
    if (!pending.empty() && pending.back().sink == this) {
      pending.back().bytes.append(bytes.data(), bytes.size());
    } else {
      pending.push_back({this, std::string(bytes)});
    }
  }
  writer_->changed_.notify_all();
}

absl::Status FdSink::Flush() {
  std::unique_lock<std::mutex> lock(writer_->mutex_);
  writer_->changed_.wait(lock, [this] { return queued_ == 0; });
  return status_;
}

absl::StatusOr<std::unique_ptr<ReportFile>> ReportFile::Create(
    const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    // A folder says so itself; a device or a pipe cannot be renamed over.
    const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return Unwritable(path);
    return std::unique_ptr<ReportFile>(new ReportFile(path, "", fd));
  }
  if (path.empty() || path.back() == '/') {
    errno = EISDIR;
    return Unwritable(path);
  }
  MakeParents(path);
  std::string temporary = absl::StrCat(path, ".XXXXXX");
  const int fd = mkostemp(&temporary[0], O_CLOEXEC);
  if (fd < 0) return Unwritable(path);
  const mode_t mask = umask(022);
  umask(mask);
  fchmod(fd, 0666 & ~mask);
  return std::unique_ptr<ReportFile>(
      new ReportFile(path, std::move(temporary), fd));
}

ReportFile::ReportFile(std::string path, std::string temporary, int fd)
    : path_(std::move(path)),
      temporary_(std::move(temporary)),
      fd_(fd),
      writer_(std::make_unique<WriterThread>()),
      sink_(std::make_unique<FdSink>(writer_.get(), fd, Backlog::kKeep)) {}

ReportFile::~ReportFile() {
  sink_.reset();
  if (fd_ < 0) return;
  close(fd_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void ReportFile::Write(absl::string_view bytes) { sink_->Write(bytes); }

absl::Status ReportFile::Commit() {
  absl::Status status = sink_->Flush();
  if (status.ok() && close(std::exchange(fd_, -1)) != 0) {
    status = absl::DataLossError(strerror(errno));
  }
  if (status.ok() && !temporary_.empty() &&
      rename(temporary_.c_str(), path_.c_str()) != 0) {
    status = absl::DataLossError(strerror(errno));
  }
  if (status.ok()) return status;
  if (!temporary_.empty()) unlink(temporary_.c_str());
  return absl::DataLossError(absl::StrCat(
      "the report ", path_, " could not be written: ", status.message()));
}

}  // namespace dist
