#include "transports/serve/greeting.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dist {
namespace {

using Kind = ServeReply::Kind;

TEST(ServeRequest, NamesAVersion) {
  EXPECT_EQ(ServeRequest("0.1.0+abc"), "dist-serve-1 0.1.0+abc\n");
  EXPECT_EQ(*ParseServeRequest("dist-serve-1 0.1.0+abc"), "0.1.0+abc");
  for (const std::string& line : std::vector<std::string>{
           "", "dist-serve-1", "dist-serve-1 ", "dist-serve-2 0.1.0",
           "dist-serve-1 0.1.0 more", "dist-serve-1 \x1b[31m", "GET / HTTP/1.1",
           "dist-serve-1 0.1.0\r"}) {
    EXPECT_FALSE(ParseServeRequest(line).ok()) << line;
  }
  EXPECT_TRUE(ParseServeRequest("dist-serve-1 " + std::string(64, '1')).ok());
  EXPECT_FALSE(ParseServeRequest("dist-serve-1 " + std::string(65, '1')).ok());
}

TEST(ServeReply, SaysOneOfFourThings) {
  for (const Kind kind :
       {Kind::kWelcome, Kind::kOtherVersion, Kind::kBusy, Kind::kTrouble}) {
    const std::string line = Format({kind, "words"});
    ASSERT_EQ(line.back(), '\n');
    const auto reply = ParseServeReply(line.substr(0, line.size() - 1));
    ASSERT_TRUE(reply.ok()) << line;
    EXPECT_EQ(reply->kind, kind);
    EXPECT_EQ(reply->text, kind == Kind::kWelcome ? "" : "words");
  }
  for (const std::string& line : std::vector<std::string>{
           "", "welcome", "dist-serve-1 ", "dist-serve-1 hello",
           "dist-serve-1 welcome back", "dist-serve-9 welcome"}) {
    EXPECT_FALSE(ParseServeReply(line).ok()) << line;
  }
}

TEST(ServeReply, IsOneLineThatDoesNoHarm) {
  const std::string line =
      Format({Kind::kTrouble, "a\nb\x1b[2J" + std::string(9999, 'x')});
  EXPECT_LE(line.size(), kMaxGreeting);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const auto reply = ParseServeReply("dist-serve-1 trouble \x1b[2J\r");
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->text.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace dist
