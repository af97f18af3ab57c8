#include "core/xspec/expand.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/nearest.h"
#include "core/base/status_macros.h"

namespace dist {
namespace {

// The error of one item of `spec`, which has it.
absl::Status ItemError(const XSpec& spec, absl::string_view key,
                       absl::string_view cause, absl::string_view help) {
  size_t at = spec.count_text.empty() ? 0 : spec.count_text.size() + 1;
  for (const XSpec::Item& item : spec.items) {
    const size_t size =
        item.key.size() + (item.value ? item.value->size() + 1 : 0);
    if (item.key == key) {
      return XSpecError(spec.text, cause, at, size, help);
    }
    at += size + 2;
  }
  return XSpecError(spec.text, cause, 0, spec.text.size(), help);
}

std::string NameOf(const XSpec& spec, int which, int* next_unnamed) {
  if (spec.id.empty()) return absl::StrCat("gw", (*next_unnamed)++);
  return spec.count > 1 ? absl::StrCat(spec.id, "-", which) : spec.id;
}

absl::Status DuplicateName(const WorkerSpec& first, const WorkerSpec& second) {
  // Point at the one that chose its name.
  const XSpec& named = second.spec.id.empty() ? first.spec : second.spec;
  const XSpec& other = second.spec.id.empty() ? second.spec : first.spec;
  return ItemError(
      named, "id",
      absl::StrCat("duplicate id '", second.name,
                   "', also the worker of --tx '", other.text, "'"),
      "give each its own id=");
}

// Which specification a name in `via=` leads to.
using Places = std::map<std::string, size_t>;

absl::Status ResolveVia(const Places& places, WorkerSpec* worker) {
  const XSpec& spec = worker->spec;
  if (spec.via.empty()) return absl::OkStatus();
  const auto place = places.find(spec.via);
  if (place != places.end()) {
    worker->via_index = place->second;
    return absl::OkStatus();
  }
  std::vector<std::string> known;
  for (const auto& [name, index] : places) known.push_back(name);
  return ItemError(
      spec, "via", absl::StrCat("no --tx has the id '", spec.via, "'"),
      DidYouMean(spec.via, known,
                 absl::StrCat("add --tx '...//id=", spec.via, "'")));
}

absl::Status CheckCircles(absl::Span<const XSpec> specs,
                          absl::Span<const WorkerSpec> workers) {
  std::vector<std::optional<size_t>> via(specs.size());
  for (const WorkerSpec& worker : workers) {
    via[worker.spec_index] = worker.via_index;
  }
  for (size_t start = 0; start < specs.size(); ++start) {
    std::optional<size_t> at = via[start];
    for (size_t steps = 0; at && steps < specs.size(); ++steps) at = via[*at];
    if (at) {
      return ItemError(specs[start], "via", "'via' leads back to itself",
                       "one of them must be reached directly");
    }
  }
  return absl::OkStatus();
}

std::string TextOf(const XSpec::Item& item) {
  return item.value ? absl::StrCat(item.key, "=", *item.value) : item.key;
}

bool Has(const XSpec& spec, const XSpec::Item& item) {
  return std::find(spec.items.begin(), spec.items.end(), item) !=
         spec.items.end();
}

// The items of `spec` that not all `others` have.
std::string Difference(const XSpec& spec,
                       absl::Span<const XSpec* const> others) {
  std::vector<std::string> parts;
  for (const XSpec::Item& item : spec.items) {
    const bool common =
        std::all_of(others.begin(), others.end(),
                    [&](const XSpec* other) { return Has(*other, item); });
    if (!common) parts.push_back(TextOf(item));
  }
  return absl::StrJoin(parts, "//");
}

}  // namespace

absl::StatusOr<std::vector<WorkerSpec>> ExpandSpecs(
    absl::Span<const XSpec> specs) {
  std::vector<WorkerSpec> workers;
  std::map<std::string, size_t> by_name;  // To places in `workers`.
  Places places;
  int next_unnamed = 0;
  for (size_t i = 0; i < specs.size(); ++i) {
    for (int n = 0; n < specs[i].count; ++n) {
      WorkerSpec worker{NameOf(specs[i], n, &next_unnamed), specs[i], i, {}};
      const auto [known, added] = by_name.emplace(worker.name, workers.size());
      if (!added) return DuplicateName(workers[known->second], worker);
      places.emplace(worker.name, i);
      workers.push_back(std::move(worker));
    }
  }
  for (size_t i = 0; i < specs.size(); ++i) {
    if (!specs[i].id.empty()) places.emplace(specs[i].id, i);
  }
  for (WorkerSpec& worker : workers) {
    DIST_RETURN_IF_ERROR(ResolveVia(places, &worker));
  }
  DIST_RETURN_IF_ERROR(CheckCircles(specs, workers));
  return workers;
}

std::vector<std::string> PlatformLabels(absl::Span<const WorkerSpec> workers) {
  // One of each specification: ten thousand workers are no ten thousand
  // specifications.
  std::map<size_t, const XSpec*> unnamed;
  for (const WorkerSpec& worker : workers) {
    if (worker.spec.id.empty()) {
      unnamed.emplace(worker.spec_index, &worker.spec);
    }
  }
  std::vector<const XSpec*> specs;
  for (const auto& [index, spec] : unnamed) specs.push_back(spec);
  std::map<size_t, std::string> difference;  // By specification.
  for (const auto& [index, spec] : unnamed) {
    difference[index] = Difference(*spec, specs);
  }
  std::vector<std::string> labels;
  std::map<std::string, int> uses;
  for (const WorkerSpec& worker : workers) {
    const bool chosen = !worker.spec.id.empty();
    labels.push_back(chosen ? worker.name : difference[worker.spec_index]);
    ++uses[labels.back()];
  }
  for (size_t i = 0; i < workers.size(); ++i) {
    if (labels[i].empty() || uses[labels[i]] > 1) labels[i] = workers[i].name;
  }
  return labels;
}

}  // namespace dist
