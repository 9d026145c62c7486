// A recurrent network of weft, as benchmarks/rnn runs it: what the layers make,
// nothing else.
#ifndef WEFT_BENCHMARKS_RNN_WEFT_H_
#define WEFT_BENCHMARKS_RNN_WEFT_H_

#include <memory>
#include <string>
#include <vector>

#include "benchmarks/rnn_config.h"
#include "benchmarks/weft_run.h"
#include "core/tensor.h"
#include "graph/graph.h"
#include "layers/cell.h"

namespace weft {

// How the steps become nodes, and whose layers make them.
enum class RnnForm {
  kLoop,      // lstm, gru, simple_rnn, bidirectional_rnn; a while loop.
  kUnrolled,  // The same with nodes for each step.
  kKeras,     // keras::LSTM, GRU, SimpleRNN, Bidirectional; a while loop.
};

// A cell of one's own, from layers, layers/keras0 or examples/cells.
struct CustomCell {
  const char* name;
  RnnCell like;  // The built-in one of the most similar products.
  AnyCell (*make)(int64_t units);
};
const std::vector<CustomCell>& CustomCells();

struct RnnRunOptions {
  RnnForm form = RnnForm::kLoop;
  bool training = false;
  const CustomCell* custom = nullptr;  // In place of the built-in cell.
  WeftRunOptions run = {};
};

// Ends the program if something fails.
class WeftRnn {
 public:
  // x [batch, time, depth]; dy [batch, time, directions * units], the gradient
  // of the outputs in training.
  WeftRnn(const RnnConfig& config, RnnCell cell, const RnnRunOptions& options,
          Tensor x, Tensor dy);

  // All outputs; or one training step: forward, backward and gradient descent.
  void Run() { run_->Run(); }

  // [batch, time, directions * units], of the last Run.
  const Tensor& output() const { return run_->outputs()[0]; }

  // Layer by layer, forward before backward, as they are now. Of built-in cells
  // alone.
  std::vector<RnnWeights> Weights() const;
  // As the layers hold them.
  std::vector<Tensor> Variables() const;

 private:
  Graph graph_;
  std::unique_ptr<WeftRun> run_;
  std::vector<std::string> weight_names_;
  RnnConfig config_;
  RnnCell cell_;
  RnnForm form_;
};

}  // namespace weft

#endif  // WEFT_BENCHMARKS_RNN_WEFT_H_
