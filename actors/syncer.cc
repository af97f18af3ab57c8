#include "actors/syncer.h"

#include <memory>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "actors/actor_class.h"
#include "core/base/text.h"
#include "sync/source.h"

namespace dist {
namespace {

class SyncerActor {
 public:
  using Handle = SyncerHandle;
  static inline const char* name = "dist.syncer";

  SyncerActor(Handle::pointer self, const SyncPlan& plan, HostId host,
              uint32_t connection, bool fresh, CommandLinkHandle link,
              SyncSinkHandle sink)
      : self_(self),
        host_(host),
        connection_(connection),
        link_(std::move(link)),
        sink_(std::move(sink)) {
    for (const std::string& folder : plan.folders[host.value()]) {
      const auto tree = static_cast<uint32_t>(sources_.size() + 1);
      sources_.push_back(std::make_unique<SyncSource>(
          plan.blocks, SyncSource::Destination{tree, plan.project, folder,
                                               plan.likely_known, fresh}));
    }
  }

  Handle::behavior_type make_behavior() {
    for (uint32_t tree = 1; tree <= sources_.size(); ++tree) Push(tree);
    return {
        [this](const HostSpoke& e) { OnHostSpoke(e); },
    };
  }

 private:
  void OnHostSpoke(const HostSpoke& e) {
    const auto* const said = std::get_if<SyncSaid>(&e.event);
    if (said == nullptr) return;
    if (said->tree == 0 || said->tree > sources_.size()) {
      return Part("the sync of a tree that was not offered");
    }
    const absl::Status status =
        sources_[said->tree - 1]->OnReply(said->message);
    if (!status.ok()) return Part(std::string(status.message()));
    Push(said->tree);
    for (const auto& source : sources_) {
      if (!source->done()) return;
    }
    Part("");
  }

  // All that may be sent now.
  void Push(uint32_t tree) {
    while (true) {
      auto next = sources_[tree - 1]->Next();
      if (!next.ok()) return Part(std::string(next.status().message()));
      if (*next == nullptr) return;
      self_->send(link_, SendFramed{*std::move(next)});
    }
  }

  void Part(std::string error) {
    HostSynced synced;
    synced.host = host_;
    synced.connection = connection_;
    synced.error = std::move(error);
    for (const auto& source : sources_) {
      if (!synced.error.empty()) break;
      const SyncDone& done = *source->done();
      synced.paths.push_back(done.path);
      synced.notes.push_back(absl::StrCat("synced to ", Printable(done.path),
                                          ": ", done.changed, " changes, ",
                                          done.received, " bytes of contents"));
    }
    self_->send(sink_, std::move(synced));
    self_->quit();
  }

  const Handle::pointer self_;
  const HostId host_;
  const uint32_t connection_;
  const CommandLinkHandle link_;
  const SyncSinkHandle sink_;
  std::vector<std::unique_ptr<SyncSource>> sources_;  // By tree, less one.
};

}  // namespace

SyncerHandle SpawnSyncer(caf::actor_system& system, const SyncPlan& plan,
                         HostId host, uint32_t connection, bool fresh,
                         CommandLinkHandle link, SyncSinkHandle sink) {
  return SpawnActor<SyncerActor, caf::detached>(
      system, plan, host, connection, fresh, std::move(link), std::move(sink));
}

}  // namespace dist
