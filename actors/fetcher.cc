#include "actors/fetcher.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "actors/actor_class.h"
#include "core/base/text.h"
#include "sync/cache_home.h"
#include "sync/coverage_files.h"
#include "sync/gather.h"
#include "sync/target.h"

namespace dist {
namespace {

class FetcherActor {
 public:
  using Handle = FetcherHandle;
  static inline const char* name = "dist.fetcher";

  FetcherActor(Handle::pointer self, const FetchPlan& plan, HostId host,
               uint32_t connection, const std::vector<std::string>& trees,
               CommandLinkHandle link, FetchSinkHandle sink)
      : self_(self),
        plan_(plan),
        host_(host),
        connection_(connection),
        link_(std::move(link)),
        sink_(std::move(sink)) {
    const std::string home =
        absl::StrCat(plan_.folder, "/", plan_.hosts.at(host.value()));
    std::vector<std::string> globs = plan_.globs;
    globs.push_back(kCoverageFiles);
    for (size_t i = 0; i < trees.size(); ++i) {
      const std::string here = i == 0 ? home : absl::StrCat(home, "-", i + 1);
      Add(trees[i], globs, here);
      jobs_.back().tree = true;
    }
    Add("", {"**"}, absl::StrCat(home, "/tests"));
  }

  Handle::behavior_type make_behavior() {
    for (const Job& job : jobs_) {
      self_->send(link_, CommandMessage{job.request, 0});
    }
    return {
        [this](const HostSpoke& e) { OnHostSpoke(e); },
    };
  }

 private:
  struct Job {
    FetchFiles request;
    std::string here;
    bool tree = false;  // Of a synced tree, not the node's artifacts.
    std::unique_ptr<SyncTarget> target;
    bool ended = false;
  };

  void Add(const std::string& there, const std::vector<std::string>& globs,
           const std::string& here) {
    Job job;
    job.request = {static_cast<uint32_t>(jobs_.size() + 1), there, globs,
                   plan_.max_bytes, plan_.max_files};
    job.here = here;
    SyncTarget::Limits limits;
    limits.bytes = plan_.max_bytes;
    // With the folders that files are in.
    limits.entries = uint64_t{plan_.max_files} * 8;
    limits.links = false;
    limits.leave_out_wrong = true;
    limits.instead = "start one of them in another folder";
    job.target = std::make_unique<SyncTarget>(FindCacheHome().path, limits);
    jobs_.push_back(std::move(job));
  }

  void OnHostSpoke(const HostSpoke& e) {
    if (const auto* const said = std::get_if<FetchSaid>(&e.event)) {
      if (Job* const job = Find(said->number)) Write(job, said->message);
      self_->send(link_, Consumed{e.cost, Channel::kSync});
    } else if (const auto* const ended = std::get_if<FetchEnded>(&e.event)) {
      if (Job* const job = Find(ended->number)) {
        for (const std::string& note : ended->notes) Warn(note);
        End(job);
      }
    }
    const bool all = std::all_of(jobs_.begin(), jobs_.end(),
                                 [](const Job& job) { return job.ended; });
    if (all) Part();
  }

  Job* Find(uint32_t number) {
    if (number == 0 || number > jobs_.size()) return nullptr;
    Job* const job = &jobs_[number - 1];
    return job->ended ? nullptr : job;
  }

  // Where to, is not for the host to say.
  void Write(Job* job, SyncRequest message) {
    if (auto* const offer = std::get_if<OfferTree>(&message)) {
      offer->project = plan_.project;
      offer->folder = job->here;
    }
    for (SyncReply& reply : job->target->OnRequest(message)) {
      if (const auto* const failed = std::get_if<SyncFailed>(&reply)) {
        Warn(failed->text);
        return End(job);
      }
      if (const auto* const done = std::get_if<SyncDone>(&reply)) {
        for (const std::string& warning : done->warnings) Warn(warning);
      }
      self_->send(link_,
                  CommandMessage{
                      FetchAnswered{job->request.number, std::move(reply)}, 0});
    }
  }

  void Warn(const std::string& text) {
    fetched_.warnings.push_back(absl::StrCat("fetching: ", text));
  }

  void End(Job* job) {
    const bool came = job->target->done();
    job->ended = true;
    job->target.reset();  // Gives up its lock.
    if (!came) return;
    if (job->tree) {
      const auto moved = MoveCoverageFiles(
          absl::StrCat(job->here, plan_.cwd_in_tree.empty() ? "" : "/",
                       plan_.cwd_in_tree),
          plan_.cwd);
      if (!moved.ok()) return Warn(std::string(moved.status().message()));
      RemoveEmptyFolders(job->here);
    }
    fetched_.notes.push_back(absl::StrCat("fetched to ", Printable(job->here)));
  }

  void Part() {
    fetched_.host = host_;
    fetched_.connection = connection_;
    self_->send(sink_, std::move(fetched_));
    self_->quit();
  }

  const Handle::pointer self_;
  const FetchPlan plan_;
  const HostId host_;
  const uint32_t connection_;
  const CommandLinkHandle link_;
  const FetchSinkHandle sink_;
  std::vector<Job> jobs_;  // By number, less one.
  HostFetched fetched_;
};

}  // namespace

FetcherHandle SpawnFetcher(caf::actor_system& system, const FetchPlan& plan,
                           HostId host, uint32_t connection,
                           std::vector<std::string> trees,
                           CommandLinkHandle link, FetchSinkHandle sink) {
  return SpawnActor<FetcherActor, caf::detached>(
      system, plan, host, connection, std::move(trees), std::move(link),
      std::move(sink));
}

}  // namespace dist
