#include "transports/ssh/known_hosts.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace dist {
namespace {

// Takes the next word off `line`.
absl::string_view TakeWord(absl::string_view* line) {
  *line = absl::StripLeadingAsciiWhitespace(*line);
  const size_t end = line->find_first_of(" \t\r");
  const absl::string_view word = line->substr(0, end);
  line->remove_prefix(word.size());
  return word;
}

// Without recursion, so that "*a*a*a…" costs no more than length squared.
bool MatchesPattern(absl::string_view pattern, absl::string_view name) {
  size_t p = 0, n = 0;
  size_t star = absl::string_view::npos, retry = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      retry = n;
    } else if (p < pattern.size() &&
               (pattern[p] == '?' ||
                absl::ascii_tolower(pattern[p]) == name[n])) {
      ++p;
      ++n;
    } else if (star != absl::string_view::npos) {
      p = star + 1;
      n = ++retry;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool MatchesHash(absl::string_view hashed, absl::string_view name) {
  const std::vector<absl::string_view> parts = absl::StrSplit(hashed, '|');
  std::string salt, want;
  if (parts.size() != 4 || parts[1] != "1" ||
      !absl::Base64Unescape(parts[2], &salt) ||
      !absl::Base64Unescape(parts[3], &want)) {
    return false;
  }
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha1(), salt.data(), static_cast<int>(salt.size()),
       reinterpret_cast<const unsigned char*>(name.data()), name.size(), hash,
       &size);
  return want == absl::string_view(reinterpret_cast<char*>(hash), size);
}

}  // namespace

std::optional<KnownHostsLine> ParseKnownHostsLine(absl::string_view line) {
  KnownHostsLine out;
  absl::string_view word = TakeWord(&line);
  if (word.empty() || word[0] == '#') return std::nullopt;
  if (word[0] == '@') {
    if (word == "@cert-authority") {
      out.mark = KnownHostsMark::kAuthority;
    } else if (word == "@revoked") {
      out.mark = KnownHostsMark::kRevoked;
    } else {
      return std::nullopt;
    }
    word = TakeWord(&line);
  }
  out.names = std::string(word);
  out.type = std::string(TakeWord(&line));
  out.key = std::string(TakeWord(&line));
  std::string bytes;
  if (out.names.empty() || !absl::Base64Unescape(out.key, &bytes) ||
      bytes.empty()) {
    return std::nullopt;
  }
  return out;
}

bool MatchesKnownHost(absl::string_view names, absl::string_view name) {
  if (absl::StartsWith(names, "|")) return MatchesHash(names, name);
  bool matches = false;
  for (absl::string_view pattern : absl::StrSplit(names, ',')) {
    const bool negated = absl::ConsumePrefix(&pattern, "!");
    if (pattern.empty() || !MatchesPattern(pattern, name)) continue;
    if (negated) return false;
    matches = true;
  }
  return matches;
}

std::string KnownHostName(absl::string_view host, int port) {
  const std::string name = absl::AsciiStrToLower(host);
  return port == 22 ? name : absl::StrCat("[", name, "]:", port);
}

void KnownKeys::Add(absl::string_view text, absl::string_view file,
                    absl::string_view host, int port, absl::string_view alias) {
  const std::string full =
      alias.empty() ? KnownHostName(host, port) : absl::AsciiStrToLower(alias);
  const std::string plain = alias.empty() ? absl::AsciiStrToLower(host) : full;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    const auto parsed = ParseKnownHostsLine(line);
    if (!parsed) continue;
    const bool exact = MatchesKnownHost(parsed->names, full);
    if (!exact && !MatchesKnownHost(parsed->names, plain)) continue;
    keys_.push_back({parsed->mark, parsed->type, parsed->key,
                     absl::StrCat(file, ":", number), !exact});
  }
}

KnownKeys::Verdict KnownKeys::Judge(absl::string_view type,
                                    absl::string_view key,
                                    std::string* where) const {
  Verdict verdict = Verdict::kUnknown;
  where->clear();
  const auto decide = [&](Verdict better, const KnownKey& known) {
    verdict = better;
    *where = known.where;
  };
  for (const KnownKey& known : keys_) {
    if (known.mark == KnownHostsMark::kRevoked) {
      if (known.key != key) continue;
      decide(Verdict::kRevoked, known);
      return verdict;
    }
    if (known.mark == KnownHostsMark::kAuthority) continue;
    if (known.key == key) {
      if (verdict != Verdict::kKnown) decide(Verdict::kKnown, known);
    } else if (verdict != Verdict::kKnown && !known.without_port) {
      // A line for port 22 of this host need not hold for other ports.
      if (known.type == type && verdict != Verdict::kChanged) {
        decide(Verdict::kChanged, known);
      } else if (verdict == Verdict::kUnknown) {
        decide(Verdict::kOtherType, known);
      }
    }
  }
  return verdict;
}

std::vector<std::string> KnownKeys::Types() const {
  std::vector<std::string> types;
  for (const KnownKey& known : keys_) {
    if (known.mark == KnownHostsMark::kNone &&
        std::find(types.begin(), types.end(), known.type) == types.end()) {
      types.push_back(known.type);
    }
  }
  return types;
}

bool KnownKeys::NeedsCertificate() const {
  bool authority = false;
  for (const KnownKey& known : keys_) {
    if (known.mark == KnownHostsMark::kNone) return false;
    if (known.mark == KnownHostsMark::kAuthority) authority = true;
  }
  return authority;
}

}  // namespace dist
