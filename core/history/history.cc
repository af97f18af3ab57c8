#include "core/history/history.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace dist {
namespace {

// A pace is believed from that many tests on, and these must take so long.
constexpr size_t kEnoughTests = 5;
constexpr uint64_t kEnoughMicros = 1000;
constexpr double kMostPace = 100;
// How much of the past a duration remembers: weight 1/3 for what is new.
constexpr uint32_t kMemory = 3;
// A run of fewer tests (a part of the known ones) does not make the others old.
constexpr size_t kCountingPart = 10;

constexpr uint32_t kNoHost = UINT32_MAX;

HistorySample* FindSample(uint32_t host, HistoryTest* test) {
  for (HistorySample& sample : test->samples) {
    if (sample.host == host) return &sample;
  }
  return nullptr;
}

void Blend(uint64_t micros, HistorySample* sample) {
  sample->runs = std::min(sample->runs, UINT32_MAX - 1) + 1;
  const double weight = 1.0 / std::min(sample->runs, kMemory);
  const auto old = static_cast<double>(sample->micros);
  sample->micros = static_cast<uint64_t>(
      std::llround(old + weight * (static_cast<double>(micros) - old)));
}

uint32_t FindHost(const History& history, absl::string_view name) {
  for (uint32_t i = 0; i < history.hosts.size(); ++i) {
    if (history.hosts[i].name == name) return i;
  }
  return kNoHost;
}

// What the host measured becomes the nameless one's where that knows nothing.
void Forget(uint32_t host, History* history) {
  const double factor = history->hosts[0].pace / history->hosts[host].pace;
  for (HistoryTest& test : history->tests) {
    HistorySample* sample = FindSample(host, &test);
    if (sample == nullptr) continue;
    if (FindSample(0, &test) == nullptr) {
      sample->host = 0;
      sample->micros = static_cast<uint64_t>(
          std::llround(static_cast<double>(sample->micros) * factor));
    } else {
      test.samples.erase(test.samples.begin() + (sample - test.samples.data()));
    }
  }
  history->hosts[host] = HistoryHost();
}

// A place for one more host: a new one, or that of the host not seen longest.
uint32_t PlaceForHost(History* history) {
  std::vector<HistoryHost>& hosts = history->hosts;
  if (hosts.size() < History::kMostHosts) {
    hosts.emplace_back();
    return static_cast<uint32_t>(hosts.size() - 1);
  }
  const auto oldest =
      std::min_element(hosts.begin() + 1, hosts.end(),
                       [](const HistoryHost& a, const HistoryHost& b) {
                         return a.last_run < b.last_run;
                       });
  const auto place = static_cast<uint32_t>(oldest - hosts.begin());
  Forget(place, history);
  return place;
}

std::vector<uint32_t> PlacesOf(const std::vector<std::string>& names,
                               History* history) {
  std::vector<uint32_t> places;
  for (const std::string& name : names) {
    const std::string known = name.substr(0, History::kLongestName);
    uint32_t place = FindHost(*history, known);
    // More hosts than there are places for: the rest share the nameless one.
    const bool room = places.size() + 1 < History::kMostHosts;
    if (place == kNoHost) place = room ? PlaceForHost(history) : 0;
    if (place != 0) history->hosts[place].name = known;
    history->hosts[place].last_run = history->runs;
    places.push_back(place);
  }
  return places;
}

void AddMeasurements(const MeasuredRun& run, History* history) {
  const std::vector<uint32_t> places = PlacesOf(run.hosts, history);
  std::vector<HistoryTest>& tests = history->tests;
  // The index holds views of the ids: they must not move.
  tests.reserve(tests.size() + run.measurements.size());
  absl::flat_hash_map<absl::string_view, size_t> index;
  index.reserve(tests.capacity());
  for (size_t i = 0; i < tests.size(); ++i) index.emplace(tests[i].id, i);
  for (const MeasuredRun::Measurement& measured : run.measurements) {
    if (measured.id.size() > History::kLongestName) continue;
    const auto known = index.find(measured.id);
    size_t place = known == index.end() ? tests.size() : known->second;
    if (known == index.end()) {
      tests.emplace_back().id = std::string(measured.id);
      index.emplace(tests.back().id, place);
    }
    HistoryTest& test = tests[place];
    test.last_run = history->runs;
    const uint32_t host = places[measured.host];
    HistorySample* sample = FindSample(host, &test);
    if (sample == nullptr) {
      sample = &test.samples.emplace_back();
      sample->host = host;
    }
    Blend(measured.micros, sample);
  }
}

// What the hosts whose pace is known say of a test, at pace 1; 0: nothing.
double MicrosAtPaceOne(const History& history, const HistoryTest& test,
                       const std::vector<bool>& known) {
  double sum = 0;
  int count = 0;
  for (const HistorySample& sample : test.samples) {
    if (!known[sample.host] || sample.micros < kEnoughMicros) continue;
    sum += static_cast<double>(sample.micros) / history.hosts[sample.host].pace;
    ++count;
  }
  return count == 0 ? 0 : sum / count;
}

// The host that measured most has pace 1.
uint32_t MostMeasured(const History& history) {
  std::vector<size_t> counts(history.hosts.size());
  for (const HistoryTest& test : history.tests) {
    for (const HistorySample& sample : test.samples) ++counts[sample.host];
  }
  return static_cast<uint32_t>(std::max_element(counts.begin(), counts.end()) -
                               counts.begin());
}

// One host after the other, that first which shares most tests with those
// already known.
void LearnPaces(History* history) {
  std::vector<bool> known(history->hosts.size());
  for (HistoryHost& host : history->hosts) host.pace = 1;
  for (uint32_t next = MostMeasured(*history); next != kNoHost;) {
    known[next] = true;
    std::vector<std::vector<float>> ratios(history->hosts.size());
    for (const HistoryTest& test : history->tests) {
      if (test.samples.size() < 2) continue;
      const double reference = MicrosAtPaceOne(*history, test, known);
      if (reference <= 0) continue;
      for (const HistorySample& sample : test.samples) {
        if (known[sample.host] || sample.micros < kEnoughMicros) continue;
        ratios[sample.host].push_back(
            static_cast<float>(static_cast<double>(sample.micros) / reference));
      }
    }
    next = kNoHost;
    for (uint32_t i = 0; i < ratios.size(); ++i) {
      if (ratios[i].size() < kEnoughTests) continue;
      if (next == kNoHost || ratios[i].size() > ratios[next].size()) next = i;
    }
    if (next == kNoHost) return;
    const auto middle = ratios[next].begin() + ratios[next].size() / 2;
    std::nth_element(ratios[next].begin(), middle, ratios[next].end());
    history->hosts[next].pace =
        std::clamp<double>(*middle, 1 / kMostPace, kMostPace);
  }
}

void Prune(History* history) {
  std::vector<HistoryTest>& tests = history->tests;
  const auto old = [&](const HistoryTest& test) {
    return history->runs - test.last_run > History::kForgottenAfter;
  };
  tests.erase(std::remove_if(tests.begin(), tests.end(), old), tests.end());
  if (tests.size() <= History::kMostTests) return;
  std::stable_sort(tests.begin(), tests.end(),
                   [](const HistoryTest& a, const HistoryTest& b) {
                     return a.last_run > b.last_run;
                   });
  tests.resize(History::kMostTests);
}

}  // namespace

void Absorb(const MeasuredRun& run, History* history) {
  if (run.measurements.empty()) return;
  if (run.measurements.size() >= history->tests.size() / kCountingPart) {
    ++history->runs;
  }
  AddMeasurements(run, history);
  if (history->hosts.size() > 1) LearnPaces(history);
  Prune(history);
}

double ReferenceMicros(const History& history, const HistoryTest& test) {
  double sum = 0;
  for (const HistorySample& sample : test.samples) {
    sum += static_cast<double>(sample.micros) / history.hosts[sample.host].pace;
  }
  return test.samples.empty() ? 0 : sum / test.samples.size();
}

absl::flat_hash_map<std::string, absl::Duration> ExpectedDurations(
    const History& history, absl::Span<const std::string> hosts) {
  // Each place once, with the number of its workers.
  std::vector<std::pair<uint32_t, double>> places;
  for (const std::string& name : hosts) {
    const uint32_t place = FindHost(history, name);
    const auto same =
        std::find_if(places.begin(), places.end(),
                     [&](const auto& p) { return p.first == place; });
    if (same == places.end()) {
      places.emplace_back(place, 1.0);
    } else {
      ++same->second;
    }
  }
  absl::flat_hash_map<std::string, absl::Duration> expected;
  expected.reserve(history.tests.size());
  for (const HistoryTest& test : history.tests) {
    const double reference = ReferenceMicros(history, test);
    double sum = 0;
    for (const auto& [place, weight] : places) {
      double micros =
          place == kNoHost ? reference : reference * history.hosts[place].pace;
      for (const HistorySample& sample : test.samples) {
        if (sample.host == place) micros = static_cast<double>(sample.micros);
      }
      sum += weight * micros;
    }
    const double mean =
        hosts.empty() ? reference : sum / static_cast<double>(hosts.size());
    expected.emplace(test.id, absl::Microseconds(std::llround(mean)));
  }
  return expected;
}

double PaceOf(const History& history, absl::string_view host) {
  const uint32_t place = FindHost(history, host);
  return place == kNoHost ? 1 : history.hosts[place].pace;
}

}  // namespace dist
