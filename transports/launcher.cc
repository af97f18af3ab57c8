// The launcher: what a host executes first of a bundle. It starts the node
// program from the very descriptors that it has verified.
//
//   launcher FOLDER HASH LISTING                  verifies
//   launcher FOLDER HASH LISTING WORDS SCRIPT STATE ARGUMENT...
//                                         verifies, says WORDS, runs
//
// LISTING and HASH are a bundle's (docs/bundle.md): the launcher, the loader,
// the program, its libraries, and the SHA-256 of all. Each file is opened once,
// hashed through that descriptor, and handed to the loader as it: a file that
// is put in its place meanwhile is not what runs. The program gets ARGUMENTs;
// it inherits the descriptors, and closes them. If something is not sound, `sh`
// runs SCRIPT instead, with SCRIPT and STATE as arguments: it saves whoever can
// replace what is damaged from verifying all of it first. Not if SCRIPT is "".
//
// It is linked statically, since it comes before any library is verified, and
// needs nothing of the host but its kernel. Where /proc is missing no path
// leads to a descriptor: there the program is started by name, once verified.
// Exit status: 0 sound, 1 not sound (one line on stderr says which file), 126
// not executable.
#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

constexpr int kMaxFiles = 64;
constexpr int kMaxArguments = 32;
constexpr size_t kPiece = 256 << 10;
// In LISTING.
enum { kLauncher, kLoader, kProgram, kFirstLibrary };

struct File {
  long long size = 0;
  const char* name = nullptr;
  int fd = -1;
};

// Says what is wrong. Returns false.
bool Complain(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("dist: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  return false;
}

// Cuts `listing` up. Returns how many files it names, 0 if it is no listing.
int Parse(char* listing, File* files) {
  int count = 0;
  char* rest = nullptr;
  for (char* word = strtok_r(listing, " ", &rest); word != nullptr;
       word = strtok_r(nullptr, " ", &rest)) {
    char* end = nullptr;
    File* const file = &files[count];
    file->size = strtoll(word, &end, 10);
    file->name = strtok_r(nullptr, " ", &rest);
    if (file->size <= 0 || *end != '\0' || file->name == nullptr ||
        strchr(file->name, '/') != nullptr || ++count == kMaxFiles) {
      return 0;
    }
  }
  return count >= kFirstLibrary ? count : 0;
}

bool Open(const char* folder, int folder_fd, File* file) {
  // A FIFO in its place must not make us wait.
  file->fd = openat(folder_fd, file->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (file->fd < 0) {
    return Complain("%s/%s: %s", folder, file->name, strerror(errno));
  }
  struct stat info;
  return (fstat(file->fd, &info) == 0 && S_ISREG(info.st_mode) &&
          info.st_size == file->size) ||
         Complain("%s/%s: is not a file of %lld bytes", folder, file->name,
                  file->size);
}

bool Hash(const char* folder, const File& file, SHA256_CTX* context) {
  static char piece[kPiece];
  for (long long done = 0; done < file.size;) {
    const ssize_t n = pread(file.fd, piece, sizeof(piece), done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      return Complain("%s/%s: %s", folder, file.name,
                      n < 0 ? strerror(errno) : "is shorter than it was");
    }
    SHA256_Update(context, piece, n);
    done += n;
  }
  return true;
}

// Leaves the descriptors open.
bool Verify(const char* folder, const char* hash, const char* listing,
            File* files, int count) {
  const int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_fd < 0) return Complain("%s: %s", folder, strerror(errno));
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, listing, strlen(listing));
  SHA256_Update(&context, "\n", 1);
  bool sound = true;
  for (int i = 0; i < count && sound; ++i) {
    sound =
        Open(folder, folder_fd, &files[i]) && Hash(folder, files[i], &context);
  }
  close(folder_fd);
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256_Final(digest, &context);
  char text[2 * sizeof(digest) + 1];
  for (size_t i = 0; i < sizeof(digest); ++i) {
    snprintf(text + 2 * i, 3, "%02x", digest[i]);
  }
  return sound && (strcmp(text, hash) == 0 ||
                   Complain("%s: its files are damaged", folder));
}

bool Say(const char* words) {
  char line[8 << 10];
  const int size = snprintf(line, sizeof(line), "%s\n", words);
  if (size < 0 || size >= static_cast<int>(sizeof(line))) {
    return Complain("too much to say");
  }
  for (int done = 0; done < size;) {
    const ssize_t n = write(STDOUT_FILENO, line + done, size - done);
    if (n < 0 && errno != EINTR) return Complain("stdout: %s", strerror(errno));
    if (n > 0) done += n;
  }
  return true;
}

// Returns if it cannot be.
void Run(const char* folder, const File* files, int count, char** arguments) {
  char loader[32];
  char program[4096];
  // The loader takes what it was told to preload for every library that asks
  // for one of that SONAME, and looks for no other.
  char libraries[kMaxFiles * sizeof(loader)] = "";
  snprintf(loader, sizeof(loader), "/proc/self/fd/%d", files[kLoader].fd);
  const char* argv[kMaxArguments + 8];
  int n = 0;
  argv[n++] = files[kLoader].name;
  if (access(loader, F_OK) == 0) {
    snprintf(program, sizeof(program), "/proc/self/fd/%d", files[kProgram].fd);
    size_t used = 0;
    for (int i = kFirstLibrary; i < count; ++i) {
      used += snprintf(libraries + used, sizeof(libraries) - used,
                       "%s/proc/self/fd/%d", used == 0 ? "" : ":", files[i].fd);
    }
    argv[n++] = "--preload";
    argv[n++] = libraries;
  } else {
    snprintf(program, sizeof(program), "%s/%s", folder, files[kProgram].name);
    argv[n++] = "--library-path";
    argv[n++] = folder;
  }
  argv[n++] = "--argv0";
  argv[n++] = files[kProgram].name;
  argv[n++] = program;
  for (int i = 0; arguments[i] != nullptr && i < kMaxArguments; ++i) {
    argv[n++] = arguments[i];
  }
  argv[n] = nullptr;
  // By descriptor, with /proc or without.
  fexecve(files[kLoader].fd, const_cast<char**>(argv), environ);
  Complain("%s/%s: %s", folder, files[kLoader].name, strerror(errno));
}

int RunScript(const char* script, const char* state, const File* files,
              int count) {
  for (int i = 0; i < count; ++i) {
    if (files[i].fd >= 0) close(files[i].fd);
  }
  execlp("sh", "sh", "-c", script, "sh", script, state, nullptr);
  Complain("sh: %s", strerror(errno));
  return 126;
}

}  // namespace

// Arguments of main(). WORDS and what follows may be missing.
enum { kFolder = 1, kHash, kListing, kWords, kScript, kState, kArguments };

int main(int argc, char** argv) {
  if (argc != kWords && argc < kArguments) {
    Complain("this starts the node program of a host");
    return 1;
  }
  const char* const folder = argv[kFolder];
  File files[kMaxFiles];
  char* const listing = strdup(argv[kListing]);
  const int count = listing == nullptr ? 0 : Parse(listing, files);
  const bool sound =
      count == 0 ? Complain("%s: its listing cannot be read", folder)
                 : Verify(folder, argv[kHash], argv[kListing], files, count);
  if (argc == kWords) return sound ? 0 : 1;
  if (!sound) {
    return *argv[kScript] == '\0'
               ? 1
               : RunScript(argv[kScript], argv[kState], files, count);
  }
  if (!Say(argv[kWords])) return 1;
  Run(folder, files, count, argv + kArguments);
  return 126;
}
