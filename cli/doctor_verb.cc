#include "cli/doctor_verb.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "cli/hosts.h"
#include "cli/plan.h"
#include "cli/table.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/xspec/expand.h"

namespace dist {
namespace {

// Beyond that, times of files and logs mislead.
constexpr absl::Duration kClocksDiffer = absl::Seconds(2);

// What a run without further words would use here.
bool IsPlain(const XSpec& spec) {
  return spec.transport == XSpec::Transport::kPopen && spec.via.empty() &&
         spec.python.empty() && spec.env.empty();
}

// A session that reads no file of the host's and collects nothing.
WorkerSetup SetupOf(const XSpec& spec) {
  WorkerSetup setup;
  setup.name = "doctor";
  setup.framework = "pytest";
  setup.python = spec.python;
  setup.env = spec.env;
  setup.env.emplace_back("PYTHONDONTWRITEBYTECODE", "1");
  setup.args = {"-o",        "addopts=",         "-c",
                "/dev/null", "--rootdir=/",      "--noconftest",
                "-p",        "no:cacheprovider", "/dev/null"};
  setup.collect_only = true;
  return setup;
}

// Each line made harmless.
std::string CleanLines(absl::string_view text) {
  std::string clean;
  for (const absl::string_view line :
       absl::StrSplit(text, '\n', absl::SkipWhitespace())) {
    absl::StrAppend(&clean, Printable(line), "\n");
  }
  return clean;
}

std::string Size(uint64_t bytes) {
  constexpr double kGiB = 1 << 30;
  constexpr double kMiB = 1 << 20;
  return bytes >= kGiB ? absl::StrFormat("%.1f GiB", bytes / kGiB)
                       : absl::StrFormat("%.0f MiB", bytes / kMiB);
}

std::string Cpus(const HostFindings& host) {
  const uint32_t usable = host.ready.cpus;
  const uint32_t all = host.probed.cpus;
  return usable < all ? absl::StrCat(usable, " of ", all)
                      : absl::StrCat(usable);
}

// A round trip tells no difference that is less than its half.
std::string Clock(const HostFindings& host) {
  const std::string error =
      absl::StrFormat("(%.1f ms)", absl::ToDoubleMilliseconds(host.trip / 2));
  if (absl::AbsDuration(host.clock) <= host.trip / 2) {
    return absl::StrCat("same ", error);
  }
  return absl::StrFormat("%+.3f s %s", absl::ToDoubleSeconds(host.clock),
                         error);
}

class Answer {
 public:
  Answer(const Examination& examination, const DoctorFindings& findings)
      : examination_(examination), findings_(findings) {}

  std::string Text() {
    Table table;
    table.Add({"host", "connected", "system", "CPUs", "Python", "pytest",
               "clock", "free", "cache"});
    std::string troubles;
    std::set<HostId> told;
    for (size_t i = 0; i < examination_.rows.size(); ++i) {
      table.Add(Cells(i));
      const HostId host = HostOf(i);
      if (!findings_.hosts[host.value()].reached && !told.insert(host).second) {
        continue;
      }
      std::string trouble = Trouble(i);
      if (trouble.empty()) trouble = Note(i);
      if (trouble.empty()) continue;
      absl::StrAppend(&troubles, "host ", Printable(Row(i).name), ": ",
                      CleanLines(trouble));
    }
    std::string text = table.Text();
    if (marked_) absl::StrAppend(&text, "* not as on this machine\n");
    if (findings_.interrupted) absl::StrAppend(&text, "interrupted\n");
    return absl::StrCat(text, troubles);
  }

  // Why no test can run, or what is wrong else; "": nothing.
  std::string Trouble(size_t i) const {
    const HostFindings& host = Host(i);
    if (!host.error.empty()) return host.error;
    if (!host.reached) return findings_.interrupted ? "interrupted" : "lost";
    if (!Worker(i).error.empty()) return Worker(i).error;
    if (Row(i).here || host.probed.cache_error.empty()) return "";
    return absl::StrCat(
        "nothing can be kept in ",
        host.probed.cache.empty() ? "a cache folder" : host.probed.cache, ": ",
        host.probed.cache_error,
        "\nhelp: make that folder writable for you alone; "
        "without it only --no-sync works there");
  }

  // What the user may want to know though tests can run; "": nothing.
  std::string Note(size_t i) const {
    const HostProbed& probed = Host(i).probed;
    if (probed.passed_over.empty()) return "";
    return absl::StrCat("things are kept in ", probed.cache, ", since ",
                        probed.passed_over);
  }

 private:
  const Examination::Row& Row(size_t i) const { return examination_.rows[i]; }
  HostId HostOf(size_t i) const { return examination_.setup.workers[i].host; }
  const HostFindings& Host(size_t i) const {
    return findings_.hosts[HostOf(i).value()];
  }
  const WorkerFindings& Worker(size_t i) const { return findings_.workers[i]; }

  // A cell that is marked where it differs from this machine's.
  std::string Compared(const std::string& here, const std::string& there) {
    if (here.empty() || there.empty() || here == there) {
      return there.empty() ? "-" : Printable(there);
    }
    marked_ = true;
    return absl::StrCat(Printable(there), "*");
  }

  std::vector<std::string> Cells(size_t i) {
    const HostFindings& host = Host(i);
    if (!host.reached) {
      return {
          Printable(Row(i).name), "failed", "-", "-", "-", "-", "-", "-", "-"};
    }
    const HostFindings& here = Host(examination_.local);
    std::string clock = Clock(host);
    if (absl::AbsDuration(host.clock) > kClocksDiffer + host.trip / 2) {
      marked_ = true;
      clock += "*";
    }
    const bool cached = host.probed.cache_error.empty();
    return {
        Printable(Row(i).name),
        absl::StrFormat("%.2f s", absl::ToDoubleSeconds(host.connected)),
        Compared(here.probed.system, host.probed.system),
        Cpus(host),
        Compared(Python(examination_.local), Python(i)),
        Compared(Pytest(examination_.local), Pytest(i)),
        clock,
        cached ? Size(host.probed.free_bytes) : "-",
        cached ? Printable(host.probed.cache) : "unusable",
    };
  }

  std::string Python(size_t i) const {
    return std::string(
        absl::StripPrefix(Worker(i).configured.language, "Python "));
  }
  std::string Pytest(size_t i) const {
    return std::string(
        absl::StripPrefix(Worker(i).configured.framework, "pytest-"));
  }

  const Examination& examination_;
  const DoctorFindings& findings_;
  bool marked_ = false;
};

}  // namespace

absl::StatusOr<Examination> PlanExamination(
    const std::vector<std::string>& args, const Arrivals& arrivals) {
  Examination examination;
  DIST_ASSIGN_OR_RETURN(const Request request, ReadRequest(args));
  const Options& options = request.options;
  examination.help = options.help || options.version;
  if (examination.help) return examination;
  if (!options.paths.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("doctor runs no test: ", Printable(options.paths[0]),
                     "\nhelp: dist doctor --tx SPEC says what a host is like"));
  }
  std::vector<XSpec> specs = options.tx;
  bool compared = false;
  for (const XSpec& spec : specs) compared = compared || IsPlain(spec);
  if (!compared) specs.push_back(*ParseXSpec("popen"));
  DIST_ASSIGN_OR_RETURN(const std::vector<WorkerSpec> workers,
                        ExpandSpecs(specs));
  DIST_ASSIGN_OR_RETURN(
      PlannedHosts hosts,
      PlanHosts(workers, {options.ssh, options.key_file, arrivals}));
  std::vector<bool> seen(specs.size(), false);
  for (size_t i = 0; i < workers.size(); ++i) {
    const WorkerSpec& worker = workers[i];
    if (seen[worker.spec_index]) continue;
    seen[worker.spec_index] = true;
    const HostId host = hosts.host_of[i];
    const HostAddress& address = hosts.addresses[host.value()];
    Examination::Row row;
    row.name = address.name;
    if (!worker.spec.python.empty()) {
      absl::StrAppend(&row.name, " python=", worker.spec.python);
    }
    row.asked = compared || worker.spec_index + 1 < specs.size();
    row.here = IsHere(address);
    if (IsPlain(worker.spec)) examination.local = examination.rows.size();
    examination.rows.push_back(std::move(row));
    examination.setup.workers.push_back({host, SetupOf(worker.spec)});
  }
  examination.setup.addresses = std::move(hosts.addresses);
  return examination;
}

std::string DescribeFindings(const Examination& examination,
                             const DoctorFindings& findings) {
  return Answer(examination, findings).Text();
}

ExitStatus StatusOf(const Examination& examination,
                    const DoctorFindings& findings) {
  if (findings.interrupted) return ExitStatus::kInterrupted;
  const Answer answer(examination, findings);
  size_t asked = 0;
  size_t usable = 0;
  for (size_t i = 0; i < examination.rows.size(); ++i) {
    if (!examination.rows[i].asked) continue;
    ++asked;
    if (answer.Trouble(i).empty()) ++usable;
  }
  if (usable == asked) return ExitStatus::kOk;
  return usable == 0 ? ExitStatus::kNoHost : ExitStatus::kIncomplete;
}

}  // namespace dist
