// Runs LLVMFuzzerTestOneInput without libFuzzer: over every file named as an
// argument, then over a fixed number of seeded mutations of them. Two runs do
// the same. What was running when it died is printed as a C string.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr int kMutations = 20000;
constexpr size_t kLongestInput = 4096;

std::string current_input;  // For the signal handler.

// Only what is safe in a signal handler: write(2).
void PrintInput(int signal_number) {
  static const char kHex[] = "0123456789abcdef";
  (void)!write(2, "\ninput: \"", 9);
  for (const char c : current_input) {
    const unsigned char byte = static_cast<unsigned char>(c);
    const char escaped[4] = {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    const bool plain = byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
    (void)!write(2, plain ? &c : escaped, plain ? 1 : 4);
  }
  (void)!write(2, "\"\n", 2);
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

void RunOne(const std::string& input) {
  current_input = input;
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()),
                         input.size());
}

class Mutator {
 public:
  explicit Mutator(std::vector<std::string> corpus)
      : corpus_(std::move(corpus)) {}

  std::string Next() {
    std::string input = corpus_[Below(corpus_.size())];
    for (size_t steps = 1 + Below(4); steps > 0; --steps) Mutate(&input);
    if (input.size() > kLongestInput) input.resize(kLongestInput);
    return input;
  }

 private:
  // Not std::uniform_int_distribution: libraries differ in it.
  size_t Below(size_t bound) { return bound == 0 ? 0 : random_() % bound; }

  void Mutate(std::string* input) {
    const size_t at = Below(input->size() + 1);
    const size_t size = Below(std::min<size_t>(input->size() - at, 16) + 1);
    switch (Below(5)) {
      case 0:
        input->insert(at, 1, static_cast<char>(Below(256)));
        break;
      case 1:
        if (at < input->size()) (*input)[at] = static_cast<char>(Below(256));
        break;
      case 2:
        input->erase(at, size);
        break;
      case 3:
        input->insert(Below(input->size() + 1), input->substr(at, size));
        break;
      default:
        Splice(input, at);
    }
  }

  // Part of another input: the corpus is the dictionary of its format.
  void Splice(std::string* input, size_t at) {
    const std::string& other = corpus_[Below(corpus_.size())];
    const size_t from = Below(other.size() + 1);
    input->insert(at, other, from, Below(other.size() - from + 1));
  }

  std::vector<std::string> corpus_;
  std::mt19937_64 random_{4711};
};

}  // namespace

int main(int argc, char** argv) {
  for (const int number : {SIGABRT, SIGSEGV, SIGFPE, SIGILL, SIGBUS}) {
    signal(number, PrintInput);
  }
  std::vector<std::string> corpus;
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "cannot read %s\n", argv[i]);
      return 1;
    }
    corpus.emplace_back(std::istreambuf_iterator<char>(file),
                        std::istreambuf_iterator<char>());
    RunOne(corpus.back());
  }
  if (corpus.empty()) {
    std::fprintf(stderr, "the corpus is empty\n");
    return 1;
  }
  Mutator mutator(std::move(corpus));
  for (int i = 0; i < kMutations; ++i) RunOne(mutator.Next());
  return 0;
}
