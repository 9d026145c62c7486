// Fake peers, each a line of shell.
#include "benchmarks/peer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

// A peer whose answers to a request and to a turn are shell commands.
std::unique_ptr<Peer> Start(const std::string& request, const std::string& turn,
                            absl::Duration timeout = absl::Seconds(30)) {
  auto peer = Peer::Start(
      {.name = "fake",
       .command = absl::StrCat("while read -r line; do case $line in turn) ",
                               turn, ";; *) ", request, ";; esac; done"),
       .timeout = timeout});
  EXPECT_TRUE(peer.ok()) << peer.status();
  return *std::move(peer);
}

TEST(PeerTest, TakesItsTurns) {
  // The first request names the answer of the second one's turn.
  const auto peer = Start("ms=${ms}5; echo ready", "echo $ms");
  for (double expected : {5, 55}) {
    const auto ready = peer->Prepare("{\"cell\": \"lstm\"}");
    ASSERT_TRUE(ready.ok()) << ready.status();
    EXPECT_TRUE(*ready);
    for (int turn = 0; turn < 3; ++turn) {
      const auto ms = peer->Turn();
      ASSERT_TRUE(ms.ok()) << ms.status();
      EXPECT_EQ(*ms, expected);
    }
  }
}

TEST(PeerTest, GetsTheRequestAsOneLine) {
  const auto peer = Start(
      "test \"$line\" = '{\"a\": \"b c\"}' && echo ready || echo unsupported",
      "echo 1");
  EXPECT_EQ(peer->Prepare("{\"a\": \"b c\"}").value_or(false), true);
  EXPECT_EQ(peer->Prepare("{\"a\": \"c\"}").value_or(true), false);
}

TEST(PeerTest, RefusesOtherAnswers) {
  EXPECT_THAT(Start("echo yes", "echo 1")->Prepare("{}").status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "peer fake: has answered 'yes' but must answer 'ready' "
                       "or 'unsupported'"));
  for (const char* answer : {"soon", "-1", "0", "nan", "inf", ""}) {
    const auto peer = Start("echo ready", absl::StrCat("echo '", answer, "'"));
    ASSERT_TRUE(peer->Prepare("{}").ok());
    EXPECT_THAT(
        peer->Turn().status(),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 absl::StrCat("peer fake: has answered '", answer,
                              "' but must answer a number of milliseconds")));
  }
}

TEST(PeerTest, SaysThatAPeerHasEnded) {
  const auto peer = Start("echo ready", "exit 3");
  ASSERT_TRUE(peer->Prepare("{}").ok());
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(peer->Turn().status(), StatusIs(absl::StatusCode::kUnavailable,
                                                "peer fake: has ended"));
  }
  const auto missing =
      Peer::Start({.name = "none", .command = "no_such_program 2>/dev/null"});
  ASSERT_TRUE(missing.ok());
  EXPECT_THAT((*missing)->Prepare("{}").status(),
              StatusIs(absl::StatusCode::kUnavailable, "peer none: has ended"));
}

TEST(PeerTest, DoesNotWaitForEver) {
  EXPECT_THAT(Start("sleep 100", "echo 1", absl::Milliseconds(200))
                  ->Prepare("{}")
                  .status(),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       "peer fake: has not answered within 200ms"));
  EXPECT_THAT(
      Start("while :; do printf xxxxxxxxxxxxxxxx; done", "echo 1")
          ->Prepare("{}")
          .status(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               "peer fake: has written more than 4096 bytes without the end "
               "of a line"));
}

TEST(PeerTest, ParsesNameAndCommand) {
  const auto peer = ParsePeer("torch:python3 a.py --b:c");
  ASSERT_TRUE(peer.ok());
  EXPECT_EQ(peer->name, "torch");
  EXPECT_EQ(peer->command, "python3 a.py --b:c");
  for (const char* text : {"torch", ":python3", "torch:", ""}) {
    EXPECT_THAT(
        ParsePeer(text).status(),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 absl::StrCat("peer '", text, "' must be NAME:COMMAND")));
  }
}

}  // namespace
}  // namespace weft
