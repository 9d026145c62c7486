// Session: runs a graph, and holds the values of its variables.
//
//   WEFT_ASSIGN_OR_RETURN(std::unique_ptr<Session> session,
//                         Session::Create(g));
//   WEFT_RETURN_IF_ERROR(session->Initialize());
//   WEFT_ASSIGN_OR_RETURN(std::vector<Tensor> y,
//                         session->Run({{x, value}}, {output}));
#ifndef WEFT_RUNTIME_SESSION_H_
#define WEFT_RUNTIME_SESSION_H_

#include <atomic>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/allocator.h"
#include "core/tensor.h"
#include "graph/graph.h"
#include "graph/output.h"

namespace weft {

// Which passes a plan goes through. See runtime/passes.
struct PassOptions {
  bool enabled = true;  // False: the graph runs as it stands, but for pruning.
  // False: elementwise programs run without code that is made for them.
  bool generated_code = true;
};

// In what the weights of products in loops are kept. Anything but kFloat32 is
// for inference, and gives other numbers: see how far off in `weft bench
// --verify`.
enum class Precision {
  kFloat32,
  kBfloat16,  // Weights have 8 bits of precision.
  // Weights are kept in 127 steps up to the largest of their column (of a
  // gate's unit), inputs and states likewise, in every step up to the largest
  // of their row; sums are exact.
  kInt8,
};
const char* PrecisionName(Precision precision);  // "float32", "bf16", "int8".

struct SessionOptions {
  int num_threads = 0;  // 0: one per core. 1: no other thread is ever started.
  // All memory of runs and variables.
  size_t memory_budget_bytes = std::numeric_limits<size_t>::max();
  // Where that memory comes from; null: an allocator with that budget.
  std::shared_ptr<Allocator> allocator = nullptr;
  // Of one while loop, unless the loop has its own limit.
  int64_t max_loop_iterations = std::numeric_limits<int64_t>::max();
  int max_layouts = 64;  // Kept per plan; the least recently used goes first.
  PassOptions passes = {};
  Precision precision = Precision::kFloat32;  // Others need the passes.
};

// Stops runs from another thread. May be shared by several runs.
class CancellationToken {
 public:
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> cancelled_{false};
};

struct RunOptions {
  absl::Duration timeout = absl::InfiniteDuration();
  const CancellationToken* cancellation = nullptr;
  // Fails at the first floating-point result that is NaN or infinite: names the
  // node, the iteration and the index.
  bool check_numerics = false;
};

// What a run is given, what it returns, and what it runs beside that. Feeds
// and fetches are "node" or "node:k"; targets are nodes.
struct Signature {
  std::vector<std::string> feeds;
  std::vector<std::string> fetches;
  std::vector<std::string> targets;
};

// A value to feed, by Output or by name.
struct Feed {
  Feed(const Output& output, Tensor value)
      : name(output.name()), value(std::move(value)) {}
  Feed(std::string name, Tensor value)
      : name(std::move(name)), value(std::move(value)) {}
  std::string name;
  Tensor value;
};

// A value to fetch, by Output or by name.
struct Fetch {
  Fetch(const Output& output) : name(output.name()) {}
  Fetch(std::string name) : name(std::move(name)) {}
  Fetch(const char* name) : name(name) {}
  std::string name;
};

// A run without name look-ups. Thread-safe; must not outlive its session.
class Callable {
 public:
  virtual ~Callable() = default;
  // `feeds` in the order of the signature. An element of `*outputs` that the
  // caller alone owns and that has the right dtype and shape is written in
  // place; else it is replaced.
  virtual absl::Status Run(absl::Span<const Tensor> feeds,
                           std::vector<Tensor>* outputs,
                           const RunOptions& options = {}) const = 0;
  // The plan, for people: instructions, memory, what the passes did.
  virtual std::string DescribePlan() const = 0;
};

// Runs are safe from any number of threads; so is everything else but
// destruction, which waits for runs in progress.
class Session {
 public:
  // Fails with the graph's first build error. `graph` must outlive the session
  // and must not change any more.
  static absl::StatusOr<std::unique_ptr<Session>> Create(
      const Graph& graph, const SessionOptions& options = {});
  static absl::StatusOr<std::unique_ptr<Session>> Create(
      std::unique_ptr<Graph> graph, const SessionOptions& options = {});
  virtual ~Session() = default;

  virtual const Graph& graph() const = 0;

  // Gives every variable that has none its initial value.
  virtual absl::Status Initialize(const RunOptions& options = {}) = 0;

  // One tensor per fetch. They share no memory with anything of the session.
  virtual absl::StatusOr<std::vector<Tensor>> Run(
      const std::vector<Feed>& feeds, const std::vector<Fetch>& fetches,
      const std::vector<std::string>& targets = {},
      const RunOptions& options = {}) = 0;

  // Resolves and compiles once. Equal signatures share their plan.
  virtual absl::StatusOr<std::unique_ptr<Callable>> Prepare(
      const Signature& signature) = 0;

  // The values of variables, by name. GetVariable copies. FailedPrecondition if
  // the variable has no value; SetVariable checks dtype and shape.
  virtual absl::StatusOr<Tensor> GetVariable(absl::string_view name) const = 0;
  virtual absl::Status SetVariable(absl::string_view name,
                                   const Tensor& value) = 0;
  // Of all variables that have one, as of one moment.
  virtual std::map<std::string, Tensor> GetVariables() const = 0;
  // All or nothing.
  virtual absl::Status SetVariables(
      const std::map<std::string, Tensor>& values) = 0;

  // How far the streams of the stateful random ops are, by node name.
  virtual std::map<std::string, uint64_t> RandomCounters() const = 0;
  virtual absl::Status SetRandomCounters(
      const std::map<std::string, uint64_t>& counters) = 0;

  struct Stats {
    int64_t plans = 0;
    int64_t layouts = 0;  // Made, not kept.
    int64_t runs = 0;
    size_t bytes_in_use = 0;
    size_t peak_bytes = 0;
  };
  virtual Stats stats() const = 0;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_SESSION_H_
