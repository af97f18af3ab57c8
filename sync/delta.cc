#include "sync/delta.h"

#include <errno.h>
#include <librsync.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "core/model/sync_messages.h"
#include "sync/fd.h"

namespace dist {
namespace {

constexpr uint64_t kMinFile = 1 << 20;
constexpr uint64_t kMaxBase = uint64_t{32} << 30;
constexpr size_t kMinBlock = 2 << 10;
constexpr size_t kMaxBlockSize = 1 << 20;
// More would cost the source more time to look up than they save.
constexpr size_t kMaxBlocks = 32768;
// A wrong match costs a file sent twice, never a wrong file: a few bytes of a
// fast hash will do.
constexpr size_t kStrong = 8;
constexpr size_t kSum = 4 + kStrong;
constexpr size_t kHeader = 12;  // Magic, block size, kStrong.
constexpr rs_magic_number kMagic = RS_RK_MD4_SIG_MAGIC;
constexpr size_t kChunk = 64 << 10;
// Of this thread's CPU for a segment; it takes some 30 ms. Sums can be chosen
// so that each look-up visits all of them.
constexpr int64_t kPatience = 1'000'000'000;

// The library would write to stderr, which is the user's.
void BeQuiet() {
  static const bool quiet = [] {
    rs_trace_set_level(RS_LOG_EMERG);
    return true;
  }();
  (void)quiet;
}

struct FreeJob {
  void operator()(rs_job_t* job) const { rs_job_free(job); }
};
using Job = std::unique_ptr<rs_job_t, FreeJob>;

rs_buffers_t Buffers(absl::string_view in, char* out, size_t out_size) {
  rs_buffers_t buffers = {};
  buffers.next_in = const_cast<char*>(in.data());
  buffers.avail_in = in.size();
  buffers.next_out = out;
  buffers.avail_out = out_size;
  return buffers;
}

size_t BlockSize(uint64_t size) {
  size_t block = kMinBlock;
  // The square root makes signature and what a change costs alike in size.
  while (uint64_t{block} * block < size || size / block >= kMaxBlocks) {
    block *= 2;
  }
  return block;
}

uint32_t Number(absl::string_view bytes) {
  uint32_t number = 0;
  for (const char c : bytes.substr(0, 4)) {
    number = number << 8 | static_cast<uint8_t>(c);
  }
  return number;
}

int64_t ThreadTime() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// What librsync asks for while it applies a delta.
rs_result CopyFromBase(void* base, rs_long_t at, size_t* size, void** buffer) {
  const int fd = *static_cast<const int*>(base);
  size_t got = 0;
  while (got < *size) {
    const ssize_t n = pread(fd, static_cast<char*>(*buffer) + got, *size - got,
                            static_cast<off_t>(at) + got);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? RS_IO_ERROR : RS_INPUT_ENDED;
    got += static_cast<size_t>(n);
  }
  return RS_DONE;
}

}  // namespace

bool WorthADelta(uint64_t base, uint64_t wanted) {
  return base >= kMinFile && base <= kMaxBase && wanted >= kMinFile;
}

absl::StatusOr<std::string> SignatureOf(int fd, uint64_t size) {
  if (size > kMaxBase) return absl::InvalidArgumentError("too large a file");
  BeQuiet();
  const size_t block = BlockSize(size);
  const Job job(rs_sig_begin(block, kStrong, kMagic));
  std::string signature(kHeader + (size / block + 1) * kSum, '\0');
  std::string in(kChunk, '\0');
  size_t written = 0;
  uint64_t at = 0;
  while (true) {
    const size_t wanted = std::min<uint64_t>(in.size(), size - at);
    const ssize_t n = pread(fd, &in[0], wanted, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, "content");
    if (n == 0 && at < size) return absl::DataLossError("shorter than it was");
    at += static_cast<uint64_t>(n);
    rs_buffers_t buffers =
        Buffers(absl::string_view(in).substr(0, n), &signature[written],
                signature.size() - written);
    buffers.eof_in = at == size;
    const rs_result result = rs_job_iter(job.get(), &buffers);
    written = signature.size() - buffers.avail_out;
    if (result == RS_DONE) break;
    if (result != RS_BLOCKED || buffers.avail_in > 0 || at == size) {
      return absl::InternalError("librsync makes no signature");
    }
  }
  signature.resize(written);
  return signature;
}

absl::StatusOr<std::string> ApplyDelta(int base, absl::string_view delta,
                                       size_t size) {
  if (size > kMaxSegment) return absl::DataLossError("too long a delta");
  BeQuiet();
  const Job job(rs_patch_begin(CopyFromBase, &base));
  std::string out(size, '\0');
  rs_buffers_t buffers = Buffers(delta, &out[0], size);
  buffers.eof_in = 1;
  // A delta that would make more waits for room, and is not done.
  if (rs_job_iter(job.get(), &buffers) != RS_DONE || buffers.avail_in > 0 ||
      buffers.avail_out > 0) {
    return absl::DataLossError("a delta that does not fit");
  }
  return out;
}

struct DeltaBase::Sums {
  rs_signature_t* sums = nullptr;
  ~Sums() {
    if (sums != nullptr) rs_free_sumset(sums);
  }
};

DeltaBase::DeltaBase(std::unique_ptr<Sums> sums) : sums_(std::move(sums)) {}
DeltaBase::~DeltaBase() = default;

absl::StatusOr<std::unique_ptr<DeltaBase>> DeltaBase::Load(
    absl::string_view signature) {
  const absl::Status malformed =
      absl::InvalidArgumentError("a malformed signature");
  if (signature.size() < kHeader + kSum ||
      (signature.size() - kHeader) % kSum != 0 ||
      (signature.size() - kHeader) / kSum > kMaxBlocks + 1) {
    return malformed;
  }
  // The library allocates by the block size.
  const uint32_t block = Number(signature.substr(4));
  if (Number(signature) != kMagic || Number(signature.substr(8)) != kStrong ||
      block < kMinBlock || block > kMaxBlockSize ||
      (block & (block - 1)) != 0) {
    return malformed;
  }
  BeQuiet();
  auto sums = std::make_unique<Sums>();
  const Job job(rs_loadsig_begin(&sums->sums));
  rs_buffers_t buffers = Buffers(signature, nullptr, 0);
  buffers.eof_in = 1;
  if (rs_job_iter(job.get(), &buffers) != RS_DONE || buffers.avail_in > 0 ||
      rs_build_hash_table(sums->sums) != RS_DONE) {
    return malformed;
  }
  return std::unique_ptr<DeltaBase>(new DeltaBase(std::move(sums)));
}

std::string DeltaBase::DeltaTo(absl::string_view bytes) {
  if (slow_) return "";
  const int64_t started = ThreadTime();
  const Job job(rs_delta_begin(sums_->sums));
  std::string out(std::min<size_t>(bytes.size() / 2, kMaxDelta), '\0');
  size_t written = 0;
  while (true) {
    const absl::string_view in = bytes.substr(0, kChunk);
    rs_buffers_t buffers = Buffers(in, &out[written], out.size() - written);
    buffers.eof_in = in.size() == bytes.size();
    const rs_result result = rs_job_iter(job.get(), &buffers);
    written = out.size() - buffers.avail_out;
    if (result == RS_DONE) break;
    slow_ = ThreadTime() - started > kPatience;
    // What takes no input waits for room.
    if (result != RS_BLOCKED || buffers.avail_in == in.size() || slow_) {
      return "";
    }
    bytes.remove_prefix(in.size() - buffers.avail_in);
  }
  out.resize(written);
  return out;
}

}  // namespace dist
