// Ends of a sync that lie.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/manifest/codec.h"
#include "sync/compress.h"
#include "sync/source.h"
#include "sync/target.h"
#include "tests/support/link_swapper.h"
#include "tests/support/sync_rig.h"

namespace dist {
namespace {

class HostileTest : public ::testing::Test {
 protected:
  HostileTest() { WriteFile(rig_.Here("file"), std::string(300'000, 'x')); }

  // An offer of that manifest, whatever it holds.
  OfferTree Offer(const Manifest& manifest) {
    const std::string bytes = EncodeManifest(manifest);
    OfferTree offer;
    offer.project = rig_.project;
    offer.hash = std::string(DigestOf(bytes).view());
    offer.manifest_size = bytes.size();
    offer.manifest = Compress(bytes);
    return offer;
  }

  // What the target says to its last request; it must fail there.
  std::string FailsAt(const std::vector<SyncRequest>& requests) {
    SyncTarget target(rig_.cache());
    for (size_t i = 0; i < requests.size(); ++i) {
      const std::vector<SyncReply> replies = target.OnRequest(requests[i]);
      if (i + 1 < requests.size()) {
        EXPECT_FALSE(target.failed()) << i;
        continue;
      }
      EXPECT_TRUE(target.failed());
      if (!replies.empty()) {
        if (const auto* failed = std::get_if<SyncFailed>(&replies.back())) {
          return failed->text;
        }
      }
    }
    return "it did not fail";
  }

  Manifest OneFile(const std::string& path, uint64_t size = 5) {
    Manifest manifest;
    Entry entry;
    entry.path = path;
    entry.size = size;
    entry.digest = DigestOf("right");
    manifest.entries = {entry};
    return manifest;
  }

  SyncRig rig_;
};

TEST_F(HostileTest, PathsThatLeaveTheTreeAreRefused) {
  for (const char* path : {"../x", "/etc/x", "a/../../x", ".", "a//b"}) {
    EXPECT_TRUE(absl::StrContains(FailsAt({Offer(OneFile(path))}), "the path"))
        << path;
  }
}

TEST_F(HostileTest, FilesBelowALinkAreRefused) {
  Manifest manifest = OneFile("d/x");
  Entry link;
  link.path = "d";
  link.type = EntryType::kLink;
  link.target = "/tmp";
  manifest.entries.insert(manifest.entries.begin(), link);
  EXPECT_EQ(FailsAt({Offer(manifest)}), "'d/x' is in no folder");
}

TEST_F(HostileTest, ProjectsThatAreNoNamesAreRefused) {
  for (const char* project : {"", "..", "../../../../../../etc/x", "ABCDEF",
                              "0123456789abcdef/../0123456789"}) {
    OfferTree offer = Offer(OneFile("a"));
    offer.project = project;
    EXPECT_EQ(FailsAt({offer}), "malformed name of a project") << project;
  }
}

TEST_F(HostileTest, AManifestMustBeWhatItsHashSays) {
  OfferTree offer = Offer(OneFile("a"));
  offer.hash[0] ^= 1;
  EXPECT_EQ(FailsAt({offer}), "the manifest is not what its hash says");
}

TEST_F(HostileTest, NothingGrowsBeyondWhatWasAnnounced) {
  const std::string bomb = Compress(std::string(100 << 20, '\0'));
  OfferTree offer = Offer(OneFile("a"));
  offer.manifest = bomb;
  EXPECT_EQ(FailsAt({offer}), "compressed bytes are not what they say");
  offer.manifest_size = uint64_t{1} << 40;
  EXPECT_EQ(FailsAt({offer}), "a manifest larger than 64 MiB");
  const OfferTree good = Offer(OneFile("a"));
  EXPECT_EQ(FailsAt({good, SendContents{5, true, bomb}}),
            "compressed bytes are not what they say");
  EXPECT_EQ(FailsAt({good, SendContents{kMaxBlock + 1, true, bomb}}),
            "a block of contents that lies about its size");
  EXPECT_EQ(FailsAt({good, SendContents{1, false, "right"}}),
            "a block of contents that lies about its size");
  EXPECT_EQ(FailsAt({good, SendContents{0, false, ""}}),
            "a block of contents that lies about its size");
}

TEST_F(HostileTest, AContentMustBeWhatItsHashSays) {
  const OfferTree offer = Offer(OneFile("a"));
  EXPECT_EQ(FailsAt({offer, SendContents{5, false, "wrong"}}),
            "a: the content is not what its hash says");
  Manifest two = OneFile("a");
  two.entries.push_back(two.entries[0]);
  two.entries[1].path = "b";
  two.entries[1].digest = DigestOf("other");
  EXPECT_EQ(FailsAt({Offer(two), SendContents{10, false, "rightwrong"}}),
            "b: the content is not what its hash says");
}

TEST_F(HostileTest, NoMoreContentsThanAskedForAreTaken) {
  EXPECT_EQ(FailsAt({Offer(OneFile("a")), SendContents{6, false, "right!"}}),
            "more contents than were asked for");
}

TEST_F(HostileTest, AFailedSyncLeavesNothing) {
  FailsAt({Offer(OneFile("a")), SendContents{5, false, "wrong"}});
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(rig_.cache())) {
    if (!entry.is_regular_file()) continue;
    EXPECT_EQ(entry.path().filename(), "lock") << entry.path();
  }
}

TEST_F(HostileTest, WhoSpeaksOutOfTurnIsNotHeard) {
  const std::string turn = "the other end of the sync speaks out of turn";
  const OfferTree offer = Offer(OneFile("a"));
  EXPECT_EQ(FailsAt({SendContents{1, false, "x"}}), turn);
  EXPECT_EQ(FailsAt({SendManifest{"x", true}}), turn);
  EXPECT_EQ(FailsAt({offer, offer}), turn);
  EXPECT_EQ(FailsAt({offer, SendManifest{"x", true}}), turn);
  OfferTree no_hash = offer;
  no_hash.hash = "short";
  EXPECT_EQ(FailsAt({no_hash}), turn);
  SyncTarget target(rig_.cache());
  target.OnRequest(SendManifest{"x", true});
  EXPECT_TRUE(target.OnRequest(offer).empty()) << "it has failed";
}

TEST_F(HostileTest, WhatComesUnaskedIsBoundedAndWhatWasAnnounced) {
  OfferTree offer = Offer(OneFile("a"));
  offer.contents_follow = true;
  // Taken: it has nothing.
  EXPECT_EQ(FailsAt({offer, SendContents{5, false, "wrong"}}),
            "a: the content is not what its hash says");
  EXPECT_EQ(FailsAt({offer, SendContents{6, false, "right!"}}),
            "more contents than were asked for");
  OfferTree blind = offer;
  blind.manifest.clear();
  EXPECT_EQ(FailsAt({blind}), "the other end of the sync speaks out of turn");
  OfferTree large = Offer(OneFile("a", kMaxUnasked + 1));
  large.contents_follow = true;
  EXPECT_EQ(FailsAt({large}), "more than 4 MiB sent unasked");
  // Dropped: it has the tree.
  SyncTarget target(rig_.cache());
  target.OnRequest(offer);
  target.OnRequest(SendContents{5, false, "right"});
  ASSERT_TRUE(target.done());
  rig_.project = std::string(32, 'b');
  OfferTree again = Offer(OneFile("b"));
  again.contents_follow = true;
  const std::string lies = "a block of contents that lies about its size";
  EXPECT_EQ(FailsAt({again, SendContents{6, false, "right!"}}), lies);
  EXPECT_EQ(FailsAt({again, SendContents{0, false, ""}}), lies);
  EXPECT_EQ(FailsAt({again, SendContents{3, false, "rig"},
                     SendContents{3, false, "ht!"}}),
            lies);
  EXPECT_EQ(FailsAt({again, SendContents{5, false, "right"},
                     SendContents{1, false, "!"}}),
            "the other end of the sync speaks out of turn");
}

TEST_F(HostileTest, ASourceSendsNoFileThatIsNotInItsManifest) {
  const auto blocks = std::make_shared<BlockMaker>(SnapshotOf(rig_.here()));
  using Runs = std::vector<std::pair<uint32_t, uint32_t>>;
  for (const Runs& runs :
       {Runs{{1, 1}}, Runs{{0, 2}}, Runs{{0, 0}}, Runs{{0, 1}, {0, 1}},
        Runs{{0xffffffffu, 0xffffffffu}}}) {
    SyncSource source(blocks, {rig_.project, "", false});
    EXPECT_EQ(source.OnReply(ContentsWanted{runs, {}}).message(),
              "the other end asks for files that do not exist");
  }
}

TEST_F(HostileTest, ASourceIsNotDrivenBeyondItsWindow) {
  const auto blocks = std::make_shared<BlockMaker>(SnapshotOf(rig_.here()));
  SyncSource source(blocks, {rig_.project, "", true});
  EXPECT_FALSE(source.OnReply(ContentsWritten{1}).ok());
  EXPECT_TRUE(source.OnReply(ManifestWanted{}).ok());
  EXPECT_FALSE(source.OnReply(ManifestWanted{}).ok());
  EXPECT_TRUE(source.OnReply(ContentsWanted{{{0, 1}}, {}}).ok());
  EXPECT_FALSE(source.OnReply(SyncDone{}).ok()) << "nothing has been sent";
  EXPECT_FALSE(source.OnReply(ContentsWanted{{{0, 1}}, {}}).ok());
}

TEST_F(HostileTest, ASourceTakesSignaturesOfItsFilesOnlyOnceAndBounded) {
  const auto blocks = std::make_shared<BlockMaker>(SnapshotOf(rig_.here()));
  const auto asked = [&](ContentsWanted wanted) {
    SyncSource source(blocks, {rig_.project, "", true});
    absl::Status status = source.OnReply(std::move(wanted));
    while (status.ok()) {
      const auto next = source.Next();
      if (!next.ok()) return next.status();
      if (!next->has_value()) break;
    }
    return status;
  };
  EXPECT_TRUE(absl::IsInvalidArgument(asked({{}, {{0, "malformed"}}})));
  EXPECT_TRUE(absl::IsInvalidArgument(asked({{}, {{1, ""}}})));
  EXPECT_TRUE(absl::IsDataLoss(asked({{}, {{0, ""}, {0, ""}}})));
  EXPECT_TRUE(absl::IsDataLoss(
      asked({{}, {{0, std::string(kMaxSignatures + 1, 'x')}}})));
}

TEST_F(HostileTest, DeltasThatWereNotAskedForAreRefused) {
  const OfferTree offer = Offer(OneFile("a"));
  EXPECT_EQ(FailsAt({offer, SendDelta{5, 5, false, "right"}}),
            "a delta that was not asked for");
  EXPECT_EQ(FailsAt({SendDelta{5, 5, false, "right"}}),
            "the other end of the sync speaks out of turn");
  const std::string lies = "a delta that lies about its size";
  EXPECT_EQ(FailsAt({offer, SendDelta{0, 5, false, "right"}}), lies);
  EXPECT_EQ(FailsAt({offer, SendDelta{5, 0, false, ""}}), lies);
  EXPECT_EQ(FailsAt({offer, SendDelta{5, 4, false, "right"}}), lies);
  EXPECT_EQ(FailsAt({offer, SendDelta{kMaxSegment + 1, 5, false, "right"}}),
            lies);
  EXPECT_EQ(FailsAt({offer, SendDelta{5, kMaxDelta + 1, true, "right"}}), lies);
  EXPECT_EQ(FailsAt({offer, SendDelta{5, 5, true, "right"}}),
            "compressed bytes are not what they say");
}

TEST_F(HostileTest, AFileThatChangesMeanwhileIsReported) {
  const auto snapshot = SnapshotOf(rig_.here());
  WriteFile(rig_.Here("file"), std::string(300'000, 'y'));
  SyncTarget target(rig_.cache());
  const SyncOutcome outcome = rig_.SyncTo(&target, snapshot);
  EXPECT_TRUE(absl::StartsWith(outcome.error, "file changed during the sync"))
      << outcome.error;
}

TEST_F(HostileTest, WhatWasThereStillArrivesIfAFileIsTouchedOrGrows) {
  WriteFile(rig_.Here("replaced"), "the same");
  const std::string old = ReadFile(rig_.Here("file"));
  const auto snapshot = SnapshotOf(rig_.here());
  SetTime(rig_.Here("file"), 7);
  WriteFile(rig_.Here("file"), old + "and more");
  unlink(rig_.Here("replaced").c_str());
  WriteFile(rig_.Here("replaced"), "the same", 0600);
  SyncTarget target(rig_.cache());
  const SyncOutcome outcome = rig_.SyncTo(&target, snapshot);
  ASSERT_EQ(outcome.error, "");
  EXPECT_EQ(ReadFile(outcome.done.path + "/file"), old);
  EXPECT_EQ(ReadFile(outcome.done.path + "/replaced"), "the same");
}

// Somebody swaps a folder for a link to a folder of theirs, all the time.
TEST_F(HostileTest, NoLinkThatAppearsMeanwhileIsFollowed) {
  const std::string there = NewFolder();
  const std::string outside = NewFolder();
  WriteFile(outside + "/old", "precious");
  for (int i = 0; i < 40; ++i) {
    WriteFile(rig_.Here(absl::StrCat("d/e/f", i)), absl::StrCat(i));
  }
  LinkSwapper attacker(there + "/d", outside);
  // Whether a sync succeeds is a matter of luck; where it writes is not.
  for (int i = 0; i < 60 || attacker.swaps() < 100; ++i) {
    WriteFile(rig_.Here("d/e/f1"), absl::StrCat("round ", i));
    WriteFile(rig_.Here(absl::StrCat("d/g", i % 3)), absl::StrCat(i));
    rig_.Sync(there);
  }
  attacker.Stop();
  EXPECT_EQ(ViewOf(outside).size(), 1u);
  EXPECT_EQ(ReadFile(outside + "/old"), "precious");
  RemoveFolder(there);
  RemoveFolder(outside);
}

}  // namespace
}  // namespace dist
