// Property: a delta, whatever is in it, makes exactly the bytes that were
// announced, or nothing.
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "sync/delta.h"
#include "sync/fd.h"

namespace {

// A file of 4,096 bytes without a name.
int Base() {
  const int fd = memfd_create("base", MFD_CLOEXEC);
  std::string bytes;
  for (int i = 0; i < 4096; ++i) bytes.push_back(static_cast<char>(i * i >> 5));
  if (!dist::WriteAll(fd, bytes, "base").ok()) std::abort();
  return fd;
}

}  // namespace

// The first two bytes are the size.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const int base = Base();
  if (size < 2) return 0;
  const size_t wanted = data[0] | size_t{data[1]} << 8;
  const auto made = dist::ApplyDelta(
      base, {reinterpret_cast<const char*>(data) + 2, size - 2}, wanted);
  if (made.ok() && made->size() != wanted) std::abort();
  return 0;
}
