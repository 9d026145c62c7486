#include "layers/keras/sequential.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace weft::keras {

Sequential::Sequential(GraphRef g, std::string name)
    : Layer({.kind = "Sequential", .name = std::move(name)}),
      model_graph_(&g.graph) {}

Sequential::Sequential(GraphRef g, std::vector<AnyLayer> layers,
                       std::string name)
    : Sequential(g, std::move(name)) {
  for (AnyLayer& layer : layers) Add(std::move(layer), g.location);
}

void Sequential::Add(AnyLayer layer, SourceLocation location) {
  Graph& g = *model_graph_;
  LocationScope at(g, location);
  if (layers_.empty()) {
    const InputArguments arguments = layer->input_arguments();
    const TensorShape shape = arguments.shape();
    if (shape.rank() < 1) {
      output_ = Output(g.Fail(
          InvalidArgument(
              "Sequential '", name(), "': the first layer, ", layer->kind(),
              " '", layer->name(),
              "', says nothing of its input but must be given input_shape, "
              "input_dim, input_length or batch_input_shape"),
          location));
      input_ = output_;
      return;
    }
    input_ =
        Input({g, location}, {.batch_shape = shape,
                              .dtype = arguments.dtype,
                              .name = absl::StrCat(layer->name(), "_input")});
    output_ = input_;
  }
  const Result result = (*layer)(Operand(output_, location));
  if (result.size() > 1 && g.status().ok()) {
    g.Fail(InvalidArgument("Sequential '", name(), "': ", layer->kind(), " '",
                           layer->name(), "' gives ", result.size(),
                           " outputs but must give one"),
           location);
  }
  output_ = result;
  layers_.push_back(std::move(layer));
}

InputArguments Sequential::input_arguments() const {
  return layers_.empty() ? InputArguments{} : layers_[0]->input_arguments();
}

std::vector<Variable> Sequential::weights() const {
  std::vector<Variable> all;
  for (const AnyLayer& layer : layers_) {
    const std::vector<Variable> own = layer->weights();
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

std::vector<Variable> Sequential::state_variables() const {
  std::vector<Variable> all;
  for (const AnyLayer& layer : layers_) {
    const std::vector<Variable> own = layer->state_variables();
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

Outputs Sequential::losses() const {
  Outputs all;
  for (const AnyLayer& layer : layers_) {
    all.insert(all.end(), layer->losses().begin(), layer->losses().end());
  }
  return all;
}

Result Sequential::Call(Output x, const CallOptions& options) {
  CallOptions inner;
  inner.mode = options.mode;
  inner.mask = options.mask;
  for (const AnyLayer& layer : layers_) {
    x = (*layer)(Operand(x, {}), inner);
    if (!Layer::graph().status().ok()) return Failed();
    inner.mask.reset();
  }
  return Result(x);
}

}  // namespace weft::keras
