#include "transports/serve/dialer.h"

#include <sys/eventfd.h>
#include <sys/prctl.h>

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "transports/serve/greeting.h"
#include "transports/serve/run.h"
#include "transports/wait.h"

namespace dist {
namespace {

// Between two attempts: a user who starts a run should not wait for long.
constexpr absl::Duration kFirstPause = absl::Milliseconds(250);
constexpr absl::Duration kLongestPause = absl::Seconds(5);

// A fleet that lost its coordinator together must not come back together.
absl::Duration Jittered(absl::Duration pause) {
  static thread_local std::mt19937 random{std::random_device()()};
  return pause * std::uniform_real_distribution<>(0.7, 1.0)(random);
}

}  // namespace

Dialer::Dialer(Callee coordinator, const ServeKey& key, std::string host,
               ServeSettings settings)
    : coordinator_(std::move(coordinator)),
      key_(key),
      host_(std::move(host)),
      settings_(std::move(settings)),
      stop_(eventfd(0, EFD_CLOEXEC)),
      end_runs_(eventfd(0, EFD_CLOEXEC)) {}

void Dialer::Run() {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  Patience patience;
  patience.cancel_fd = stop_.get();
  absl::Duration pause = kFirstPause;
  while (stops_ == 0) {
    absl::StatusOr<TlsSession> tls = Offer();
    absl::Status status = tls.status();
    if (tls.ok()) {
      pause = kFirstPause;
      status = AwaitRun(&*tls);
    }
    if (status.ok()) {
      Serve(*std::move(tls));
      if (settings_.once) return;
    } else if (!absl::IsCancelled(status)) {
      Say(std::string(status.message()));
    }
    WaitAtMost(-1, 0, Jittered(pause), patience).IgnoreError();
    pause = std::min(2 * pause, kLongestPause);
  }
}

// A session with a coordinator that has taken note of us.
absl::StatusOr<TlsSession> Dialer::Offer() {
  Patience patience;
  patience.cancel_fd = stop_.get();
  const ServeRequest request = {ServeRequest::Kind::kOffer, settings_.version,
                                host_};
  DIST_ASSIGN_OR_RETURN(Call call,
                        CallPeer(coordinator_, key_, request, patience));
  const std::string where = to_string(coordinator_.address);
  if (call.reply.kind == ServeReply::Kind::kBusy) {
    return absl::ResourceExhaustedError(
        absl::StrCat(where, " has enough hosts: ", call.reply.text));
  }
  DIST_RETURN_IF_ERROR(RefusalOf(where, call.reply));
  if (call.reply.kind != ServeReply::Kind::kWait) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, " answers in another way"));
  }
  Say(absl::StrCat("waits at ", where, " for a run"));
  return std::move(call.tls);
}

// However long it takes: TCP tells when the coordinator's machine is gone.
absl::Status Dialer::AwaitRun(TlsSession* tls) {
  Patience patience;
  patience.cancel_fd = stop_.get();
  const absl::StatusOr<std::string> line = HearLine(tls, patience);
  if (absl::IsCancelled(line.status())) return line.status();
  const std::string where = to_string(coordinator_.address);
  if (!line.ok()) {
    return absl::UnavailableError(
        absl::StrCat(where, " is gone: ", line.status().message()));
  }
  const absl::StatusOr<ServeRequest> request = ParseServeRequest(*line);
  if (request.ok() && request->kind == ServeRequest::Kind::kNode &&
      request->version == settings_.version) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(where, " asks for something else than a node"));
}

void Dialer::Serve(TlsSession tls) {
  const std::string where = to_string(coordinator_.address);
  Say(absl::StrCat(where, ": a run begins"));
  runs_ = true;
  const std::string how = ServeRun(std::move(tls), settings_.node,
                                   settings_.spared, end_runs_.get());
  runs_ = false;
  Say(absl::StrCat(where, ": the run has ended: ", how));
}

void Dialer::Say(const std::string& line) {
  if (line == said_) return;
  said_ = line;
  settings_.log(line);
}

void Dialer::RequestStop() {
  if (stops_.fetch_add(1) > 0) {
    eventfd_write(end_runs_.get(), 1);
  } else if (runs_) {
    settings_.log("waits for 1 run to end; asked again, it ends it");
  }
  eventfd_write(stop_.get(), 1);
}

}  // namespace dist
