// The ends of syncs here, which write and read files, with a lying host.
#include "actors/fetcher.h"

#include <gtest/gtest.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <functional>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "actors/protocol/register.h"
#include "actors/syncer.h"
#include "core/manifest/codec.h"
#include "sync/compress.h"
#include "tests/support/own_cache.h"
#include "tests/support/sync_rig.h"

namespace dist {
namespace {

CommandLinkHandle::behavior_type DeafLink(CommandLinkHandle::pointer,
                                          int /*unused*/) {
  return {[](const CommandMessage&) {}, [](const Consumed&) {}};
}

template <class Sink, class Answer>
typename Sink::behavior_type Keep(typename Sink::pointer self,
                                  std::promise<Answer>* answer) {
  return {[=](const Answer& e) {
    answer->set_value(e);
    self->quit();
  }};
}

class FetcherTest : public ::testing::Test {
 protected:
  FetcherTest() {
    plan_.folder = top_ + "/project/dist-artifacts";
    plan_.globs = {"**"};
    plan_.hosts = {"h"};
    plan_.cwd = top_ + "/project";
    plan_.project = std::string(32, 'a');
    plan_.max_bytes = 1000;
    MakeFolder(plan_.cwd);
    WriteFile(top_ + "/precious", "precious");
  }
  ~FetcherTest() override { RemoveFolder(top_); }

  // What the user hears of a host with no tree that says this of its artifacts.
  std::vector<std::string> Hears(const std::vector<SyncRequest>& said) {
    std::promise<HostFetched> fetched;
    const auto link = system_.spawn(DeafLink, 0);
    const auto fetcher = SpawnFetcher(
        system_, plan_, HostId(0), 1, {}, link,
        system_.spawn(Keep<FetchSinkHandle, HostFetched>, &fetched));
    for (const SyncRequest& request : said) {
      caf::anon_send(fetcher, HostSpoke{HostId(0), 1, FetchSaid{1, request}});
    }
    caf::anon_send(fetcher, HostSpoke{HostId(0), 1, FetchEnded{1, {}}});
    auto heard = fetched.get_future();
    const bool came =
        heard.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
    caf::anon_send_exit(link, caf::exit_reason::user_shutdown);
    if (!came) return {"nothing for 20 s"};
    return heard.get().warnings;
  }

  static OfferTree Offer(const std::vector<Entry>& entries) {
    const std::string bytes = EncodeManifest({entries});
    OfferTree offer;
    offer.project = "../../..";  // Nobody asks the host.
    offer.folder = "/etc";
    offer.hash = std::string(DigestOf(bytes).view());
    offer.manifest_size = bytes.size();
    offer.manifest = Compress(bytes);
    return offer;
  }

  static Entry File(const std::string& path, uint64_t size = 5) {
    Entry entry;
    entry.path = path;
    entry.size = size;
    entry.digest = DigestOf("right");
    return entry;
  }

  struct Config : caf::actor_system_config {
    Config() { RegisterMessages(*this); }
  };
  const OwnCache cache_;
  const std::string top_ = NewFolder();
  FetchPlan plan_;
  Config config_;
  caf::actor_system system_{config_};
};

TEST_F(FetcherTest, WhatAnHonestHostHasComes) {
  EXPECT_EQ(Hears({Offer({File("a")}), SendContents{5, false, "right"}}),
            std::vector<std::string>());
  EXPECT_EQ(ReadFile(plan_.folder + "/h/tests/a"), "right");
}

TEST_F(FetcherTest, OfWhatALyingHostSaysOneLineIsHeard) {
  Entry link = File("link");
  link.type = EntryType::kLink;
  link.target = "../../../../precious";
  const std::string bomb = Compress(std::string(100 << 20, '\0'));
  const std::vector<std::vector<SyncRequest>> lies = {
      {Offer({File("../../../../precious")})},
      {Offer({File("/etc/precious")})},
      {Offer({link})},
      {Offer({File("a", 1001)})},
      {Offer({File("a")}), SendContents{5, false, "wrong"}},
      {Offer({File("a")}), SendContents{5, true, bomb}},
      {Offer({File("a")}), SendContents{500, false, "right"}},
      {SendContents{5, false, "right"}},
  };
  for (const auto& lie : lies) {
    const std::vector<std::string> heard = Hears(lie);
    SCOPED_TRACE(heard.empty() ? "nothing" : heard[0]);
    ASSERT_EQ(heard.size(), 1u);
    EXPECT_TRUE(absl::StartsWith(heard[0], "fetching: "));
    EXPECT_EQ(heard[0].find('\n'), std::string::npos);
  }
  EXPECT_EQ(ReadFile(top_ + "/precious"), "precious");
  EXPECT_FALSE(Exists(plan_.folder + "/h/tests/a"));
  EXPECT_FALSE(Exists(plan_.folder + "/h/tests/link"));
}

TEST_F(FetcherTest, WhatHasChangedIsNamedAndTheRestComes) {
  Entry other = File("b");
  other.digest = DigestOf("other");
  EXPECT_EQ(
      Hears({Offer({File("a"), other}), SendContents{10, false, "wrongother"}}),
      (std::vector<std::string>{"fetching: left out: a: it was changed "
                                "or removed while it was fetched"}));
  EXPECT_FALSE(Exists(plan_.folder + "/h/tests/a"));
  EXPECT_EQ(ReadFile(plan_.folder + "/h/tests/b"), "other");
}

// The sync to that host ends; its link is the coordinator's to end.
TEST_F(FetcherTest, AHostThatAsksForWhatIsNotThereIsGivenUp) {
  WriteFile(top_ + "/here/a", "1");
  const std::vector<SyncReply> lies = {
      ContentsWanted{{{0, 2}}, {}}, ContentsWanted{{}, {{0, "signature"}}},
      ContentsWritten{1}, SyncDone{"/tree", 0, 0, {}}};
  for (size_t i = 0; i < lies.size(); ++i) {
    std::promise<HostSynced> synced;
    SyncPlan plan;
    plan.blocks = std::make_shared<BlockMaker>(SnapshotOf(top_ + "/here"));
    plan.project = std::string(32, 'a');
    plan.folders = {{""}};
    const auto link = system_.spawn(DeafLink, 0);
    const auto syncer =
        SpawnSyncer(system_, plan, HostId(0), 1, false, link,
                    system_.spawn(Keep<SyncSinkHandle, HostSynced>, &synced));
    caf::anon_send(syncer, HostSpoke{HostId(0), 1, SyncSaid{1, lies[i]}});
    auto heard = synced.get_future();
    ASSERT_EQ(heard.wait_for(std::chrono::seconds(20)),
              std::future_status::ready)
        << i;
    const std::string error = heard.get().error;
    // Of a tree that it says it has, nothing more can be known.
    EXPECT_EQ(error.empty(), i + 1 == lies.size()) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    caf::anon_send_exit(link, caf::exit_reason::user_shutdown);
  }
}

}  // namespace
}  // namespace dist
