#include "transports/serve/greeting.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dist {
namespace {

using Kind = ServeReply::Kind;
using Wish = ServeRequest::Kind;

TEST(ServeRequest, NamesAVersion) {
  EXPECT_EQ(Format(ServeRequest{Wish::kNode, "0.1.0+abc", ""}),
            "dist-serve-1 0.1.0+abc\n");
  const auto request = ParseServeRequest("dist-serve-1 0.1.0+abc");
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->kind, Wish::kNode);
  EXPECT_EQ(request->version, "0.1.0+abc");
  for (const std::string& line : std::vector<std::string>{
           "", "dist-serve-1", "dist-serve-1 ", "dist-serve-2 0.1.0",
           "dist-serve-1 0.1.0 more", "dist-serve-1 \x1b[31m", "GET / HTTP/1.1",
           "dist-serve-1 0.1.0\r"}) {
    EXPECT_FALSE(ParseServeRequest(line).ok()) << line;
  }
  EXPECT_TRUE(ParseServeRequest("dist-serve-1 " + std::string(64, '1')).ok());
  EXPECT_FALSE(ParseServeRequest("dist-serve-1 " + std::string(65, '1')).ok());
}

TEST(ServeRequest, AnOfferNamesAHostToo) {
  const std::string line = Format(ServeRequest{Wish::kOffer, "1+a", "ci 7\n"});
  EXPECT_EQ(line, "dist-dial-1 1+a ci-7-\n");
  const auto offer = ParseServeRequest(line.substr(0, line.size() - 1));
  ASSERT_TRUE(offer.ok());
  EXPECT_EQ(offer->kind, Wish::kOffer);
  EXPECT_EQ(offer->version, "1+a");
  EXPECT_EQ(offer->host, "ci-7-");
  EXPECT_EQ(Format(ServeRequest{Wish::kOffer, "1", ""}),
            "dist-dial-1 1 host\n");
  EXPECT_LE(
      Format(ServeRequest{Wish::kOffer, "1", std::string(999, 'x')}).size(),
      kMaxGreeting);
  for (const std::string& bad : std::vector<std::string>{
           "dist-dial-1", "dist-dial-1 ", "dist-dial-1 1", "dist-dial-1 1 ",
           "dist-dial-1  h", "dist-dial-1 1 a b", "dist-dial-1 1 ../x",
           "dist-dial-1 1 " + std::string(65, 'h'), "dist-dial-2 1 h"}) {
    EXPECT_FALSE(ParseServeRequest(bad).ok()) << bad;
  }
}

TEST(ServeReply, SaysOneOfSixThings) {
  for (const Kind kind : {Kind::kWelcome, Kind::kOtherVersion, Kind::kBusy,
                          Kind::kTrouble, Kind::kWait, Kind::kOtherWay}) {
    const std::string line = Format(ServeReply{kind, "words"});
    ASSERT_EQ(line.back(), '\n');
    const auto reply = ParseServeReply(line.substr(0, line.size() - 1));
    ASSERT_TRUE(reply.ok()) << line;
    EXPECT_EQ(reply->kind, kind);
    const bool bare = kind == Kind::kWelcome || kind == Kind::kWait;
    EXPECT_EQ(reply->text, bare ? "" : "words");
  }
  for (const std::string& line : std::vector<std::string>{
           "", "welcome", "dist-serve-1 ", "dist-serve-1 hello",
           "dist-serve-1 welcome back", "dist-serve-1 waiting",
           "dist-serve-9 welcome"}) {
    EXPECT_FALSE(ParseServeReply(line).ok()) << line;
  }
}

TEST(ServeReply, IsOneLineThatDoesNoHarm) {
  const std::string line = Format(
      ServeReply{Kind::kTrouble, "a\nb\x1b[2J" + std::string(9999, 'x')});
  EXPECT_LE(line.size(), kMaxGreeting);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const auto reply = ParseServeReply("dist-serve-1 trouble \x1b[2J\r");
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->text.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace dist
