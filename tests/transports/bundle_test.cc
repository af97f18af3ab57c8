#include "transports/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace dist {
namespace {

using ::testing::HasSubstr;

const char kHash[] =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

const char kLauncherHash[] =
    "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

std::string Head(const std::string& listing) {
  return absl::StrCat("dist-bundle-2\nLinux x86_64\n", kHash, "\n",
                      kLauncherHash, "\n", listing, "\n");
}

TEST(ParseBundleHead, ReadsWhatTheToolWrites) {
  const std::string bytes = Head("2 go 3 ld.so 4 dist 5 libc++.so.6");
  const auto head = ParseBundleHead(bytes + "rest\n");
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(head->system, "Linux x86_64");
  EXPECT_EQ(head->hash, kHash);
  EXPECT_EQ(head->launcher, kLauncherHash);
  EXPECT_EQ(head->listing, "2 go 3 ld.so 4 dist 5 libc++.so.6");
  EXPECT_EQ(head->size, 14u);
  EXPECT_EQ(head->bytes, bytes.size());
}

// It goes into a shell script's variables, and sizes into dd's arguments.
TEST(ParseBundleHead, RefusesWhatAScriptCouldMisread) {
  const std::string good = Head("2 l 3 a 4 b");
  ASSERT_TRUE(ParseBundleHead(good).ok());
  for (size_t i = 0; i < good.size(); ++i) {
    EXPECT_FALSE(ParseBundleHead(good.substr(0, i)).ok()) << i;
  }
  for (const char* listing :
       {"3 a", "3 a 4", "3 a 4 b 5", "0 a 4 b", "-1 a 4 b", "3 a/b 4 b",
        "3 .. 4 b", "3 -a 4 b", "3 $a 4 b", "3 a  4 b", "03 a 4 b",
        "999999999999 a 4 b", "3 a;b 4 b", "3 * 4 b", ""}) {
    EXPECT_FALSE(ParseBundleHead(Head(absl::StrCat("2 l ", listing))).ok())
        << listing;
  }
  EXPECT_FALSE(ParseBundleHead(Head("3 a 4 b")).ok()) << "no launcher";
  EXPECT_FALSE(ParseBundleHead("dist-bundle-1" + good.substr(13)).ok());
  std::string other = good;
  other.replace(14, 12, "Linux $86_64");
  EXPECT_FALSE(ParseBundleHead(other).ok());
  for (const size_t at : {30, 95}) {
    other = good;
    other[at] = 'G';
    EXPECT_FALSE(ParseBundleHead(other).ok()) << at;
  }
}

std::string Sha256(const std::string& bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  return absl::BytesToHexString({reinterpret_cast<char*>(digest), size});
}

TEST(BuiltBundle, IsWhatItSays) {
  const auto bundles = Bundles::In("cli/bundles");
  ASSERT_TRUE(bundles.ok()) << bundles.status();
  const Bundle* bundle = bundles->Find("Linux x86_64");
  ASSERT_NE(bundle, nullptr);
  EXPECT_EQ(bundle->platform, "linux-x86_64");
  EXPECT_EQ(bundles->Find("Linux sparc64"), nullptr);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LE(bundle->packed_size, 8u << 20) << "too much to send";
#endif
  const auto contents = ReadPayload(*bundle, Encoding::kPlain);
  ASSERT_TRUE(contents.ok()) << contents.status();
  EXPECT_EQ((*contents)->size(), bundle->head.size);
  EXPECT_EQ(Sha256(bundle->head.listing + "\n" + **contents),
            bundle->head.hash);
  const std::string& listing = bundle->head.listing;
  EXPECT_EQ(Sha256((*contents)->substr(0, std::stoul(listing))),
            bundle->head.launcher);
  EXPECT_TRUE(absl::StartsWith(**contents,
                               "\x7f"
                               "ELF"));
  const auto again = ReadPayload(*bundle, Encoding::kPlain);
  EXPECT_EQ(again->get(), contents->get()) << "each host holds its own";
}

class BundlesTest : public ::testing::Test {
 protected:
  BundlesTest() : folder_(::testing::TempDir() + "/bundles") {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void Write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << bytes;
  }
  const std::string folder_;
};

TEST_F(BundlesTest, AreWhatLiesInAFolder) {
  EXPECT_TRUE(Bundles::In(folder_ + "/none")->all().empty());
  Write("linux-riscv64.bundle", Head("2 l 3 a 4 b") + "packed");
  Write("README", "no bundle");
  setenv("DIST_BUNDLES", folder_.c_str(), 1);
  const auto bundles = Bundles::Installed();
  ASSERT_TRUE(bundles.ok()) << bundles.status();
  ASSERT_EQ(bundles->all().size(), 1u);
  EXPECT_EQ(bundles->all()[0].platform, "linux-riscv64");
  EXPECT_EQ(bundles->all()[0].packed_size, 6u);
  EXPECT_EQ(**ReadPayload(bundles->all()[0], Encoding::kGzip), "packed");
  EXPECT_THAT(
      std::string(
          ReadPayload(bundles->all()[0], Encoding::kPlain).status().message()),
      HasSubstr("its contents are damaged"));
}

TEST_F(BundlesTest, SayWhichFileIsNone) {
  Write("linux-x.bundle", "nonsense");
  const std::string text(Bundles::In(folder_).status().message());
  EXPECT_THAT(text, HasSubstr(folder_ + "/linux-x.bundle: not a bundle: "));
  EXPECT_THAT(text, HasSubstr("\nhelp: "));
}

TEST_F(BundlesTest, NoticeABuildInBetween) {
  Write("linux-x.bundle", Head("2 l 3 a 4 b") + "packed");
  const auto bundles = Bundles::In(folder_);
  ASSERT_TRUE(bundles.ok());
  Write("linux-x.bundle", Head("2 l 3 a 4 b") + "other size");
  EXPECT_THAT(
      std::string(
          ReadPayload(bundles->all()[0], Encoding::kGzip).status().message()),
      HasSubstr(": has changed\nhelp: "));
}

}  // namespace
}  // namespace dist
