// Layers in Keras' vocabulary.
//
//   using namespace weft::keras;
//   Output x = Input(g, {.shape = {-1, 5}});
//   LSTM encode(32, {.return_sequences = true});
//   Output y = encode(x);
//   Output z = encode(y2);  // The same weights.
//
// A layer makes its weights at the first call; further calls share them. A mask
// [batch, time] that says which steps count goes with an output to the layers
// behind it, as far as Keras has it so.
#ifndef WEFT_LAYERS_KERAS_LAYER_H_
#define WEFT_LAYERS_KERAS_LAYER_H_

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/tensor.h"
#include "core/tensor_shape.h"
#include "graph/graph.h"
#include "graph/mode_keys.h"
#include "graph/output.h"
#include "layers/argument_error.h"
#include "layers/arguments.h"
#include "layers/constraints.h"
#include "layers/initializers.h"
#include "layers/regularizers.h"
#include "ops/variable.h"

namespace weft::keras {

// So that `using namespace weft::keras` is enough for a document's example.
using weft::DataType;
using weft::Graph;
using weft::GraphRef;
using weft::kNone;
using weft::ModeKeys;
using weft::Operand;
using weft::Output;
using weft::Outputs;
using weft::Tensor;
using weft::TensorShape;
using weft::Variable;
namespace initializers = weft::initializers;
namespace regularizers = weft::regularizers;
namespace constraints = weft::constraints;

// ---- Calls -----------------------------------------------------------------

// What a layer gives: the output, then the states of return_state. The output,
// where one Output is wanted.
class Result {
 public:
  Result(Output output, const Outputs& states = {}) : outputs_({output}) {
    outputs_.insert(outputs_.end(), states.begin(), states.end());
  }

  // Fails the graph if there are not as many.
  Output operator[](size_t i) const;
  size_t size() const { return outputs_.size(); }
  const Outputs& outputs() const { return outputs_; }
  operator Output() const { return outputs_[0]; }
  operator Operand() const { return Operand(outputs_[0], SourceLocation{}); }

 private:
  Outputs outputs_;
};

// What a call may give beside x. Layers refuse what they have no use for.
struct CallOptions {
  Outputs initial_state = {};  // One per state of a recurrent layer.
  Outputs constants = {};      // For every step of a cell that takes them.
  // Bool [batch, time], false where a step does not count. Without it: the one
  // that goes with x.
  std::optional<Output> mask = {};
  // int32 or int64 [batch]: as a mask of the first so many steps of each row.
  std::optional<Output> sequence_length = {};
  std::optional<ModeKeys> mode = {};  // The graph's, unless given.
};

// The mask that goes with `x`, if any.
std::optional<Output> MaskOf(Output x);
// Lets `mask` go with `x`, for the rest of the building.
void SetMask(Output x, Output mask);

struct InputOptions {
  TensorShape shape = {};        // Without the batch; -1: any.
  TensorShape batch_shape = {};  // With it; stateful layers need its size.
  DataType dtype = DataType::kFloat;
  std::string name = "input";
};

// What each run is given.
Output Input(GraphRef g, const InputOptions& options);

// ---- Weights ---------------------------------------------------------------

struct WeightOptions {
  TensorShape shape = {};
  Initializer initializer = "glorot_uniform";  // By Keras' names.
  Regularizer regularizer = kNone;
  Constraint constraint = kNone;
  bool trainable = true;
  Required<std::string> name;
};

// How the weights of a layer or cell are made.
struct WeightContext {
  DataType dtype = DataType::kFloat;
  bool trainable = true;
  bool reuse = false;
};

// A weight under the open name scope. Fails the graph for unknown names.
Variable MakeKerasWeight(GraphRef g, const WeightContext& context,
                         const WeightOptions& options);

// `weights`[k] in place of `otherwise`, if a list of weights is given. Of what
// does not fit, zeros: the layer compares the list as a whole.
Initializer InitialWeight(const std::vector<Tensor>& weights, size_t k,
                          const Initializer& otherwise);

// ---- Layers ----------------------------------------------------------------

// What a layer's options say of its input: the first layer of a model must say
// it, for others it is checked.
struct InputArguments {
  TensorShape input_shape = {};        // Without the batch. Rank 0: not given.
  int64_t input_dim = -1;              // Of the last axis. -1: not given.
  int64_t input_length = -1;           // Of the axis of time.
  TensorShape batch_input_shape = {};  // With the batch. Rank 0: not given.
  int rank = 3;  // With the batch, of what input_dim and input_length say.
  DataType dtype = DataType::kFloat;

  // With the batch; of rank 0 if nothing is given.
  TensorShape shape() const;
  // Fails the graph for sizes below 1.
  bool Check(const ArgumentChecker& check) const;
};

template <typename Options>
InputArguments SequenceInput(const Options& options) {
  return {.input_shape = options.input_shape,
          .input_dim = options.input_dim,
          .input_length = options.input_length,
          .batch_input_shape = options.batch_input_shape};
}

// What all layers' options have in common.
struct LayerOptions {
  std::string kind;  // "LSTM", for messages.
  std::string name;  // "lstm"; made unique.
  bool trainable = true;
  InputArguments input = {};
  std::vector<Tensor> weights = {};  // Initial ones; none: made.
  // On every output, states of return_state included.
  Regularizer activity_regularizer = kNone;
};

class Layer {
 public:
  explicit Layer(LayerOptions options) : layer_(std::move(options)) {}
  virtual ~Layer() = default;
  Layer(const Layer&) = default;
  Layer(Layer&&) = default;
  Layer& operator=(const Layer&) = default;
  Layer& operator=(Layer&&) = default;

  Result operator()(Operand x, const CallOptions& options = {});

  const std::string& name() const { return layer_.name; }
  const std::string& kind() const { return layer_.kind; }
  // Of the last call's output: {-1, 32}.
  const TensorShape& output_shape() const { return output_shape_; }
  // What the options say of the input.
  virtual InputArguments input_arguments() const { return layer_.input; }
  // In the order of the documents. Empty before the first call.
  virtual std::vector<Variable> weights() const { return added_; }
  // Those that stateful layers keep their states in, nested layers' included.
  virtual std::vector<Variable> state_variables() const { return {}; }
  // The penalties of the layer's weights and outputs; also in the collection
  // of all of them.
  const Outputs& losses() const { return losses_; }

  bool trainable() const { return layer_.trainable; }
  // Before the first call.
  void set_trainable(bool trainable) { layer_.trainable = trainable; }
  // A further word in front of the name, before the first call.
  void set_prefix(absl::string_view prefix);

 protected:
  // Makes the weights for inputs like `input_shape` [batch, ...]; called once.
  virtual void Build(const TensorShape& input_shape);
  virtual Result Call(Output x, const CallOptions& options) = 0;

  // Within Build: a weight of the layer's own; its value.
  Output AddWeight(const WeightOptions& options);
  // Within Build and Call.
  Graph& graph() const { return *graph_; }
  const ArgumentChecker& check() const { return *check_; }
  DataType dtype() const { return dtype_; }
  const LayerOptions& layer_options() const { return layer_; }
  // The outputs of a call that has failed.
  Result Failed() const;

 private:
  bool CheckInput(Output x) const;
  std::optional<Output> MaskFor(Output x, const CallOptions& options) const;
  bool CheckWeights() const;

  LayerOptions layer_;
  bool built_ = false;
  DataType dtype_ = DataType::kFloat;
  std::vector<Variable> added_;
  Outputs losses_;
  TensorShape output_shape_;
  // Of the call in progress, and the first call's graph.
  Graph* graph_ = nullptr;
  const ArgumentChecker* check_ = nullptr;
};

// Owns any layer. Takes one by value, so that layers are written in place. A
// copy is a copy of the layer; of one that is built it shares the weights.
class AnyLayer {
 public:
  template <std::derived_from<Layer> L>
  AnyLayer(L layer) : layer_(std::make_unique<L>(std::move(layer))) {
    if constexpr (std::copy_constructible<L>) {
      copy_ = [](const Layer& original) -> std::unique_ptr<Layer> {
        return std::make_unique<L>(static_cast<const L&>(original));
      };
    }
  }
  // Null becomes a layer whose call fails the graph; so does a copy of a layer
  // that has no copy constructor, or came by pointer.
  AnyLayer(std::unique_ptr<Layer> layer);
  AnyLayer(const AnyLayer& other);
  AnyLayer(AnyLayer&&) = default;
  AnyLayer& operator=(AnyLayer other) {
    layer_ = std::move(other.layer_);
    copy_ = other.copy_;
    return *this;
  }

  Layer& operator*() const { return *layer_; }
  Layer* operator->() const { return layer_.get(); }

 private:
  using CopyFn = std::unique_ptr<Layer> (*)(const Layer& original);

  std::unique_ptr<Layer> layer_;
  CopyFn copy_ = nullptr;
};

}  // namespace weft::keras

#endif  // WEFT_LAYERS_KERAS_LAYER_H_
