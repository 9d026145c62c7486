// Layers around other layers: in both directions, and at each step.
#ifndef WEFT_LAYERS_KERAS_WRAPPERS_H_
#define WEFT_LAYERS_KERAS_WRAPPERS_H_

#include <string>
#include <vector>

#include "layers/keras/layer.h"
#include "layers/keras/recurrent.h"

namespace weft::keras {

struct TimeDistributedOptions {
  TensorShape input_shape = {};
  TensorShape batch_input_shape = {};
  std::string name = "time_distributed";
};

// `layer` at each step of x [batch, time, ...], with the same weights: [batch,
// time] + the layer's output. A mask goes on.
class TimeDistributed : public Layer {
 public:
  explicit TimeDistributed(AnyLayer layer, TimeDistributedOptions options = {});

  InputArguments input_arguments() const override;
  std::vector<Variable> weights() const override { return layer_->weights(); }
  std::vector<Variable> state_variables() const override {
    return layer_->state_variables();
  }

 protected:
  void Build(const TensorShape& input_shape) override;
  Result Call(Output x, const CallOptions& options) override;

 private:
  AnyLayer layer_;
};

struct BidirectionalOptions {
  TensorShape input_shape = {};
  TensorShape batch_input_shape = {};
  std::vector<Tensor> weights = {};  // Those of forward, then of backward.
  // concat, sum, mul or ave; "": the results are both outputs, unmerged.
  std::string merge_mode = "concat";
  std::string name = "bidirectional";
};

// A recurrent layer and a copy of it that reads the other way (Schuster and
// Paliwal, 1997). The copy's outputs are put in the order of x again, and the
// two merged. Both lie in scopes of their own, forward_<name> and
// backward_<name>. With return_state the states follow, forward first;
// initial_state has them in that order, too.
class Bidirectional : public Layer {
 public:
  explicit Bidirectional(AnyLayer layer, BidirectionalOptions options = {});

  InputArguments input_arguments() const override;
  std::vector<Variable> weights() const override;
  std::vector<Variable> state_variables() const override;

 protected:
  void Build(const TensorShape& input_shape) override;
  Result Call(Output x, const CallOptions& options) override;

 private:
  Output Merged(Output forward, Output backward) const;

  AnyLayer forward_;
  AnyLayer backward_;
  std::string merge_mode_;
};

}  // namespace weft::keras

#endif  // WEFT_LAYERS_KERAS_WRAPPERS_H_
