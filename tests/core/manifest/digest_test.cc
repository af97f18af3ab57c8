#include "core/manifest/digest.h"

#include <gtest/gtest.h>

namespace dist {
namespace {

TEST(DigestTest, IsSha256) {
  EXPECT_EQ(DigestOf("abc").Hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(DigestTest, PiecesGiveTheDigestOfTheWhole) {
  Hasher hasher;
  hasher.Add("a");
  hasher.Add("");
  hasher.Add("bc");
  EXPECT_EQ(hasher.Finish(), DigestOf("abc"));
}

TEST(DigestTest, AHasherStartsAgain) {
  Hasher hasher;
  hasher.Add("before");
  hasher.Finish();
  hasher.Add("abc");
  EXPECT_EQ(hasher.Finish(), DigestOf("abc"));
}

TEST(DigestTest, ComesBackFromItsBytes) {
  const Digest digest = DigestOf("x");
  EXPECT_EQ(Digest::FromBytes(digest.view()), digest);
  EXPECT_EQ(Digest::FromBytes("short"), Digest());
}

}  // namespace
}  // namespace dist
