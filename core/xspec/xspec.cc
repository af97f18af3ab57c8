#include "core/xspec/xspec.h"

#include <algorithm>
#include <functional>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/nearest.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/xspec/address.h"

namespace dist {
namespace {

using Transport = XSpec::Transport;

enum class Value { kNone, kRequired };

struct Key {
  const char* name;
  Value value;
  const char* example;  // Of a whole item, for `help:`.
  std::optional<Transport> transport;
};

const std::vector<Key>& Keys() {
  static const auto* keys = new std::vector<Key>{
      {"popen", Value::kNone, "popen", Transport::kPopen},
      {"ssh", Value::kRequired, "ssh=user@host", Transport::kSsh},
      {"socket", Value::kRequired, "socket=host:8888", Transport::kSocket},
      {"exec", Value::kRequired, "exec=docker exec -i box sh",
       Transport::kExec},
      {"listen", Value::kRequired, "listen=0.0.0.0:8888", Transport::kListen},
      {"via", Value::kRequired, "via=bastion", std::nullopt},
      {"id", Value::kRequired, "id=linux", std::nullopt},
      {"python", Value::kRequired, "python=python3.11", std::nullopt},
      {"chdir", Value::kRequired, "chdir=/tmp/work", std::nullopt},
      {"nice", Value::kRequired, "nice=10", std::nullopt},
      {"dont_write_bytecode", Value::kNone, "dont_write_bytecode",
       std::nullopt},
      {"execmodel", Value::kRequired, "execmodel=main_thread_only",
       std::nullopt},
  };
  return *keys;
}

constexpr char kEnvPrefix[] = "env:";

const Key* FindKey(absl::string_view name) {
  for (const Key& key : Keys()) {
    if (name == key.name) return &key;
  }
  return nullptr;
}

// Keys that execnet knows and we do not: what to write instead.
std::string HelpForUnknownKey(absl::string_view key) {
  if (key == "ssh_config") return "write it as an argument: ssh=-F FILE host";
  if (key == "vagrant_ssh") return "exec=vagrant ssh NAME -- sh";
  if (key == "installvia") return "start 'dist serve' there, then socket=";
  if (key == "env") return "write env:NAME=VALUE";
  std::vector<std::string> known = {"env:NAME"};
  for (const Key& k : Keys()) known.push_back(k.name);
  return DidYouMean(key, known,
                    "'//' separates items and cannot be part of a value; the "
                    "keys are popen ssh socket exec listen via id python chdir "
                    "env:NAME nice dont_write_bytecode execmodel");
}

bool IsEnvName(absl::string_view name) {
  if (name.empty() || absl::ascii_isdigit(name[0])) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return absl::ascii_isalnum(c) || c == '_'; });
}

// A worker's name becomes part of file names and of lines of output.
bool IsWorkerName(absl::string_view name) {
  if (name.empty() || name[0] == '-' || name[0] == '.') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    const bool beyond_ascii = static_cast<unsigned char>(c) >= 0x80;
    return beyond_ascii || absl::ascii_isalnum(c) ||
           absl::StrContains("._-+@:", std::string(1, c));
  });
}

// Display columns of UTF-8 text, one per character.
size_t Columns(absl::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (c & 0xc0) != 0x80; });
}

class Parser {
 public:
  explicit Parser(absl::string_view text) : text_(text) {
    spec_.text = std::string(text);
  }

  absl::StatusOr<XSpec> Parse() {
    DIST_RETURN_IF_ERROR(CheckBytes());
    if (text_.empty()) return Error("no transport", 0, 0, kTryTransport);
    size_t at = 0;
    DIST_RETURN_IF_ERROR(TakeCount(&at));
    while (true) {
      const size_t end = std::min(text_.find("//", at), text_.size());
      DIST_RETURN_IF_ERROR(TakeItem(at, end));
      if (end == text_.size()) break;
      at = end + 2;
    }
    if (!transport_) {
      return Error("no transport", 0, text_.size(), kTryTransport);
    }
    return std::move(spec_);
  }

 private:
  static constexpr char kTryTransport[] =
      "say how to get there: popen, ssh=host, socket=host:port or "
      "exec=command";

  absl::Status Error(absl::string_view cause, size_t at, size_t size,
                     absl::string_view help) const {
    return XSpecError(text_, cause, at, size, help);
  }

  absl::Status CheckBytes() const {
    for (size_t i = 0; i < text_.size(); ++i) {
      const unsigned char byte = static_cast<unsigned char>(text_[i]);
      if (byte >= 0x20 && byte != 0x7f) continue;
      return Error(absl::StrCat("control character '",
                                Printable(text_.substr(i, 1)), "'"),
                   i, 1, "remove it");
    }
    return absl::OkStatus();
  }

  // Takes "N*". As in xdist only an integer before the first "*" is a count:
  // "exec=ls *" has none.
  absl::Status TakeCount(size_t* at) {
    const size_t star = text_.find('*');
    if (star == absl::string_view::npos) return absl::OkStatus();
    const absl::string_view number = text_.substr(0, star);
    const absl::string_view digits = absl::StripPrefix(number, "-");
    if (digits.empty() ||
        !std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit)) {
      return absl::OkStatus();
    }
    if (digits.size() != number.size() ||
        digits.find_first_not_of('0') == absl::string_view::npos) {
      return Error(absl::StrCat("'", number, "*' means no worker at all"), 0,
                   star + 1, "leave the --tx out, or write 1* or more");
    }
    if (!absl::SimpleAtoi(digits, &spec_.count) ||
        spec_.count > kMaxWorkersPerSpec) {
      return Error("too many workers", 0, star,
                   absl::StrCat("at most ", kMaxWorkersPerSpec));
    }
    spec_.count_text = std::string(number);
    *at = star + 1;
    return absl::OkStatus();
  }

  absl::Status TakeItem(size_t at, size_t end) {
    const absl::string_view item = text_.substr(at, end - at);
    if (item.empty()) {
      return Error("empty item", at, 0, "write one '//' between two items");
    }
    const size_t equals = item.find('=');
    const std::string name(item.substr(0, equals));
    std::optional<std::string> value;
    if (equals != absl::string_view::npos) {
      value = std::string(item.substr(equals + 1));
    }
    if (!seen_.insert(name).second) {
      return Error(absl::StrCat("duplicate key '", name, "'"), at, item.size(),
                   "give each key once");
    }
    spec_.items.push_back({name, value});
    item_at_ = at;
    item_size_ = item.size();
    return absl::StartsWith(name, kEnvPrefix) ? TakeEnv(name, value)
                                              : TakeKey(name, value);
  }

  absl::Status TakeEnv(const std::string& key,
                       const std::optional<std::string>& value) {
    const std::string name = key.substr(sizeof kEnvPrefix - 1);
    if (!IsEnvName(name)) {
      return ItemError(absl::StrCat("'", name, "' is no variable's name"),
                       "letters, digits and '_', as in env:PATH=/bin");
    }
    if (!value) {
      return ItemError(absl::StrCat("'", key, "' needs a value"),
                       absl::StrCat("as in ", key, "=1"));
    }
    spec_.env.emplace_back(name, *value);
    return absl::OkStatus();
  }

  absl::Status TakeKey(const std::string& name,
                       const std::optional<std::string>& value) {
    const Key* key = FindKey(name);
    if (key == nullptr) {
      item_size_ = name.empty() ? item_size_ : name.size();
      return ItemError(absl::StrCat("unknown key '", name, "'"),
                       HelpForUnknownKey(name));
    }
    if (key->value == Value::kNone && value) {
      return ItemError(absl::StrCat("'", name, "' takes no value"),
                       absl::StrCat("write only ", name));
    }
    if (key->value == Value::kRequired &&
        (!value || absl::StripAsciiWhitespace(*value).empty())) {
      return ItemError(absl::StrCat("'", name, "' needs a value"),
                       absl::StrCat("as in ", key->example));
    }
    return key->transport ? TakeTransport(*key, value.value_or(""))
                          : TakeSetting(name, value.value_or(""));
  }

  absl::Status TakeTransport(const Key& key, const std::string& value) {
    if (transport_) {
      return ItemError(absl::StrCat("two transports, '", transport_->name,
                                    "' and '", key.name, "'"),
                       "give each its own --tx");
    }
    transport_ = &key;
    spec_.transport = *key.transport;
    spec_.address = value;
    if (spec_.transport == Transport::kSsh) {
      return ItemStatus(ParseSshAddress(value).status(), key);
    }
    if (spec_.transport == Transport::kSocket) {
      return ItemStatus(ParseSocketAddress(value).status(), key);
    }
    if (spec_.transport == Transport::kListen) {
      return ItemStatus(ParseListenAddress("listen", value).status(), key);
    }
    return absl::OkStatus();
  }

  absl::Status TakeSetting(const std::string& name, const std::string& value) {
    if (name == "nice") return TakeNice(value);
    if (name == "id" && !IsWorkerName(value)) {
      return ItemError("a worker cannot have this name",
                       "letters, digits and '._-+@:', not '-' or '.' first");
    }
    if (name == "id") spec_.id = value;
    if (name == "via") spec_.via = value;
    if (name == "python") spec_.python = value;
    if (name == "chdir") spec_.chdir = value;
    if (name == "execmodel") spec_.execmodel = value;
    if (name == "dont_write_bytecode") spec_.dont_write_bytecode = true;
    return absl::OkStatus();
  }

  absl::Status TakeNice(const std::string& value) {
    int nice = 0;
    if (!absl::SimpleAtoi(value, &nice) || nice < -20 || nice > 19) {
      return ItemError("'nice' needs a whole number from -20 to 19",
                       "as in nice=10");
    }
    spec_.nice = nice;
    return absl::OkStatus();
  }

  absl::Status ItemError(absl::string_view cause,
                         absl::string_view help) const {
    return Error(cause, item_at_, item_size_, help);
  }

  absl::Status ItemStatus(const absl::Status& status, const Key& key) const {
    if (status.ok()) return status;
    return ItemError(std::string(status.message()),
                     absl::StrCat("as in ", key.example));
  }

  const absl::string_view text_;
  XSpec spec_;
  const Key* transport_ = nullptr;
  std::set<std::string> seen_;
  size_t item_at_ = 0;  // The item being parsed, for its errors.
  size_t item_size_ = 0;
};

}  // namespace

absl::StatusOr<XSpec> ParseXSpec(absl::string_view text) {
  return Parser(text).Parse();
}

std::string Format(const XSpec& spec) {
  std::string out;
  if (!spec.count_text.empty()) absl::StrAppend(&out, spec.count_text, "*");
  absl::string_view separator;
  for (const XSpec::Item& item : spec.items) {
    absl::StrAppend(&out, separator, item.key);
    if (item.value) absl::StrAppend(&out, "=", *item.value);
    separator = "//";
  }
  return out;
}

std::string to_string(Transport transport) {
  for (const Key& key : Keys()) {
    if (key.transport == transport) return key.name;
  }
  return "unknown";
}

absl::Status XSpecError(absl::string_view text, absl::string_view cause,
                        size_t at, size_t size, absl::string_view help) {
  const std::string shown = Printable(text);
  const size_t column = Columns(Printable(text.substr(0, at)));
  const size_t width = Columns(Printable(text.substr(at, size)));
  std::string message = absl::StrCat("--tx '", shown, "': ", Printable(cause));
  absl::StrAppend(&message, "\n  ", shown, "\n  ", std::string(column, ' '),
                  "^", std::string(width > 1 ? width - 1 : 0, '~'));
  if (!help.empty()) absl::StrAppend(&message, "\nhelp: ", help);
  return absl::InvalidArgumentError(message);
}

}  // namespace dist
