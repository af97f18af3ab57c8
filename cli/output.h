// Where reports go: descriptors and files, written by a thread of their own so
// that a reader that has stopped (a pager) never stops the run.
#ifndef DIST_CLI_OUTPUT_H_
#define DIST_CLI_OUTPUT_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/report/reporter.h"

namespace dist {

// A descriptor and what became of it.
class FdSink;

// Writes for several sinks in the order in which they were told: two that are
// the same terminal must not overtake each other.
class WriterThread {
 public:
  WriterThread();
  ~WriterThread();  // Writes what is left.
  WriterThread(const WriterThread&) = delete;
  WriterThread& operator=(const WriterThread&) = delete;

 private:
  friend class FdSink;
  struct Chunk {
    FdSink* sink;
    std::string bytes;
  };

  void Loop();
  void WriteChunk(const Chunk& chunk);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Chunk> pending_;  // Guarded by mutex_, as is the next one.
  bool quit_ = false;
  std::thread thread_;
};

// What to do when the reader cannot keep up.
enum class Backlog { kKeep, kDrop };

// Writes to a descriptor, in order. After the first error the rest is dropped
// and the error kept.
class FdSink : public ReportSink {
 public:
  // Does not own `fd`; both it and `writer` must outlive the sink.
  FdSink(WriterThread* writer, int fd, Backlog backlog);
  ~FdSink() override { Flush().IgnoreError(); }

  void Write(absl::string_view bytes) override;

  // Blocks until all is written. The first error, EPIPE included.
  absl::Status Flush();

 private:
  friend class WriterThread;

  WriterThread* const writer_;
  const int fd_;
  const Backlog backlog_;
  const bool terminal_;
  size_t queued_ = 0;  // Guarded by writer_->mutex_, as is the next one.
  absl::Status status_;
};

// A report file: written under another name beside it and renamed when it is
// complete, so that an older report is never replaced by half of a new one.
class ReportFile : public ReportSink {
 public:
  // Fails if the file could not be written, before anything runs: the message
  // names the path and the reason. Missing folders are made.
  static absl::StatusOr<std::unique_ptr<ReportFile>> Create(
      const std::string& path);
  ~ReportFile() override;  // Removes what was not committed.

  void Write(absl::string_view bytes) override;

  // Puts the report in its place.
  absl::Status Commit();

 private:
  ReportFile(std::string path, std::string temporary, int fd);

  const std::string path_;
  const std::string temporary_;  // Empty: written in place (a device, a pipe).
  int fd_;
  std::unique_ptr<WriterThread> writer_;
  std::unique_ptr<FdSink> sink_;
};

}  // namespace dist

#endif  // DIST_CLI_OUTPUT_H_
