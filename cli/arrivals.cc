#include "cli/arrivals.h"

#include <stdio.h>
#include <sys/eventfd.h>

#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/model/version.h"
#include "transports/host_facts.h"
#include "transports/owned_fd.h"
#include "transports/serve/reception.h"
#include "transports/tls/key.h"

namespace dist {
namespace {

void Say(const std::string& line) {
  fprintf(stderr, "dist: %s\n", Printable(line).c_str());
}

absl::Status CheckOnePlace(const SocketAddress& a, const SocketAddress& b) {
  if (a.host == b.host && a.port == b.port) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "hosts are to come to ", to_string(a), " and to ", to_string(b),
      "\nhelp: let all --listen name one place; 0.0.0.0 and [::] are all of "
      "this machine's addresses"));
}

absl::StatusOr<std::shared_ptr<Reception>> Open(const HostAddress& host) {
  bool made = false;
  DIST_ASSIGN_OR_RETURN(const ServeKey key,
                        FindOrMakeServeKey(host.key_file, &made));
  SocketAddress address = host.socket;
  DIST_ASSIGN_OR_RETURN(OwnedFd listening, ListenAt("--listen", &address));
  fputs(DescribeReception(address, HostName(), host.key_file, key.Fingerprint(),
                          made)
            .c_str(),
        stderr);
  return std::make_shared<Reception>(std::move(listening), key, BuildVersion(),
                                     Say);
}

}  // namespace

absl::StatusOr<Arrivals> AwaitArrivals(
    const std::vector<HostAddress>& addresses, SignalWatch* signals) {
  const HostAddress* first = nullptr;
  size_t count = 0;
  for (const HostAddress& address : addresses) {
    if (address.transport != "listen") continue;
    if (count++ == 0) first = &address;
    DIST_RETURN_IF_ERROR(CheckOnePlace(first->socket, address.socket));
  }
  Arrivals arrivals;
  if (count == 0) return arrivals;
  DIST_ASSIGN_OR_RETURN(arrivals.reception, Open(*first));
  const OwnedFd stop(eventfd(0, EFD_CLOEXEC));
  signals->Start([&](const std::string&) { eventfd_write(stop.get(), 1); });
  Patience patience;
  patience.cancel_fd = stop.get();
  patience.note = Say;
  auto hosts = arrivals.reception->Await(count, patience);
  signals->Pause();
  if (!hosts.ok()) return hosts.status();
  arrivals.hosts = *std::move(hosts);
  return arrivals;
}

std::string DescribeReception(const SocketAddress& address,
                              const std::string& host,
                              const std::string& key_file,
                              const std::string& fingerprint, bool key_is_new) {
  SocketAddress reached = address;
  if (address.host == "0.0.0.0" || address.host == "::") reached.host = host;
  return absl::StrCat("dist: waits for hosts at ", to_string(address),
                      "\nkey: ", Printable(key_file), " (", fingerprint, ")",
                      key_is_new ? ", new" : "",
                      "\nthere, with that key: dist serve --dial ",
                      to_string(reached), "\n");
}

}  // namespace dist
