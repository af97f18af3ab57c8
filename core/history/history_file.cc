#include "core/history/history_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "absl/strings/strip.h"
#include "core/wire/codec.h"

namespace dist {
namespace {

constexpr absl::string_view kMagic = "dist history ";  // Then the version.
constexpr absl::string_view kVersion = "1\n";
constexpr size_t kChecksumSize = 8;
constexpr size_t kLeastTest = 7;  // Bytes: seven numbers.
constexpr double kPaceUnit = 1e6;
// Ids share beginnings: a small file could stand for a lot of text.
constexpr size_t kMostText = size_t{256} << 20;

// FNV-1a, eight bytes at a time; against accidents, not against malice.
uint64_t Checksum(absl::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325u ^ bytes.size();
  const auto mix = [&](uint64_t word) {
    hash = (hash ^ word) * 0x100000001b3u;
    hash ^= hash >> 32;
  };
  while (bytes.size() >= 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data(), 8);
    mix(word);
    bytes.remove_prefix(8);
  }
  for (const char c : bytes) mix(static_cast<unsigned char>(c));
  return hash;
}

std::string ChecksumBytes(absl::string_view body) {
  uint64_t sum = Checksum(body);
  std::string bytes;
  for (size_t i = 0; i < kChecksumSize; ++i, sum >>= 8) {
    bytes.push_back(static_cast<char>(sum));
  }
  return bytes;
}

uint32_t SharedPrefix(absl::string_view a, absl::string_view b) {
  const size_t most = std::min(a.size(), b.size());
  const auto end = std::mismatch(a.begin(), a.begin() + most, b.begin());
  return static_cast<uint32_t>(end.first - a.begin());
}

void PutTest(const HistoryTest& test, const std::string& before,
             Encoder* encoder) {
  const uint32_t shared = SharedPrefix(before, test.id);
  encoder->Put(shared);
  encoder->Put(test.id.substr(shared));
  encoder->Put(test.last_run);
  encoder->Put(static_cast<uint32_t>(test.samples.size()));
  for (const HistorySample& sample : test.samples) {
    encoder->Put(sample.host);
    encoder->Put(sample.runs);
    encoder->Put(sample.micros);
  }
}

// Reads a body; stops at the first thing that cannot be.
class Reader {
 public:
  explicit Reader(absl::string_view body)
      : decoder_(body), most_tests_(body.size() / kLeastTest) {}

  bool Read(History* history) {
    history->runs = Number<uint32_t>(UINT32_MAX);
    const auto hosts = Number<uint32_t>(History::kMostHosts);
    if (!good_ || hosts == 0) return false;
    history->hosts.resize(hosts);
    for (HistoryHost& host : history->hosts) ReadHost(&host);
    if (!history->hosts[0].name.empty()) return false;
    const auto tests = Number<uint32_t>(History::kMostTests);
    if (tests > most_tests_) return false;
    history->tests.reserve(tests);
    for (uint32_t i = 0; i < tests && good_; ++i) {
      ReadTest(hosts, history->runs, &history->tests.emplace_back());
    }
    return good_ && decoder_.at_end();
  }

 private:
  template <class T>
  T Number(uint64_t most) {
    T value = 0;
    decoder_.Get(value);
    if (decoder_.failed() || value > most) good_ = false;
    return good_ ? value : 0;
  }

  std::string Text() {
    std::string text;
    decoder_.Get(text);
    if (decoder_.failed() || text.size() > History::kLongestName) good_ = false;
    return text;
  }

  void ReadHost(HistoryHost* host) {
    host->name = Text();
    host->last_run = Number<uint32_t>(UINT32_MAX);
    host->pace = Number<uint64_t>(1000 * kPaceUnit) / kPaceUnit;
    if (host->pace <= 0) good_ = false;
  }

  void ReadTest(uint32_t hosts, uint32_t runs, HistoryTest* test) {
    const auto shared = Number<uint32_t>(before_.size());
    const std::string rest = Text();
    if (!good_ || shared + rest.size() > History::kLongestName) {
      good_ = false;
      return;
    }
    before_.resize(shared);
    before_.append(rest);
    test->id = before_;
    text_ += before_.size();
    if (text_ > kMostText) good_ = false;
    test->last_run = Number<uint32_t>(runs);
    const auto samples = Number<uint32_t>(hosts);
    uint32_t seen = 0;  // Hosts, as bits.
    for (uint32_t i = 0; i < samples && good_; ++i) {
      HistorySample& sample = test->samples.emplace_back();
      sample.host = Number<uint32_t>(hosts - 1);
      sample.runs = Number<uint32_t>(UINT32_MAX);
      sample.micros = Number<uint64_t>(uint64_t{1} << 52);
      if (seen & (1u << sample.host)) good_ = false;
      seen |= 1u << sample.host;
    }
    if (samples == 0) good_ = false;
  }

  Decoder decoder_;
  const size_t most_tests_;
  std::string before_;
  size_t text_ = 0;
  bool good_ = true;
};

}  // namespace

static_assert(History::kMostHosts <= 32, "hosts are bits of a uint32_t");

std::string FormatHistory(const History& history) {
  std::string body;
  Encoder encoder(&body);
  encoder.Put(history.runs);
  encoder.Put(static_cast<uint32_t>(history.hosts.size()));
  for (const HistoryHost& host : history.hosts) {
    encoder.Put(host.name);
    encoder.Put(host.last_run);
    encoder.Put(static_cast<uint64_t>(std::llround(host.pace * kPaceUnit)));
  }
  encoder.Put(static_cast<uint32_t>(history.tests.size()));
  const std::string none;
  const std::string* before = &none;
  for (const HistoryTest& test : history.tests) {
    PutTest(test, *before, &encoder);
    before = &test.id;
  }
  std::string bytes(kMagic);
  bytes.append(kVersion.data(), kVersion.size());
  bytes.append(ChecksumBytes(body));
  bytes.append(body);
  return bytes;
}

absl::StatusOr<History> ParseHistory(absl::string_view bytes) {
  if (!absl::ConsumePrefix(&bytes, kMagic)) {
    return absl::DataLossError("it is no history of dist");
  }
  if (!absl::ConsumePrefix(&bytes, kVersion)) {
    return absl::FailedPreconditionError("another version of dist wrote it");
  }
  const absl::string_view body =
      bytes.substr(std::min(kChecksumSize, bytes.size()));
  if (bytes.substr(0, kChecksumSize) != ChecksumBytes(body)) {
    return absl::DataLossError("its checksum is wrong");
  }
  return ParseHistoryBody(body);
}

absl::StatusOr<History> ParseHistoryBody(absl::string_view body) {
  History history;
  if (!Reader(body).Read(&history)) {
    return absl::DataLossError("it says what cannot be");
  }
  return history;
}

}  // namespace dist
