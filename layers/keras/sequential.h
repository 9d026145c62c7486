// Layers one after the other.
#ifndef WEFT_LAYERS_KERAS_SEQUENTIAL_H_
#define WEFT_LAYERS_KERAS_SEQUENTIAL_H_

#include <string>
#include <vector>

#include "layers/keras/layer.h"

namespace weft::keras {

// A model whose layers are called as they are added:
//
//   Sequential model(g);
//   model.Add(LSTM(32, {.input_shape = {10, 64}}));
//   model.Add(Dense(3, {.activation = "softmax"}));
//   model.output_shape();  // {-1, 3}
//
// The first layer must say what its input is like. Layers stand in the graph's
// open scope, under their own names. A model is a layer, too: called on another
// input it applies its layers again, with the same weights.
//
// What needs a session (training, weights, states) is in train/keras_model.h
// and train/layer_values.h.
class Sequential : public Layer {
 public:
  explicit Sequential(GraphRef g, std::string name = "sequential");
  Sequential(GraphRef g, std::vector<AnyLayer> layers,
             std::string name = "sequential");
  // Owns its layers, and belongs to one graph.
  Sequential(Sequential&&) = default;
  Sequential(const Sequential&) = delete;

  void Add(AnyLayer layer, SourceLocation location = SourceLocation::Current());

  Graph& graph() const { return *model_graph_; }
  Output input() const { return input_; }
  Output output() const { return output_; }
  TensorShape output_shape() const { return output_.shape(); }
  const std::vector<AnyLayer>& layers() const { return layers_; }

  InputArguments input_arguments() const override;
  std::vector<Variable> weights() const override;
  std::vector<Variable> state_variables() const override;
  // Of all layers.
  Outputs losses() const;

 protected:
  Result Call(Output x, const CallOptions& options) override;

 private:
  Graph* model_graph_;
  std::vector<AnyLayer> layers_;
  Output input_;
  Output output_;
};

}  // namespace weft::keras

#endif  // WEFT_LAYERS_KERAS_SEQUENTIAL_H_
