// Large files that have changed a little.
#include "sync/delta.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/model/sync_messages.h"
#include "sync/fd.h"
#include "sync/source.h"
#include "sync/target.h"
#include "tests/support/sync_rig.h"

namespace dist {
namespace {

constexpr size_t kMiB = 1 << 20;

// Nothing in it repeats or can be compressed.
std::string Noise(size_t size, unsigned seed = 1) {
  std::mt19937_64 random(seed);
  std::string bytes;
  while (bytes.size() < size) {
    const uint64_t next = random();
    bytes.append(reinterpret_cast<const char*>(&next), sizeof(next));
  }
  bytes.resize(size);
  return bytes;
}

class DeltaTest : public ::testing::Test {
 protected:
  DeltaTest() : folder_(NewFolder()) {}
  ~DeltaTest() override { RemoveFolder(folder_); }

  Fd Old(const std::string& bytes) {
    WriteFile(folder_ + "/old", bytes);
    return Fd(open((folder_ + "/old").c_str(), O_RDONLY | O_CLOEXEC));
  }

  const std::string folder_;
};

TEST_F(DeltaTest, MakesTheNewBytesOfTheOldOnes) {
  const std::string old = Noise(3 * kMiB);
  const Fd base = Old(old);
  const auto signature = SignatureOf(base.get(), old.size());
  ASSERT_TRUE(signature.ok()) << signature.status();
  EXPECT_LT(signature->size(), old.size() / 100);
  const auto loaded = DeltaBase::Load(*signature);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"the same", old},
      {"one byte", old.substr(0, kMiB) + "x" + old.substr(kMiB + 1)},
      {"in front", "more" + old},
      {"moved", old.substr(kMiB) + old.substr(0, kMiB)},
      {"shorter", old.substr(0, kMiB + 17)},
      {"twice", old.substr(0, kMiB) + old.substr(0, kMiB)},
  };
  for (const auto& [why, wanted] : rows) {
    SCOPED_TRACE(why);
    const std::string delta = (*loaded)->DeltaTo(wanted);
    ASSERT_FALSE(delta.empty());
    EXPECT_LT(delta.size(), 10'000u);
    const auto made = ApplyDelta(base.get(), delta, wanted.size());
    ASSERT_TRUE(made.ok()) << made.status();
    EXPECT_TRUE(*made == wanted);
  }
}

TEST_F(DeltaTest, IsEmptyWhereItWouldNotPay) {
  const Fd base = Old(Noise(2 * kMiB));
  const auto signature = SignatureOf(base.get(), 2 * kMiB);
  const auto loaded = DeltaBase::Load(signature.value());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ((*loaded)->DeltaTo(Noise(kMaxSegment, 2)), "");
  EXPECT_EQ((*loaded)->DeltaTo(""), "");
}

TEST_F(DeltaTest, RepeatedBlocksAreFound) {
  const Fd base = Old(std::string(8 * kMiB, '\0'));
  const auto signature = SignatureOf(base.get(), 8 * kMiB);
  const auto loaded = DeltaBase::Load(signature.value());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const std::string delta = (*loaded)->DeltaTo(std::string(kMaxSegment, '\0'));
  ASSERT_FALSE(delta.empty());
  EXPECT_EQ(ApplyDelta(base.get(), delta, kMaxSegment).value(),
            std::string(kMaxSegment, '\0'));
}

TEST_F(DeltaTest, SignaturesThatLieAreRefused) {
  const Fd base = Old(Noise(2 * kMiB));
  const std::string good = SignatureOf(base.get(), 2 * kMiB).value();
  std::vector<std::pair<std::string, std::string>> rows = {
      {"empty", ""},
      {"no sums", good.substr(0, 12)},
      {"cut", good.substr(0, good.size() - 1)},
      {"too many", good + std::string(12 * 32768, 'x')},
  };
  const auto edited = [&](size_t at, char byte) {
    std::string bytes = good;
    bytes[at] = byte;
    return bytes;
  };
  rows.push_back({"another kind", edited(3, 0x36)});
  rows.push_back({"blocks of gigabytes", edited(4, 0x40)});
  rows.push_back({"blocks of no power of two", edited(7, 1)});
  rows.push_back({"longer sums", edited(11, 32)});
  for (const auto& [why, signature] : rows) {
    EXPECT_FALSE(DeltaBase::Load(signature).ok()) << why;
  }
}

TEST_F(DeltaTest, DeltasThatDoNotFitAreRefused) {
  const Fd base = Old("0123456789");
  const std::string magic("rs\x02\x36", 4);
  // Commands: 0x45 copies from a byte's place a byte's count, 5 are five bytes
  // to be taken as they are, 0 ends it.
  const std::string copy = magic + std::string("\x45\x02\x03\x00", 4);
  EXPECT_EQ(ApplyDelta(base.get(), copy, 3).value(), "234");
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"empty", ""},
      {"another magic", "rs\x02\x37"},
      {"no end", copy.substr(0, copy.size() - 1)},
      {"more after the end", copy + "x"},
      {"from behind the end", magic + std::string("\x45\x09\x03\x00", 4)},
      {"too little", magic + std::string("\x45\x02\x02\x00", 4)},
      {"too much", magic + std::string("\x45\x02\x04\x00", 4)},
      {"nothing", magic + std::string("\x45\x02\x00\x00", 4)},
      {"gigabytes", magic + std::string("\x47\x00\x7f\xff\xff\xff\x00", 7)},
      {"cut", magic + "\x05two"},
      {"no command", magic + std::string("\xff\x00", 2)},
  };
  for (const auto& [why, delta] : rows) {
    EXPECT_TRUE(absl::IsDataLoss(ApplyDelta(base.get(), delta, 3).status()))
        << why;
  }
  EXPECT_FALSE(ApplyDelta(base.get(), copy, kMaxSegment + 1).ok());
}

// One sync after another, to a tree of the target's own and to a folder.
class DeltaSyncTest : public ::testing::TestWithParam<bool> {
 protected:
  DeltaSyncTest() : there_(GetParam() ? NewFolder() : "") {}
  ~DeltaSyncTest() override {
    if (!there_.empty()) RemoveFolder(there_);
  }

  SyncOutcome Sync() {
    const SyncOutcome outcome = rig_.Sync(there_);
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(ViewOf(outcome.done.path), ViewOf(rig_.here()));
    return outcome;
  }

  SyncRig rig_;
  const std::string there_;
};

TEST_P(DeltaSyncTest, AChangeOfALargeFileSendsLittleInTwoRoundTrips) {
  std::string bytes = Noise(20 * kMiB);
  WriteFile(rig_.Here("large"), bytes);
  Sync();
  bytes.replace(9 * kMiB, 5, "other");
  bytes.insert(kMiB, "inserted");
  WriteFile(rig_.Here("large"), bytes);
  WriteFile(rig_.Here("empty"), "");
  WriteFile(rig_.Here("small"), "before and after");
  const SyncOutcome outcome = Sync();
  EXPECT_EQ(outcome.round_trips, 2);
  EXPECT_LT(outcome.sent, 100'000u);
  EXPECT_LT(outcome.done.received, 150'000u);
}

TEST_P(DeltaSyncTest, AFileThatSharesNothingIsSentWhole) {
  WriteFile(rig_.Here("large"), Noise(9 * kMiB));
  Sync();
  WriteFile(rig_.Here("large"), Noise(10 * kMiB, 2));
  const SyncOutcome outcome = Sync();
  EXPECT_EQ(outcome.done.received, 10 * kMiB);
  EXPECT_EQ(outcome.round_trips, 3) << "more than the window";
}

TEST_P(DeltaSyncTest, SmallFilesHaveNoSignatures) {
  std::string bytes = Noise(kMiB - 1);
  WriteFile(rig_.Here("file"), bytes);
  Sync();
  bytes[0] ^= 1;
  WriteFile(rig_.Here("file"), bytes);
  rig_.on_reply = [](SyncReply* reply) {
    const auto* const wanted = std::get_if<ContentsWanted>(reply);
    EXPECT_TRUE(wanted == nullptr || wanted->signatures.empty());
    return true;
  };
  EXPECT_EQ(Sync().done.received, kMiB - 1);
}

TEST_P(DeltaSyncTest, ADeltaThatMakesSomethingElseIsFollowedByAllOfIt) {
  std::string bytes = Noise(5 * kMiB);
  for (const char* name : {"a", "b"}) {
    WriteFile(rig_.Here(name), bytes + name);
  }
  Sync();
  bytes[kMiB] ^= 1;
  for (const char* name : {"a", "b"}) {
    WriteFile(rig_.Here(name), bytes + name);
  }
  int seen = 0;
  rig_.on_request = [&](SyncRequest* request) {
    auto* const delta = std::get_if<SendDelta>(request);
    if (delta != nullptr && ++seen == 1) {
      delta->compressed = false;
      delta->bytes = std::string("rs\x02\x36\x00", 5);
      delta->delta_size = 5;
    }
    return true;
  };
  const SyncOutcome outcome = Sync();
  EXPECT_GT(seen, 1);
  EXPECT_EQ(outcome.round_trips, 3);
  EXPECT_GT(outcome.done.received, 5 * kMiB);
  EXPECT_LT(outcome.done.received, 6 * kMiB) << "only one file again";
}

TEST_P(DeltaSyncTest, AnOldVersionThatChangesUnderTheSyncDoesNoHarm) {
  std::string bytes = Noise(5 * kMiB);
  WriteFile(rig_.Here("large"), bytes);
  const std::string tree = Sync().done.path;
  bytes[kMiB] ^= 1;
  WriteFile(rig_.Here("large"), bytes);
  rig_.on_request = [&](SyncRequest* request) {
    if (std::holds_alternative<SendDelta>(*request) &&
        Exists(tree + "/large")) {
      RemoveFolder(tree + "/large");
    }
    return true;
  };
  EXPECT_EQ(Sync().done.received > 5 * kMiB, true);
}

INSTANTIATE_TEST_SUITE_P(All, DeltaSyncTest, ::testing::Bool(),
                         [](const auto& info) {
                           return info.param ? "Folder" : "OwnTree";
                         });

}  // namespace
}  // namespace dist
