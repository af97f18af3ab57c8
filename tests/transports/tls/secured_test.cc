#include "transports/tls/secured.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include "tests/transports/tls/tls_pair.h"

namespace dist {
namespace {

using Side = TlsSession::Side;

Patience For(double seconds) {
  Patience patience;
  patience.deadline = absl::Now() + absl::Seconds(seconds);
  return patience;
}

TEST(HandOver, BothEndsHaveAKeyThatIsOfThisSessionAlone) {
  TlsPair one(KeyOf('k'), KeyOf('k'));
  TlsPair other(KeyOf('k'), KeyOf('k'));
  one.Shake();
  other.Shake();
  ASSERT_TRUE(one.Done() && other.Done());
  const std::string key = one.client.DeriveKey().secret();
  EXPECT_EQ(key.size(), ServeKey::kBytes);
  EXPECT_EQ(one.server.DeriveKey().secret(), key);
  EXPECT_NE(other.client.DeriveKey().secret(), key);
  EXPECT_NE(KeyOf('k').secret(), key);
}

TEST(TakeOver, GoesOnWhereTheFirstSessionEnded) {
  TlsPair pair(KeyOf('k'), KeyOf('k'));
  pair.Shake();
  ASSERT_TRUE(pair.Done());
  char c = 0;
  ASSERT_EQ(pair.server.Write("!", 1)->bytes, 1u);
  ASSERT_EQ(pair.client.Read(&c, 1)->bytes, 1u);
  absl::StatusOr<LinkSocket> server = absl::UnknownError("");
  std::thread there([&] {
    server = TakeOver(Side::kServer, HandOver(std::move(pair.server)), For(10));
  });
  const auto client =
      TakeOver(Side::kClient, HandOver(std::move(pair.client)), For(10));
  there.join();
  ASSERT_TRUE(client.ok() && server.ok()) << client.status() << server.status();
  SecuredLink& here = *client->secured;
  ASSERT_EQ(*server->secured->Write("more", 4), 4u);
  char bytes[9];
  ASSERT_EQ(*here.Read(bytes, 1), 1u);
  EXPECT_EQ(here.pending(), 3u);
  ASSERT_EQ(*here.Read(bytes, sizeof(bytes)), 3u);
  EXPECT_EQ(here.pending(), 0u);
  EXPECT_EQ(*here.Read(bytes, sizeof(bytes)), 0u);
  server->secured->Finish();
  EXPECT_EQ(std::string(here.Read(bytes, 1).status().message()),
            "closed by the other side");
  close(client->fd);
  close(server->fd);
}

TEST(TakeOver, AnotherKeyIsNotTakenOver) {
  TlsPair one(KeyOf('k'), KeyOf('k'));
  TlsPair other(KeyOf('k'), KeyOf('k'));
  one.Shake();
  other.Shake();
  Handover wrong = HandOver(std::move(one.server));
  wrong.key = other.server.DeriveKey();
  std::thread there([&] {
    EXPECT_FALSE(TakeOver(Side::kServer, std::move(wrong), For(10)).ok());
  });
  const auto client =
      TakeOver(Side::kClient, HandOver(std::move(one.client)), For(10));
  there.join();
  EXPECT_EQ(client.status().code(), absl::StatusCode::kPermissionDenied);
}

TEST(TakeOver, DoesNotWaitForEver) {
  TlsPair pair(KeyOf('k'), KeyOf('k'));
  pair.Shake();
  EXPECT_EQ(TakeOver(Side::kServer, HandOver(std::move(pair.server)), For(0.1))
                .status()
                .code(),
            absl::StatusCode::kDeadlineExceeded);
  TlsPair another(KeyOf('k'), KeyOf('k'));
  another.Shake();
  const OwnedFd stop(eventfd(1, EFD_CLOEXEC));
  Patience cancelled;
  cancelled.cancel_fd = stop.get();
  EXPECT_EQ(
      TakeOver(Side::kServer, HandOver(std::move(another.server)), cancelled)
          .status()
          .code(),
      absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace dist
