#include "cli/output.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/cli/temp_folder.h"

namespace dist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Pipe {
 public:
  Pipe() {
    EXPECT_EQ(pipe2(ends_, O_CLOEXEC), 0);
    signal(SIGPIPE, SIG_IGN);
  }
  ~Pipe() {
    CloseReader();
    CloseWriter();
  }
  int writer() const { return ends_[1]; }
  void CloseReader() { Close(&ends_[0]); }
  void CloseWriter() { Close(&ends_[1]); }

  // Everything until the writer is closed.
  std::string ReadAll() {
    std::string all;
    char buffer[65536];
    for (ssize_t n; (n = read(ends_[0], buffer, sizeof(buffer))) > 0;) {
      all.append(buffer, n);
    }
    return all;
  }

 private:
  static void Close(int* fd) {
    if (*fd >= 0) close(*fd);
    *fd = -1;
  }
  int ends_[2] = {-1, -1};
};

TEST(FdSink, KeepsTheOrderOfTwoSinksOnOnePipe) {
  Pipe pipe;
  std::string read;
  std::thread reader([&] { read = pipe.ReadAll(); });
  std::string expected;
  {
    WriterThread writer;
    FdSink first(&writer, pipe.writer(), Backlog::kKeep);
    FdSink second(&writer, pipe.writer(), Backlog::kKeep);
    for (int i = 0; i < 2000; ++i) {
      // Runs of one sink too: those are joined into one write.
      FdSink& sink = i % 5 < 3 ? first : second;
      const std::string line = absl::StrCat(i, "\n");
      sink.Write(line);
      expected += line;
    }
    EXPECT_TRUE(first.Flush().ok());
    EXPECT_TRUE(second.Flush().ok());
  }
  pipe.CloseWriter();
  reader.join();
  EXPECT_EQ(read, expected);
}

TEST(FdSink, WritesWhatIsLeftWhenItEnds) {
  Pipe pipe;
  {
    WriterThread writer;
    FdSink sink(&writer, pipe.writer(), Backlog::kKeep);
    sink.Write("last words");
    sink.Write("");
  }
  pipe.CloseWriter();
  EXPECT_EQ(pipe.ReadAll(), "last words");
}

TEST(FdSink, WaitsForATerminalThatSomebodyMadeNonBlocking) {
  Pipe pipe;
  fcntl(pipe.writer(), F_SETFL, O_NONBLOCK);
  const std::string much(1 << 20, 'x');
  std::string read;
  std::thread reader([&] { read = pipe.ReadAll(); });
  {
    WriterThread writer;
    FdSink sink(&writer, pipe.writer(), Backlog::kKeep);
    sink.Write(much);
    EXPECT_TRUE(sink.Flush().ok());
  }
  pipe.CloseWriter();
  reader.join();
  EXPECT_EQ(read, much);
}

TEST(FdSink, KeepsTheFirstError) {
  Pipe pipe;
  pipe.CloseReader();
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  {
    WriterThread writer;
    FdSink broken(&writer, pipe.writer(), Backlog::kKeep);
    FdSink no_space(&writer, full, Backlog::kKeep);
    broken.Write("a");
    no_space.Write("b");
    EXPECT_THAT(std::string(broken.Flush().message()), "Broken pipe");
    EXPECT_THAT(std::string(no_space.Flush().message()),
                "No space left on device");
    EXPECT_EQ(no_space.Flush().code(), absl::StatusCode::kDataLoss);
    broken.Write("dropped");
    EXPECT_THAT(std::string(broken.Flush().message()), "Broken pipe");
  }
  close(full);
}

TEST(FdSink, OfABrokenPipeDoesNotHoldUpAnother) {
  Pipe broken_pipe, pipe;
  broken_pipe.CloseReader();
  {
    WriterThread writer;
    FdSink broken(&writer, broken_pipe.writer(), Backlog::kKeep);
    FdSink whole(&writer, pipe.writer(), Backlog::kKeep);
    for (int i = 0; i < 3; ++i) {
      broken.Write("x");
      whole.Write("y");
    }
    EXPECT_FALSE(broken.Flush().ok());
    EXPECT_TRUE(whole.Flush().ok());
  }
  pipe.CloseWriter();
  EXPECT_EQ(pipe.ReadAll(), "yyy");
}

// What a pager that has stopped makes of it: `sink` never blocks; returns what
// came through.
std::string WriteToSlowReader(Backlog backlog, size_t pieces) {
  Pipe pipe;
  const std::string piece(16 << 10, 'x');
  std::string read;
  std::thread reader;
  {
    WriterThread writer;
    FdSink sink(&writer, pipe.writer(), backlog);
    for (size_t i = 0; i < pieces; ++i) sink.Write(piece);
    reader = std::thread([&] { read = pipe.ReadAll(); });
    EXPECT_TRUE(sink.Flush().ok());
  }
  pipe.CloseWriter();
  reader.join();
  return read;
}

TEST(FdSink, DropsOnlyWhatItMay) {
  EXPECT_EQ(WriteToSlowReader(Backlog::kKeep, 100).size(), 100u * (16 << 10));
  const size_t dropped = WriteToSlowReader(Backlog::kDrop, 100).size();
  EXPECT_GE(dropped, 64u << 10);
  EXPECT_LE(dropped, 256u << 10) << "a pipe's buffer and the backlog";
  EXPECT_EQ(WriteToSlowReader(Backlog::kDrop, 4).size(), 4u * (16 << 10));
}

class ReportFileTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) { return folder_.Path(name); }
  std::string Message(const std::string& path) {
    return std::string(ReportFile::Create(path).status().message());
  }
  TempFolder folder_;
};

TEST_F(ReportFileTest, AppearsWhenItIsCommitted) {
  {
    auto report = ReportFile::Create(Path("report.xml"));
    ASSERT_TRUE(report.ok()) << report.status();
    (*report)->Write("one ");
    (*report)->Write("two");
    EXPECT_FALSE(folder_.Has("report.xml"));
    EXPECT_TRUE((*report)->Commit().ok());
    EXPECT_EQ(folder_.Read("report.xml"), "one two");
  }
  EXPECT_THAT(folder_.List(), ElementsAre("report.xml"));
  struct stat info;
  ASSERT_EQ(stat(Path("report.xml").c_str(), &info), 0);
  const mode_t mask = umask(022);
  umask(mask);
  EXPECT_EQ(info.st_mode & 0777, 0666 & ~mask);
}

TEST_F(ReportFileTest, ReplacesAnOldOneOnlyWhenItIsCommitted) {
  folder_.Write("report.xml", "old");
  {
    auto report = ReportFile::Create(Path("report.xml"));
    ASSERT_TRUE(report.ok());
    (*report)->Write("half of a new one");
  }
  EXPECT_EQ(folder_.Read("report.xml"), "old");
  EXPECT_THAT(folder_.List(), ElementsAre("report.xml"));
  auto report = ReportFile::Create(Path("report.xml"));
  ASSERT_TRUE(report.ok());
  (*report)->Write("new");
  EXPECT_TRUE((*report)->Commit().ok());
  EXPECT_EQ(folder_.Read("report.xml"), "new");
}

TEST_F(ReportFileTest, MakesMissingFolders) {
  auto report = ReportFile::Create(Path("a/b/report.xml"));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE((*report)->Commit().ok());
  EXPECT_EQ(folder_.Read("a/b/report.xml"), "");
}

TEST_F(ReportFileTest, RefusesWhatCannotBeWritten) {
  folder_.Write("file", "");
  const std::string help =
      "\nhelp: name a file in a folder that you may write to";
  EXPECT_EQ(Message(Path("file/report.xml")),
            absl::StrCat("cannot write the report ", Path("file/report.xml"),
                         ": Not a directory", help));
  EXPECT_THAT(Message("/proc/report.xml"),
              StartsWith("cannot write the report /proc/report.xml: "));
  EXPECT_THAT(Message(Path("")), HasSubstr("Is a directory"));
  mkdir(Path("folder").c_str(), 0777);
  EXPECT_THAT(Message(Path("folder")), HasSubstr("Is a directory"));
  EXPECT_THAT(Message(Path("new_folder/")), HasSubstr("Is a directory"));
  EXPECT_FALSE(folder_.Has("new_folder"));
}

TEST_F(ReportFileTest, IsWrittenInPlaceToDevices) {
  auto report = ReportFile::Create("/dev/null");
  ASSERT_TRUE(report.ok());
  (*report)->Write("text");
  EXPECT_TRUE((*report)->Commit().ok());
  struct stat info;
  ASSERT_EQ(stat("/dev/null", &info), 0);
  EXPECT_TRUE(S_ISCHR(info.st_mode));
}

TEST_F(ReportFileTest, SaysWhenTheDiskIsFull) {
  auto report = ReportFile::Create("/dev/full");
  ASSERT_TRUE(report.ok());
  (*report)->Write("text");
  EXPECT_EQ(std::string((*report)->Commit().message()),
            "the report /dev/full could not be written: No space left on "
            "device");
}

TEST_F(ReportFileTest, IsWrittenInPlaceToAFifo) {
  ASSERT_EQ(mkfifo(Path("fifo").c_str(), 0666), 0);
  std::string read;
  std::thread reader([&] {
    std::ifstream file(Path("fifo"));
    std::ostringstream text;
    text << file.rdbuf();
    read = text.str();
  });
  {
    auto report = ReportFile::Create(Path("fifo"));
    ASSERT_TRUE(report.ok());
    (*report)->Write("text");
    EXPECT_TRUE((*report)->Commit().ok());
  }
  reader.join();
  EXPECT_EQ(read, "text");
  EXPECT_THAT(folder_.List(), ElementsAre("fifo"));
}

}  // namespace
}  // namespace dist
