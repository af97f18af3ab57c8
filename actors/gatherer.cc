#include "actors/gatherer.h"

#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "actors/actor_class.h"
#include "core/base/overload.h"
#include "sync/artifacts_folder.h"
#include "sync/framing.h"
#include "sync/gather.h"
#include "sync/source.h"

namespace dist {
namespace {

class GathererActor {
 public:
  using Handle = GathererHandle;
  static inline const char* name = "dist.gatherer";

  GathererActor(Handle::pointer self, EventLinkHandle link,
                std::string artifacts, absl::Time since)
      : self_(self),
        link_(std::move(link)),
        artifacts_(std::move(artifacts)),
        since_(since) {}

  Handle::behavior_type make_behavior() {
    return {
        [this](const CommandMessage& e) { OnCommand(e.command); },
    };
  }

 private:
  void OnCommand(const NodeCommand& command) {
    if (ended_) return;
    std::visit(Overload{
                   [&](const FetchFiles& c) { Begin(c); },
                   [&](const FetchAnswered& c) { OnAnswer(c.message); },
                   [](const auto&) {},
               },
               command);
  }

  void Begin(const FetchFiles& fetch) {
    if (source_ != nullptr) return;
    number_ = fetch.number;
    const std::string& folder =
        fetch.folder.empty() ? artifacts_ : fetch.folder;
    if (folder.empty()) return End();
    if (fetch.folder.empty()) ArtifactsFolder::NameRemains(artifacts_);
    auto gathered = Gather({folder, fetch.globs, fetch.max_bytes,
                            fetch.max_files, absl::ToUnixNanos(since_)});
    if (!gathered.ok()) {
      notes_.push_back(std::string(gathered.status().message()));
      return End();
    }
    notes_ = std::move(gathered->notes);
    if (gathered->snapshot == nullptr) return End();
    source_ = std::make_unique<SyncSource>(
        std::make_shared<BlockMaker>(gathered->snapshot, FrameFetchSaid),
        SyncSource::Destination{number_, "", "", false, false});
    Push();
  }

  void OnAnswer(const SyncReply& reply) {
    if (source_ == nullptr) return;
    const absl::Status status = source_->OnReply(reply);
    if (!status.ok()) {
      notes_.push_back(std::string(status.message()));
      return End();
    }
    Push();
    if (source_->done()) End();
  }

  void Push() {
    while (!ended_) {
      auto next = source_->Next();
      if (!next.ok()) {
        notes_.push_back(std::string(next.status().message()));
        return End();
      }
      if (*next == nullptr) return;
      self_->send(link_, SendFramed{*std::move(next)});
    }
  }

  void End() {
    ended_ = true;
    source_.reset();
    self_->send(link_, EventMessage{FetchEnded{number_, std::move(notes_)}});
  }

  const Handle::pointer self_;
  const EventLinkHandle link_;
  const std::string artifacts_;
  const absl::Time since_;
  uint32_t number_ = 0;
  std::unique_ptr<SyncSource> source_;
  std::vector<std::string> notes_;
  bool ended_ = false;
};

}  // namespace

GathererHandle SpawnGatherer(caf::actor_system& system, EventLinkHandle link,
                             std::string artifacts, absl::Time since) {
  return SpawnActor<GathererActor, caf::detached>(system, std::move(link),
                                                  std::move(artifacts), since);
}

}  // namespace dist
