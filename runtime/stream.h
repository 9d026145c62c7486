// Streams: a sequence that comes in chunks, run over a shared session.
//
//   WEFT_ASSIGN_OR_RETURN(Stream stream,
//                         Stream::Create(*session, {.feeds = {"x"},
//                                                   .fetches = {"y"}}));
//   for (const Tensor& chunk : chunks) {
//     WEFT_ASSIGN_OR_RETURN(std::vector<Tensor> y, stream.Run({chunk}));
//   }
//
// The states of the recurrent layers go from chunk to chunk, so that chunks of
// any size give what the whole sequence would; so does dropout, whose choices
// are those of one sequence. The session keeps nothing of it: any number of
// streams go through it side by side, and share their plans.
#ifndef WEFT_RUNTIME_STREAM_H_
#define WEFT_RUNTIME_STREAM_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/tensor.h"
#include "runtime/session.h"

namespace weft {

struct StreamOptions {
  std::vector<std::string> feeds;
  std::vector<std::string> fetches;
  // Of dropout, in graphs for training: streams of one seed drop the same.
  // None: each stream draws its own from the session.
  std::optional<int64_t> seed = {};
};

// One sequence, or a batch of them. Moves; not for two threads at a time.
class Stream {
 public:
  // For the states on which the fetches depend, given the feeds: any Output may
  // be fed, so also the memory of an encoder that has read its sequence.
  // FailedPrecondition, naming the
  // layer, if one of those reads backwards too; NotFound if there is no such
  // feed or fetch. `session` must outlive the stream.
  static absl::StatusOr<Stream> Create(Session& session,
                                       const StreamOptions& options);

  // The fetches for the next chunk, with feeds in the order of the options. The
  // first chunk starts with the states that the graph has: zeros, unless a
  // layer was given others. A run that fails leaves the stream where it was.
  absl::StatusOr<std::vector<Tensor>> Run(absl::Span<const Tensor> feeds,
                                          const RunOptions& options = {});

  // A new sequence begins.
  void Reset() { carried_.clear(); }

  // Where the stream is, by the names of what is fed; empty before the first
  // chunk. Restore goes back, or lets another stream of the same fetches go on
  // from there: InvalidArgument if it holds other names, types or shapes.
  const std::map<std::string, Tensor>& Snapshot() const { return carried_; }
  absl::Status Restore(std::map<std::string, Tensor> snapshot);

 private:
  // What is fed, and what it becomes.
  struct Pair {
    Output from;
    Output to;
    bool stays() const { return from == to; }
  };

  Stream() = default;
  absl::Status FindPairs(const Graph& graph, const StreamOptions& options);
  absl::Status Prepare(Session& session, const StreamOptions& options);

  std::vector<Pair> pairs_;
  std::map<std::string, Tensor> seeds_;  // By name; from StreamOptions::seed.
  size_t num_fetches_ = 0;
  std::unique_ptr<Callable> first_;  // Without states to feed.
  std::unique_ptr<Callable> next_;
  std::map<std::string, Tensor> carried_;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_STREAM_H_
