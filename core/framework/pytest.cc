// pytest as an entry of the framework table.
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/framework/pytest_plugin_source.h"
#include "core/framework/pytest_records.h"
#include "core/framework/session.h"

namespace dist {
namespace {

constexpr absl::string_view kInterpreters[] = {"python3", "python"};

void AppendNumber(uint32_t n, std::string* out) {
  for (int shift = 0; shift < 32; shift += 8) {
    out->push_back(static_cast<char>(n >> shift & 0xff));
  }
}

std::string Numbers(const std::vector<uint32_t>& numbers) {
  std::string out;
  for (const uint32_t n : numbers) AppendNumber(n, &out);
  return out;
}

class PytestSession : public FrameworkSession {
 public:
  PytestSession(WorkerId worker, const WorkerSetup& setup)
      : setup_(setup), decoder_(worker) {}

  std::string Begin() override {
    const absl::string_view source = PytestPluginSource();
    std::string out;
    AppendNumber(static_cast<uint32_t>(source.size()), &out);
    absl::StrAppend(&out, source, ConfigRecord(setup_));
    return out;
  }

  std::string Encode(const NodeCommand& command) override {
    std::string out;
    if (const auto* run = std::get_if<RunTests>(&command)) {
      std::string payload;
      AppendNumber(run->lease, &payload);
      AppendRecord('R', payload + Numbers(run->positions), &out);
    } else if (const auto* back = std::get_if<ReturnTests>(&command)) {
      AppendRecord('V', Numbers(back->positions), &out);
    } else {
      AppendRecord('F', "", &out);
    }
    return out;
  }

  absl::Status Decode(absl::string_view bytes,
                      std::vector<NodeEvent>* events) override {
    return decoder_.Decode(bytes, events);
  }

 private:
  const WorkerSetup setup_;
  PytestDecoder decoder_;
};

}  // namespace

FrameworkEntry PytestFramework() {
  FrameworkEntry entry;
  entry.name = "pytest";
  entry.interpreters = kInterpreters;
  entry.argv = [](const std::vector<std::string>& interpreter, int fd) {
    std::vector<std::string> argv = interpreter;
    argv.insert(argv.end(), {"-c", std::string(PytestBootSource()),
                             absl::StrCat(fd)});
    return argv;
  };
  entry.open = [](WorkerId worker, const WorkerSetup& setup)
      -> std::unique_ptr<FrameworkSession> {
    return std::make_unique<PytestSession>(worker, setup);
  };
  return entry;
}

}  // namespace dist
