#include "transports/ssh/key_text.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace dist {
namespace {

std::string Number(uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
  return out;
}

std::string String(const std::string& text) {
  return Number(static_cast<uint32_t>(text.size())) + text;
}

std::string Blob(const std::string& type) {
  return String(type) + String("key");
}

std::string OpenSshKey(const std::string& cipher, const std::string& rest) {
  const std::string body = std::string("openssh-key-v1\0", 15) +
                           String(cipher) + String("bcrypt") + String("salt") +
                           rest;
  return absl::StrCat("-----BEGIN OPENSSH PRIVATE KEY-----\n",
                      absl::Base64Escape(body),
                      "\n-----END OPENSSH PRIVATE KEY-----\n");
}

TEST(PublicKeyLineTest, GivesTheKey) {
  const std::string blob = Blob("ssh-ed25519");
  const auto got = ParsePublicKeyLine(
      absl::StrCat("ssh-ed25519 ", absl::Base64Escape(blob), " me@here\nx"));
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(*got, blob);
  EXPECT_EQ(KeyType(*got), "ssh-ed25519");
}

TEST(PublicKeyLineTest, OthersAreNone) {
  const std::string key = absl::Base64Escape(Blob("ssh-ed25519"));
  for (const std::string& text :
       {std::string(), std::string("ssh-ed25519"),
        std::string("ssh-ed25519 ???"), "ssh-rsa " + key, key}) {
    EXPECT_FALSE(ParsePublicKeyLine(text).has_value()) << text;
  }
}

TEST(PrivateKeyTest, OpenSshFormShowsItsPublicKey) {
  const std::string blob = Blob("ssh-rsa");
  const auto plain =
      ParsePrivateKey(OpenSshKey("none", Number(1) + String(blob) + "secret"));
  ASSERT_TRUE(plain.has_value());
  EXPECT_FALSE(plain->encrypted);
  EXPECT_EQ(plain->public_key, blob);
  const auto locked =
      ParsePrivateKey(OpenSshKey("aes256-ctr", Number(1) + String(blob)));
  ASSERT_TRUE(locked.has_value());
  EXPECT_TRUE(locked->encrypted);
  EXPECT_EQ(locked->public_key, blob);
}

TEST(PrivateKeyTest, PemFormDoesNot) {
  const auto plain = ParsePrivateKey(
      "-----BEGIN RSA PRIVATE KEY-----\nQUJD\n-----END RSA PRIVATE KEY-----");
  ASSERT_TRUE(plain.has_value());
  EXPECT_FALSE(plain->encrypted);
  EXPECT_EQ(plain->public_key, "");
  for (const char* text :
       {"-----BEGIN ENCRYPTED PRIVATE KEY-----\nQUJD\n-----END ",
        "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nQUJD\n"}) {
    const auto locked = ParsePrivateKey(text);
    ASSERT_TRUE(locked.has_value());
    EXPECT_TRUE(locked->encrypted) << text;
  }
}

TEST(PrivateKeyTest, OthersAreNone) {
  for (const std::string& text :
       {std::string(), std::string("ssh-rsa AAAA"),
        std::string("-----BEGIN CERTIFICATE-----\nQUJD\n"),
        std::string("-----BEGIN "), OpenSshKey("none", Number(0)),
        OpenSshKey("none", Number(1) + Number(1000) + "short"),
        std::string("-----BEGIN OPENSSH PRIVATE KEY-----\nQUJD\n-----END ")}) {
    EXPECT_FALSE(ParsePrivateKey(text).has_value()) << text;
  }
}

TEST(AgentKeysTest, AreReadAndWritten) {
  const std::vector<AgentKey> keys = {{Blob("ssh-rsa"), "one"},
                                      {Blob("ssh-ed25519"), ""}};
  const std::string message = FormatAgentKeys(keys);
  EXPECT_EQ(message.substr(0, 4), Number(message.size() - 4));
  const auto read = ParseAgentKeys(message.substr(4));
  ASSERT_TRUE(read.ok());
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ((*read)[0].blob, keys[0].blob);
  EXPECT_EQ((*read)[0].comment, "one");
  EXPECT_EQ((*read)[1].blob, keys[1].blob);
}

TEST(AgentKeysTest, WhatIsCutOffIsRefused) {
  const std::string message =
      FormatAgentKeys({{Blob("ssh-rsa"), "one"}}).substr(4);
  for (size_t size = 0; size < message.size(); ++size) {
    EXPECT_FALSE(ParseAgentKeys(message.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(ParseAgentKeys("\x05").ok());
  // A count that its bytes do not bear out costs nothing.
  EXPECT_FALSE(ParseAgentKeys("\x0c\xff\xff\xff\xff").ok());
}

}  // namespace
}  // namespace dist
