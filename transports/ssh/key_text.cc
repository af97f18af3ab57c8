#include "transports/ssh/key_text.h"

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace dist {
namespace {

constexpr char kIdentitiesAnswer = 12;

// Takes numbers and strings of RFC 4251 off the front of bytes.
class Reader {
 public:
  explicit Reader(absl::string_view bytes) : left_(bytes) {}

  bool Byte(char* value) {
    if (left_.empty()) return false;
    *value = left_[0];
    left_.remove_prefix(1);
    return true;
  }
  bool Number(uint32_t* value) {
    if (left_.size() < 4) return false;
    *value = 0;
    for (int i = 0; i < 4; ++i) {
      *value = *value << 8 | static_cast<unsigned char>(left_[i]);
    }
    left_.remove_prefix(4);
    return true;
  }
  bool String(std::string* value) {
    uint32_t size = 0;
    if (!Number(&size) || size > left_.size()) return false;
    *value = std::string(left_.substr(0, size));
    left_.remove_prefix(size);
    return true;
  }
  bool empty() const { return left_.empty(); }

 private:
  absl::string_view left_;
};

void AddNumber(uint32_t value, std::string* out) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>(value >> shift));
  }
}

void AddString(absl::string_view value, std::string* out) {
  AddNumber(static_cast<uint32_t>(value.size()), out);
  out->append(value.data(), value.size());
}

std::optional<PrivateKeyFacts> ParseOpenSshKey(absl::string_view body) {
  std::string bytes;
  if (!absl::Base64Unescape(body, &bytes)) return std::nullopt;
  absl::string_view rest = bytes;
  if (!absl::ConsumePrefix(&rest, absl::string_view("openssh-key-v1\0", 15))) {
    return std::nullopt;
  }
  Reader reader(rest);
  std::string cipher, kdf, kdf_options;
  uint32_t keys = 0;
  PrivateKeyFacts facts;
  if (!reader.String(&cipher) || !reader.String(&kdf) ||
      !reader.String(&kdf_options) || !reader.Number(&keys) || keys == 0 ||
      !reader.String(&facts.public_key)) {
    return std::nullopt;
  }
  facts.encrypted = cipher != "none";
  return facts;
}

}  // namespace

std::string KeyType(absl::string_view blob) {
  std::string type;
  return Reader(blob).String(&type) ? type : "";
}

std::optional<KeyBlob> ParsePublicKeyLine(absl::string_view text) {
  const absl::string_view line = text.substr(0, text.find('\n'));
  const std::vector<absl::string_view> words =
      absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
  KeyBlob blob;
  if (words.size() < 2 || !absl::Base64Unescape(words[1], &blob) ||
      blob.empty() || KeyType(blob) != words[0]) {
    return std::nullopt;
  }
  return blob;
}

std::optional<PrivateKeyFacts> ParsePrivateKey(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (!absl::ConsumePrefix(&text, "-----BEGIN ")) return std::nullopt;
  const size_t title_end = text.find("-----");
  if (title_end == absl::string_view::npos) return std::nullopt;
  const absl::string_view title = text.substr(0, title_end);
  if (!absl::EndsWith(title, "PRIVATE KEY")) return std::nullopt;
  absl::string_view body = text.substr(title_end + 5);
  body = body.substr(0, body.find("-----END "));
  if (title == "OPENSSH PRIVATE KEY") return ParseOpenSshKey(body);
  PrivateKeyFacts facts;
  facts.encrypted = absl::StrContains(title, "ENCRYPTED") ||
                    absl::StrContains(body, "ENCRYPTED");
  return facts;
}

absl::StatusOr<std::vector<AgentKey>> ParseAgentKeys(absl::string_view answer) {
  Reader reader(answer);
  char kind = 0;
  uint32_t count = 0;
  if (!reader.Byte(&kind) || kind != kIdentitiesAnswer ||
      !reader.Number(&count)) {
    return absl::InvalidArgumentError("the ssh-agent does not list its keys");
  }
  std::vector<AgentKey> keys;
  for (uint32_t i = 0; i < count; ++i) {
    AgentKey key;
    if (!reader.String(&key.blob) || !reader.String(&key.comment)) {
      return absl::InvalidArgumentError(
          "the ssh-agent's list of keys is cut off");
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

std::string FormatAgentKeys(const std::vector<AgentKey>& keys) {
  std::string body(1, kIdentitiesAnswer);
  AddNumber(static_cast<uint32_t>(keys.size()), &body);
  for (const AgentKey& key : keys) {
    AddString(key.blob, &body);
    AddString(key.comment, &body);
  }
  std::string out;
  AddString(body, &out);
  return out;
}

}  // namespace dist
