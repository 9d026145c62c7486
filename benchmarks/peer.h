// Another program that takes its turns in benchmarks/rnn: a process that speaks
// lines over its standard input and output.
//
//   > {"config": "lat_1x100x64x128", "batch": 1, ..., "mode": "infer"}
//   < ready                        or: unsupported
//   > turn
//   < 0.294                        milliseconds, the least of one turn
//   > turn
//   < 0.291
//   > {"config": ...
//
// The process ends when its standard input does. benchmarks/peers/README.md has
// the fields of a request.
#ifndef WEFT_BENCHMARKS_PEER_H_
#define WEFT_BENCHMARKS_PEER_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace weft {

struct PeerOptions {
  std::string name;
  std::string command;  // For sh.
  // How long an answer may take; it is DeadlineExceeded then.
  absl::Duration timeout = absl::Minutes(2);
};

// NAME:COMMAND. InvalidArgument if there is no colon or one of the two is
// empty.
absl::StatusOr<PeerOptions> ParsePeer(absl::string_view text);

// Errors name the peer. After one the process has been ended, and every further
// call returns that error again.
class Peer {
 public:
  static absl::StatusOr<std::unique_ptr<Peer>> Start(PeerOptions options);
  // Ends the process.
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  const std::string& name() const { return options_.name; }

  // Makes ready for turns of what `request`, one line of JSON, describes; false
  // if the peer does not have it.
  absl::StatusOr<bool> Prepare(const std::string& request);
  // Milliseconds.
  absl::StatusOr<double> Turn();

 private:
  Peer(PeerOptions options, pid_t process, int in, int out)
      : options_(std::move(options)), process_(process), in_(in), out_(out) {}
  // The answer to a line.
  absl::StatusOr<std::string> Ask(const std::string& line);
  absl::StatusOr<std::string> ReadLine();
  absl::Status Fail(absl::Status status);
  void End();

  PeerOptions options_;
  pid_t process_;
  int in_, out_;  // What it reads, what it writes.
  std::string received_;
  absl::Status failed_;
};

}  // namespace weft

#endif  // WEFT_BENCHMARKS_PEER_H_
