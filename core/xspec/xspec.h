// What follows --tx: where tests run, and how (docs: contract, section 3).
//
//    tx := [N "*"] item *("//" item)        item := key | key "=" value
//
// The grammar is execnet's; unlike execnet, what it does not know is an error.
#ifndef DIST_CORE_XSPEC_XSPEC_H_
#define DIST_CORE_XSPEC_XSPEC_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dist {

// One parsed specification. Fields hold the values as they were written.
struct XSpec {
  enum class Transport { kPopen, kSsh, kSocket, kExec, kListen };

  struct Item {
    std::string key;                   // "python", "env:HOME"
    std::optional<std::string> value;  // Nothing: the key stood alone.

    friend bool operator==(const Item& a, const Item& b) {
      return a.key == b.key && a.value == b.value;
    }
  };

  int count = 1;  // Workers there; 1 to kMaxWorkersPerSpec.
  Transport transport = Transport::kPopen;
  std::string address;  // The transport's value; empty for popen.
  std::string via;      // Empty: not given; likewise the next three.
  std::string id;
  std::string python;
  std::string chdir;
  std::vector<std::pair<std::string, std::string>> env;  // In given order.
  std::optional<int> nice;
  bool dont_write_bytecode = false;
  std::string execmodel;  // Accepted for compatibility; no effect.

  std::string text;         // The whole specification as it was given.
  std::string count_text;   // The digits before "*"; empty without "*".
  std::vector<Item> items;  // All items in given order.

  friend bool operator==(const XSpec& a, const XSpec& b) {
    return a.count_text == b.count_text && a.items == b.items;
  }
  friend bool operator!=(const XSpec& a, const XSpec& b) { return !(a == b); }
};

// More is a typing error: nobody has that many.
constexpr int kMaxWorkersPerSpec = 10000;

// Parses what follows --tx. Errors: InvalidArgument, several lines: the cause,
// the specification, a caret below the item at fault, and `help:`.
absl::StatusOr<XSpec> ParseXSpec(absl::string_view text);

// Returns exactly the text that `spec` was parsed from.
std::string Format(const XSpec& spec);

// "popen", "ssh", "socket", "exec" or "listen".
std::string to_string(XSpec::Transport transport);

// The error text of ParseXSpec, for checks that come later: `cause` about
// bytes [at, at + size) of the specification `text`. `help` may be empty.
absl::Status XSpecError(absl::string_view text, absl::string_view cause,
                        size_t at, size_t size, absl::string_view help);

}  // namespace dist

#endif  // DIST_CORE_XSPEC_XSPEC_H_
