// A graph with its feeds, ready to run again and again. Whatever fails ends the
// program.
#ifndef WEFT_BENCHMARKS_WEFT_RUN_H_
#define WEFT_BENCHMARKS_WEFT_RUN_H_

#include <memory>
#include <utility>
#include <vector>

#include "benchmarks/measure.h"
#include "core/tensor.h"
#include "graph/graph.h"
#include "runtime/session.h"

namespace weft {

struct WeftRunOptions {
  int threads = 1;
  bool passes = true;
  Precision precision = Precision::kFloat32;
};

class WeftRun {
 public:
  // `graph` must outlive it. `feeds` are in the order of the signature.
  WeftRun(const Graph& graph, const Signature& signature,
          std::vector<Tensor> feeds, const WeftRunOptions& options)
      : feeds_(std::move(feeds)),
        session_(
            Must(Session::Create(graph, {.num_threads = options.threads,
                                         .passes = {.enabled = options.passes},
                                         .precision = options.precision}))) {
    Must(session_->Initialize());
    callable_ = Must(session_->Prepare(signature));
  }

  void Run() { Must(callable_->Run(feeds_, &outputs_)); }

  // The fetches of the last Run.
  const std::vector<Tensor>& outputs() const { return outputs_; }
  Session& session() const { return *session_; }

 private:
  std::vector<Tensor> feeds_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Callable> callable_;
  std::vector<Tensor> outputs_;
};

}  // namespace weft

#endif  // WEFT_BENCHMARKS_WEFT_RUN_H_
