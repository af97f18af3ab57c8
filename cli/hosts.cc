#include "cli/hosts.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "transports/tls/key.h"

namespace dist {
namespace {

constexpr size_t kMaxName = 40;

// As the user would say it.
std::string ShortName(const XSpec& spec, const HostAddress& address) {
  if (spec.transport == XSpec::Transport::kPopen) return "localhost";
  if (!address.name.empty()) return address.name;  // It has said so.
  std::string name = spec.transport == XSpec::Transport::kSsh
                         ? address.ssh.host
                         : Printable(spec.address);
  if (name.size() > kMaxName) {
    name = absl::StrCat(name.substr(0, kMaxName - 3), "...");
  }
  if (address.via != nullptr)
    absl::StrAppend(&name, " via ", address.via->name);
  return name;
}

class Planner {
 public:
  Planner(absl::Span<const WorkerSpec> workers, const ReachOptions& options)
      : options_(options) {
    for (const WorkerSpec& worker : workers) {
      specs_.emplace(worker.spec_index, &worker);
    }
  }

  // The host of a specification.
  absl::StatusOr<HostId> Find(size_t index) {
    const WorkerSpec& worker = *specs_.at(index);
    const XSpec& spec = worker.spec;
    std::optional<HostId> via;
    if (worker.via_index) {
      DIST_ASSIGN_OR_RETURN(via, Find(*worker.via_index));
      if (spec.transport == XSpec::Transport::kPopen) return *via;
      if (IsHere(addresses_[via->value()])) via.reset();
    }
    const bool listens = spec.transport == XSpec::Transport::kListen;
    const std::string key = absl::StrCat(
        to_string(spec.transport), "\n", spec.address, "\n",
        via ? absl::StrCat(via->value()) : "", "\n", listens ? index : 0);
    const auto known = hosts_.find(key);
    if (known != hosts_.end()) return known->second;
    DIST_ASSIGN_OR_RETURN(HostAddress address, AddressOf(spec, via));
    const HostId host(static_cast<uint32_t>(addresses_.size()));
    addresses_.push_back(std::move(address));
    hosts_.emplace(key, host);
    return host;
  }

  std::vector<HostAddress> TakeAddresses() { return std::move(addresses_); }

 private:
  absl::StatusOr<HostAddress> AddressOf(const XSpec& spec,
                                        std::optional<HostId> via) {
    HostAddress address;
    address.transport = to_string(spec.transport);
    if (spec.transport == XSpec::Transport::kSsh) {
      DIST_ASSIGN_OR_RETURN(address.ssh, ParseSshAddress(spec.address));
      address.ssh_choice = options_.ssh;
    }
    if (spec.transport == XSpec::Transport::kExec) {
      address.command = spec.address;
    }
    if (spec.transport == XSpec::Transport::kSocket) {
      DIST_RETURN_IF_ERROR(AddSocket(spec, &address));
    }
    if (spec.transport == XSpec::Transport::kListen) {
      DIST_RETURN_IF_ERROR(AddArrival(spec, &address));
    }
    if (via) {
      const HostAddress& outer = addresses_[via->value()];
      // Its node runs there, not a shell.
      if (IsServed(outer.transport) || IsServed(address.transport)) {
        return NoWayThrough(spec);
      }
      // ssh needs a connection there, not a command.
      if (spec.transport == XSpec::Transport::kSsh &&
          (outer.transport != "ssh" || outer.via != nullptr)) {
        return SshNeedsSsh(spec);
      }
      address.via = std::make_shared<HostAddress>(outer);
    }
    address.name = Unique(ShortName(spec, address));
    return address;
  }

  std::string KeyFile() const {
    return options_.key_file.empty() ? DefaultKeyFile() : options_.key_file;
  }

  static bool IsServed(absl::string_view transport) {
    return transport == "socket" || transport == "listen";
  }

  absl::Status AddArrival(const XSpec& spec, HostAddress* address) {
    DIST_ASSIGN_OR_RETURN(address->socket,
                          ParseListenAddress("listen", spec.address));
    address->key_file = KeyFile();
    address->reception = options_.arrivals.reception;
    address->place = arrived_++;
    if (address->place < options_.arrivals.hosts.size()) {
      address->name = options_.arrivals.hosts[address->place];
    }
    return absl::OkStatus();
  }

  std::string Unique(const std::string& name) {
    std::string unique = name;
    for (int n = 2; !names_.insert(unique).second; ++n) {
      unique = absl::StrCat(name, " #", n);
    }
    return unique;
  }

  static absl::Status SshNeedsSsh(const XSpec& spec) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--tx ", spec.text,
        ": ssh goes through one other ssh host only\nhelp: write exec='ssh ",
        spec.address,
        " sh'//via=... to run ssh there, or name jump hosts with "
        "ssh='-J A,B HOST'"));
  }

  static absl::Status NoWayThrough(const XSpec& spec) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--tx ", spec.text,
        ": nothing leads through a dist serve, or to one through another "
        "host\nhelp: run dist serve on the host itself, or reach it by ssh= or "
        "exec=COMMAND"));
  }

  // The key is read now: a run without it need not begin.
  absl::Status AddSocket(const XSpec& spec, HostAddress* address) {
    DIST_ASSIGN_OR_RETURN(address->socket, ParseSocketAddress(spec.address));
    address->key_file = KeyFile();
    if (address->key_file.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--tx ", spec.text,
          ": there is no home folder to look for a key in\nhelp: name it with "
          "--key-file FILE"));
    }
    const absl::Status status = ReadServeKey(address->key_file).status();
    if (status.ok()) return status;
    return absl::Status(status.code(), absl::StrCat("--tx ", spec.text, ": ",
                                                    status.message()));
  }

  const ReachOptions options_;
  std::map<size_t, const WorkerSpec*> specs_;  // One worker of each.
  std::vector<HostAddress> addresses_;
  std::map<std::string, HostId> hosts_;
  std::set<std::string> names_;
  size_t arrived_ = 0;  // Of options_.arrivals, or to come.
};

}  // namespace

absl::StatusOr<PlannedHosts> PlanHosts(absl::Span<const WorkerSpec> workers,
                                       const ReachOptions& options) {
  PlannedHosts planned;
  Planner planner(workers, options);
  for (const WorkerSpec& worker : workers) {
    DIST_ASSIGN_OR_RETURN(const HostId host, planner.Find(worker.spec_index));
    planned.host_of.push_back(host);
  }
  planned.addresses = planner.TakeAddresses();
  return planned;
}

}  // namespace dist
