#include "transports/ssh/settings.h"

#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/status_macros.h"
#include "core/base/text.h"
#include "core/xspec/address.h"

namespace dist {
namespace {

using Lines = std::multimap<std::string, std::string>;

Lines ReadLines(absl::string_view text) {
  Lines lines;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const size_t blank = line.find(' ');
    if (blank == absl::string_view::npos || blank == 0) continue;
    lines.emplace(
        absl::AsciiStrToLower(line.substr(0, blank)),
        std::string(absl::StripAsciiWhitespace(line.substr(blank + 1))));
  }
  return lines;
}

std::string First(const Lines& lines, const char* name) {
  const auto found = lines.find(name);
  return found == lines.end() ? "" : found->second;
}

// "none" is how OpenSSH spells "".
std::string Unless(const std::string& value, const char* none = "none") {
  return value == none ? "" : value;
}

std::string Changed(const Lines& lines, const Lines& defaults,
                    const char* name) {
  const std::string value = First(lines, name);
  return value == First(defaults, name) ? "" : value;
}

// Several file names on one line; those with blanks are in quotation marks.
std::vector<std::string> Names(const std::string& value) {
  const auto words = SplitShellWords(value);
  if (!words.ok()) return {value};
  std::vector<std::string> names;
  for (const std::string& word : *words) {
    if (word != "none") names.push_back(word);
  }
  return names;
}

bool Yes(const std::string& value) { return value == "yes" || value == "true"; }

std::vector<std::string> BeyondLibssh(const Lines& lines) {
  std::vector<std::string> beyond;
  const auto add_if = [&](bool needed, const char* keyword) {
    if (needed) beyond.push_back(keyword);
  };
  const auto is_set = [&](const char* name) {
    return !Unless(First(lines, name)).empty();
  };
  add_if(is_set("certificatefile"), "CertificateFile");
  add_if(is_set("pkcs11provider"), "PKCS11Provider");
  add_if(is_set("knownhostscommand"), "KnownHostsCommand");
  add_if(is_set("bindinterface"), "BindInterface");
  add_if(Yes(First(lines, "proxyusefdpass")), "ProxyUseFdpass");
  const std::string methods = First(lines, "preferredauthentications");
  add_if(!methods.empty() && !absl::StrContains(methods, "publickey"),
         "PreferredAuthentications");
  const std::string keys = First(lines, "pubkeyauthentication");
  add_if(keys == "no" || keys == "false", "PubkeyAuthentication no");
  return beyond;
}

int Number(const std::string& text, int otherwise) {
  int value = 0;
  return absl::SimpleAtoi(text, &value) && value >= 0 ? value : otherwise;
}

absl::StatusOr<std::string> Token(char letter, const SshTokens& tokens) {
  switch (letter) {
    case '%':
      return std::string("%");
    case 'n':
      return tokens.alias;
    case 'h':
      return tokens.host;
    case 'p':
      return tokens.port;
    case 'r':
      return tokens.user;
    case 'u':
      return tokens.local_user;
    case 'd':
      return tokens.home;
    case 'i':
      return tokens.uid;
    case 'k':
      return tokens.key_alias;
    case 'l':
      return tokens.local_host;
    case 'L':
      return tokens.local_host.substr(0, tokens.local_host.find('.'));
  }
  return absl::UnimplementedError(
      absl::StrCat("the token %", std::string(1, letter)));
}

}  // namespace

absl::StatusOr<SshSettings> ParseSshSettings(absl::string_view text,
                                             absl::string_view defaults) {
  const Lines lines = ReadLines(text);
  const Lines base = ReadLines(defaults);
  SshSettings settings;
  settings.host = First(lines, "hostname");
  settings.user = First(lines, "user");
  settings.port = Number(First(lines, "port"), 0);
  if (settings.host.empty() || settings.user.empty() || settings.port < 1 ||
      settings.port > 65535) {
    return absl::InvalidArgumentError(
        "the ssh configuration gives no host, user or port");
  }
  settings.alias = First(lines, "host");
  if (settings.alias.empty()) settings.alias = settings.host;

  const auto identities = lines.equal_range("identityfile");
  for (auto i = identities.first; i != identities.second; ++i) {
    if (i->second != "none") settings.identities.push_back(i->second);
  }
  settings.identities_only = Yes(First(lines, "identitiesonly"));
  settings.identity_agent =
      Unless(First(lines, "identityagent"), "SSH_AUTH_SOCK");
  const std::string keys = First(lines, "pubkeyauthentication");
  settings.public_keys = keys != "no" && keys != "false";
  settings.batch = Yes(First(lines, "batchmode"));
  settings.passphrase_prompts =
      Number(First(lines, "numberofpasswordprompts"), 3);

  settings.user_known_hosts = Names(First(lines, "userknownhostsfile"));
  settings.global_known_hosts = Names(First(lines, "globalknownhostsfile"));
  settings.host_key_alias = Unless(First(lines, "hostkeyalias"));

  settings.proxy_jump = Unless(First(lines, "proxyjump"));
  settings.proxy_command = Unless(First(lines, "proxycommand"));
  settings.address_family = First(lines, "addressfamily");
  settings.bind_address = Unless(First(lines, "bindaddress"));
  settings.connect_timeout = Number(First(lines, "connecttimeout"), 0);

  settings.ciphers = Changed(lines, base, "ciphers");
  settings.macs = Changed(lines, base, "macs");
  settings.key_exchanges = Changed(lines, base, "kexalgorithms");
  settings.host_key_algorithms = Changed(lines, base, "hostkeyalgorithms");
  settings.public_key_algorithms =
      Changed(lines, base, "pubkeyacceptedalgorithms");
  settings.compression = Yes(First(lines, "compression"));
  settings.beyond_libssh = BeyondLibssh(lines);
  return settings;
}

absl::StatusOr<std::string> ExpandSshTokens(
    absl::string_view text, const SshTokens& tokens,
    const char* (*variable)(const char* name)) {
  std::string out;
  size_t at = 0;
  if (text == "~" || absl::StartsWith(text, "~/")) {
    out = tokens.home;
    at = 1;
  }
  while (at < text.size()) {
    if (text[at] == '%') {
      if (at + 1 == text.size()) {
        return absl::InvalidArgumentError("nothing follows the last %");
      }
      DIST_ASSIGN_OR_RETURN(const std::string value,
                            Token(text[at + 1], tokens));
      out += value;
      at += 2;
    } else if (absl::StartsWith(text.substr(at), "${")) {
      const size_t end = text.find('}', at);
      if (end == absl::string_view::npos) {
        return absl::InvalidArgumentError("no closing } after ${");
      }
      const std::string name(text.substr(at + 2, end - at - 2));
      const char* value = variable(name.c_str());
      if (value == nullptr) {
        return absl::InvalidArgumentError(
            absl::StrCat("the variable ", Printable(name), " is not set"));
      }
      out += value;
      at = end + 1;
    } else {
      out += text[at++];
    }
  }
  return out;
}

absl::StatusOr<SshJump> ParseSshJump(absl::string_view text) {
  SshJump jump;
  absl::string_view last = text;
  if (const size_t comma = text.rfind(','); comma != text.npos) {
    jump.before = std::string(text.substr(0, comma));
    last = text.substr(comma + 1);
  }
  const auto bad = [&] {
    return absl::InvalidArgumentError(
        absl::StrCat("'", Printable(text), "' is no jump host"));
  };
  absl::ConsumePrefix(&last, "ssh://");
  absl::ConsumeSuffix(&last, "/");
  if (const size_t at = last.rfind('@'); at != last.npos) {
    jump.user = std::string(last.substr(0, at));
    last = last.substr(at + 1);
    if (jump.user.empty()) return bad();
  }
  absl::string_view port;
  if (absl::ConsumePrefix(&last, "[")) {
    const size_t end = last.find(']');
    if (end == last.npos) return bad();
    port = last.substr(end + 1);
    last = last.substr(0, end);
    if (!port.empty() && !absl::ConsumePrefix(&port, ":")) return bad();
    if (!port.empty() && port[0] == ':') return bad();
  } else if (const size_t colon = last.find(':');
             colon != last.npos && colon == last.rfind(':')) {
    port = last.substr(colon + 1);
    last = last.substr(0, colon);
    if (port.empty()) return bad();
  }
  if (!port.empty() && (!absl::SimpleAtoi(port, &jump.port) || jump.port < 1 ||
                        jump.port > 65535)) {
    return bad();
  }
  // The same names that --tx accepts: they end up on command lines.
  jump.host = std::string(last);
  SshAddress checked;
  const std::string who =
      jump.user.empty() ? jump.host : absl::StrCat(jump.user, "@", jump.host);
  if (absl::StrContains(who, " ") || absl::StrContains(who, "\\")) return bad();
  const auto parsed = ParseSshAddress(who);
  if (!parsed.ok() || parsed->host != jump.host || parsed->user != jump.user) {
    return bad();
  }
  return jump;
}

}  // namespace dist
