#include "tests/support/sync_trees.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "tests/support/sync_rig.h"

namespace dist {
namespace {

// Bytes that do not compress, always the same.
std::string Noise(size_t size) {
  std::string bytes;
  uint64_t state = 88172645463325252u;
  while (bytes.size() < size) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    bytes.push_back(static_cast<char>(state >> 32));
  }
  return bytes;
}

void Sparse(const std::string& folder) {
  const std::string path = folder + "/sparse";
  WriteFile(path, "begin");
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  (void)!pwrite(fd, "middle", 6, 5'000'000);
  (void)!ftruncate(fd, 20'000'000);
  close(fd);
}

void Socket(const std::string& folder) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // The address holds 108 bytes, a test's folder may be longer.
  const int at = open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  absl::StrCat("/proc/self/fd/", at, "/socket")
      .copy(address.sun_path, sizeof(address.sun_path) - 1);
  (void)!bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  close(at);
  close(fd);
}

std::string Deep(const std::string& folder, int depth) {
  std::string path = folder;
  for (int i = 0; i < depth; ++i) path += "/d";
  return path;
}

}  // namespace

const std::vector<TreeCase>& TreeCases() {
  static const auto* const cases = new std::vector<TreeCase>{
      {"Nothing", [](const std::string&) {}},
      {"Regular", [](const std::string& f) { WriteFile(f + "/a", "text"); }},
      {"EmptyFiles",
       [](const std::string& f) {
         for (const char* name : {"/a", "/b/c", "/z"}) WriteFile(f + name, "");
       }},
      {"EmptyBetweenOthers",
       [](const std::string& f) {
         WriteFile(f + "/a", "1");
         WriteFile(f + "/b", "");
         WriteFile(f + "/c", "2");
       }},
      {"Nested",
       [](const std::string& f) {
         WriteFile(f + "/a/b/c", "1");
         WriteFile(f + "/a-b", "2");
         WriteFile(f + "/a.b", "3");
       }},
      {"EmptyFolders",
       [](const std::string& f) {
         MakeFolder(f + "/a/b");
         MakeFolder(f + "/c");
       }},
      {"Executable",
       [](const std::string& f) {
         WriteFile(f + "/run", "#!/bin/sh\n", 0755);
       }},
      {"ReadOnly",
       [](const std::string& f) {
         WriteFile(f + "/a", "text", 0444);
         WriteFile(f + "/b", "text", 0555);
       }},
      {"PrivateFolder",
       [](const std::string& f) {
         WriteFile(f + "/d/a", "text", 0600);
         chmod((f + "/d").c_str(), 0700);
       }},
      {"Sparse", Sparse},
      {"OnePage",
       [](const std::string& f) { WriteFile(f + "/a", Noise(4096)); }},
      {"Large",
       [](const std::string& f) { WriteFile(f + "/a", Noise(10'000'000)); }},
      {"ZerosAndNoise",
       [](const std::string& f) {
         WriteFile(f + "/a", Noise(5000) + std::string(9000, '\0') +
                                 Noise(300'000) + std::string(100, '\0'));
       }},
      {"SameContents",
       [](const std::string& f) {
         for (const char* name : {"/a", "/b", "/c/d"}) {
           WriteFile(f + name, "the same");
         }
       }},
      {"HardLinks",
       [](const std::string& f) {
         WriteFile(f + "/a", "text");
         (void)!link((f + "/a").c_str(), (f + "/b").c_str());
       }},
      {"Links",
       [](const std::string& f) {
         WriteFile(f + "/d/a", "text");
         MakeLink("d/a", f + "/to_file");
         MakeLink("d", f + "/to_folder");
         MakeLink("../d", f + "/d/up");
         MakeLink("nowhere", f + "/dangling");
         MakeLink("loop", f + "/loop");
       }},
      {"LinksThatLeave",
       [](const std::string& f) {
         MakeLink("/etc/passwd", f + "/absolute");
         MakeLink("../../x", f + "/above");
       },
       2},
      {"OddNames",
       [](const std::string& f) {
         for (const char* name :
              {"a b", "a\nb", "a\tb", "-rf", "\xff\xfe", "\xc3\xa4", "a\\b",
               "'\"", "*", "a:b", " ", "\x01\x7f"}) {
           WriteFile(f + "/" + name, name);
           WriteFile(f + "/in " + name + "/x", name);
         }
       }},
      {"LongNames",
       [](const std::string& f) {
         WriteFile(f + "/" + std::string(255, 'n'), "text");
         WriteFile(
             f + "/" + std::string(255, 'd') + "/" + std::string(255, 'n'),
             "text");
       }},
      {"Deep",
       [](const std::string& f) { WriteFile(Deep(f, 63) + "/a", "text"); }},
      {"ManyFiles",
       [](const std::string& f) {
         for (int i = 0; i < 600; ++i) {
           WriteFile(absl::StrCat(f, "/d", i % 37, "/f", i),
                     absl::StrCat("content ", i));
         }
       }},
      {"Times",
       [](const std::string& f) {
         WriteFile(f + "/old", "text");
         SetTime(f + "/old", 1);
         WriteFile(f + "/new", "text");
         SetTime(f + "/new", 4'000'000'000'123'456'789);
         WriteFile(f + "/before_1970", "text");
         SetTime(f + "/before_1970", -1'500'000'000);
         WriteFile(f + "/last", "text");
         SetTime(f + "/last", INT64_MAX);
       }},
      {"Fifo",
       [](const std::string& f) {
         WriteFile(f + "/a", "text");
         mkfifo((f + "/fifo").c_str(), 0644);
       },
       1},
      {"Socket", Socket, 1},
  };
  return *cases;
}

}  // namespace dist
