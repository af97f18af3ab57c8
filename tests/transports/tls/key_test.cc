#include "transports/tls/key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"

namespace dist {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class KeyTest : public ::testing::Test {
 protected:
  KeyTest() {
    std::string pattern = ::testing::TempDir() + "/key_XXXXXX";
    folder_ = mkdtemp(&pattern[0]);
  }
  ~KeyTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& text, mode_t mode = 0600) {
    const std::string path = folder_ + "/key";
    std::ofstream(path, std::ios::binary) << text;
    chmod(path.c_str(), mode);
    return path;
  }
  static std::string ErrorOf(const std::string& path) {
    return std::string(ReadServeKey(path).status().message());
  }

  std::string folder_;
};

const char kHex[] =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff";

TEST_F(KeyTest, IsMadeForOneUserAndReadAgain) {
  umask(0);
  const std::string path = folder_ + "/a/b/key";
  const auto made = MakeServeKey(path);
  umask(022);
  ASSERT_TRUE(made.ok()) << made.status();
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  ASSERT_EQ(stat((folder_ + "/a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700u);
  const auto read = ReadServeKey(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->secret(), made->secret());
  EXPECT_EQ(read->secret().size(), ServeKey::kBytes);
}

TEST_F(KeyTest, IsNewEachTimeAndNeverReplaced) {
  const auto first = MakeServeKey(folder_ + "/1");
  const auto second = MakeServeKey(folder_ + "/2");
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(first->secret(), second->secret());
  EXPECT_EQ(MakeServeKey(folder_ + "/1").status().code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReadServeKey(folder_ + "/1")->secret(), first->secret());
}

TEST_F(KeyTest, IsRefusedIfOthersMayUseItsFile) {
  const std::string text = absl::StrCat("dist-key-1 ", kHex, "\n");
  for (const mode_t mode : {0640, 0604, 0620, 0602, 0610}) {
    const std::string error = ErrorOf(Write(text, mode));
    EXPECT_THAT(error, HasSubstr("/key: others may read or write it\nhelp: "))
        << std::oct << mode;
  }
  EXPECT_TRUE(ReadServeKey(Write(text, 0600)).ok());
  EXPECT_TRUE(ReadServeKey(Write(text, 0400)).ok() || geteuid() != 0);
}

TEST_F(KeyTest, IsRefusedFromAnotherUsersFile) {
  const std::string path = Write(absl::StrCat("dist-key-1 ", kHex, "\n"));
  if (chown(path.c_str(), 12345, 12345) != 0) {
    GTEST_SKIP() << "NOT TESTED: giving a file away needs root";
  }
  EXPECT_THAT(ErrorOf(path), HasSubstr("it belongs to another user"));
}

TEST_F(KeyTest, IsReadFromRegularFilesOnly) {
  EXPECT_THAT(ErrorOf(folder_), HasSubstr("it is no regular file"));
  const std::string fifo = folder_ + "/fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_THAT(ErrorOf(fifo), HasSubstr("it is no regular file"));
  EXPECT_EQ(ReadServeKey(folder_ + "/none").status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(KeyTest, IsOneLineOfOneKind) {
  struct Row {
    std::string text;
    const char* cause;
  };
  const std::string good = absl::StrCat("dist-key-1 ", kHex);
  EXPECT_TRUE(ParseServeKey(good).ok());
  EXPECT_TRUE(ParseServeKey(good + "\n").ok());
  EXPECT_TRUE(ParseServeKey(good + "\r\n").ok());
  for (const Row& row : {
           Row{"", "no key of dist"},
           Row{"secret words of mine", "no key of dist"},
           Row{kHex, "no key of dist"},
           Row{"dist-key-1 ", "cut short"},
           Row{good.substr(0, good.size() - 1), "cut short"},
           Row{good + "0", "too much"},
           Row{good + "\n\n", "too much"},
           Row{"dist-key-1 " + std::string(64, 'g'), "damaged"},
           Row{std::string(5000, 'x'), "no key of dist"},
       }) {
    const std::string error = ErrorOf(Write(row.text));
    EXPECT_THAT(error, HasSubstr(row.cause)) << row.text;
    EXPECT_THAT(error, HasSubstr("\nhelp: ")) << row.text;
    EXPECT_THAT(error, Not(HasSubstr("words of mine")));
    EXPECT_THAT(error, Not(HasSubstr(std::string(kHex).substr(0, 8))));
  }
}

TEST_F(KeyTest, HasANameThatDoesNotTellIt) {
  const auto key = ParseServeKey(absl::StrCat("dist-key-1 ", kHex));
  ASSERT_TRUE(key.ok());
  const std::string name = key->Fingerprint();
  EXPECT_THAT(name, ::testing::MatchesRegex("dist1:[0-9a-f]+"));
  EXPECT_EQ(name.size(), 6u + 16u);
  EXPECT_EQ(std::string(kHex).find(name.substr(6)), std::string::npos);
  EXPECT_NE(name, ServeKey(std::string(ServeKey::kBytes, 'a')).Fingerprint());
}

TEST_F(KeyTest, HasADefaultPlace) {
  setenv("HOME", "/h", 1);
  unsetenv("XDG_CONFIG_HOME");
  unsetenv("DIST_KEY_FILE");
  EXPECT_EQ(DefaultKeyFile(), "/h/.config/dist/key");
  setenv("XDG_CONFIG_HOME", "relative", 1);
  EXPECT_EQ(DefaultKeyFile(), "/h/.config/dist/key");
  setenv("XDG_CONFIG_HOME", "/x", 1);
  EXPECT_EQ(DefaultKeyFile(), "/x/dist/key");
  setenv("DIST_KEY_FILE", "/k", 1);
  EXPECT_EQ(DefaultKeyFile(), "/k");
  unsetenv("DIST_KEY_FILE");
  unsetenv("XDG_CONFIG_HOME");
  unsetenv("HOME");
  EXPECT_EQ(DefaultKeyFile(), "");
}

}  // namespace
}  // namespace dist
