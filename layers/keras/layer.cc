#include "layers/keras/layer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "layers/layer_scope.h"
#include "layers/weights.h"
#include "ops/source.h"

namespace weft::keras {
namespace {

// The collection of masks: the name of an output and that of its mask, one
// after the other.
constexpr char kMasks[] = "keras_masks";

bool Fits(const Tensor& value, const TensorShape& shape, DataType dtype) {
  return value.shape() == shape && value.dtype() == dtype;
}

std::string Described(DataType dtype, const TensorShape& shape) {
  return absl::StrCat(DataTypeName(dtype), " ", shape.ToString());
}

// In place of a layer that is not there.
class MissingLayer : public Layer {
 public:
  explicit MissingLayer(const char* problem)
      : Layer({.kind = "AnyLayer", .name = "layer"}), problem_(problem) {}

 protected:
  Result Call(Output, const CallOptions&) override {
    check().Fail("the layer ", problem_);
    return Failed();
  }

 private:
  const char* problem_;
};

}  // namespace

// ---- Calls -----------------------------------------------------------------

Output Result::operator[](size_t i) const {
  if (i < outputs_.size()) return outputs_[i];
  Graph& g = outputs_[0].graph();
  return Output(g.Fail(InvalidArgument(
      "'", outputs_[0].name(), "': result ", i, " is asked for but there are ",
      outputs_.size(), "; with return_state the states follow the output")));
}

std::optional<Output> MaskOf(Output x) {
  const Graph& g = x.graph();
  const std::vector<std::string>& names = g.Collection(kMasks);
  // The latest one counts.
  for (size_t i = names.size(); i >= 2; i -= 2) {
    if (names[i - 2] != x.name()) continue;
    const absl::StatusOr<Output> mask = g.FindOutput(names[i - 1]);
    if (mask.ok()) return *mask;
  }
  return {};
}

void SetMask(Output x, Output mask) {
  Graph& g = x.graph();
  if (!g.status().ok() || MaskOf(x) == mask) return;
  g.AddToCollection(kMasks, x.name());
  g.AddToCollection(kMasks, mask.name());
}

Output Input(GraphRef g, const InputOptions& options) {
  TensorShape shape = options.batch_shape;
  if (shape.rank() > 0 && options.shape.rank() > 0) {
    return Output(g.graph.Fail(
        InvalidArgument("Input '", Printable(options.name), "': shape is ",
                        options.shape.ToString(), " and batch_shape ",
                        shape.ToString(), " but one of them must be left out"),
        g.location));
  }
  if (shape.rank() == 0) {
    shape = options.shape;
    shape.InsertDim(0, TensorShape::kUnknownDim);
  }
  return Placeholder(g, options.name, options.dtype, shape);
}

// ---- Weights ---------------------------------------------------------------

Variable MakeKerasWeight(GraphRef g, const WeightContext& context,
                         const WeightOptions& options) {
  const Initializer initializer =
      options.initializer.In(KerasInitializerNames());
  const ArgumentChecker check(g, "weight");
  const std::string& name = options.name;
  check.Known(absl::StrCat(name, ": initializer"), initializer);
  check.Known(absl::StrCat(name, ": regularizer"), options.regularizer);
  check.Known(absl::StrCat(name, ": constraint"), options.constraint);
  check.Expect(options.shape.IsFullyDefined(), absl::StrCat(name, ": shape"),
               options.shape.ToString(), "known");
  if (!g.graph.status().ok()) return Variable();
  return MakeWeight(g, {.name = name,
                        .shape = options.shape,
                        .dtype = context.dtype,
                        .initializer = initializer,
                        .regularizer = options.regularizer,
                        .constraint = options.constraint,
                        .trainable = context.trainable && options.trainable,
                        .reuse = context.reuse});
}

Initializer InitialWeight(const std::vector<Tensor>& weights, size_t k,
                          const Initializer& otherwise) {
  if (weights.empty()) return otherwise;
  const Tensor value = k < weights.size() ? weights[k] : Tensor();
  return Initializer(
      [value](Graph& g, const TensorShape& shape, DataType dtype) {
        return Fits(value, shape, dtype)
                   ? Const(g, value)
                   : weft::initializers::Zeros().Make(g, shape, dtype);
      });
}

// ---- Layers ----------------------------------------------------------------

TensorShape InputArguments::shape() const {
  if (batch_input_shape.rank() > 0) return batch_input_shape;
  TensorShape result = input_shape;
  const auto size = [](int64_t given) {
    constexpr int64_t kMax = int64_t{1} << 29;
    return given >= 1 && given <= kMax ? given : TensorShape::kUnknownDim;
  };
  if (result.rank() == 0) {
    if (input_dim == -1 && input_length == -1) return result;
    for (int i = 1; i < rank; ++i) result.AddDim(TensorShape::kUnknownDim);
    if (input_length != -1) result.set_dim(0, size(input_length));
    if (input_dim != -1) result.set_dim(rank - 2, size(input_dim));
  }
  if (result.rank() < TensorShape::kMaxRank) {
    result.InsertDim(0, TensorShape::kUnknownDim);
  }
  return result;
}

bool InputArguments::Check(const ArgumentChecker& check) const {
  if (input_dim != -1) check.IsSize("input_dim", input_dim);
  if (input_length != -1) check.IsSize("input_length", input_length);
  bool right = true;
  for (const TensorShape& given : {input_shape, batch_input_shape}) {
    const auto dims = given.dims();
    right = right && std::find(dims.begin(), dims.end(), 0) == dims.end();
  }
  return check.Expect(right, "input_shape", shape().ToString(),
                      "of sizes of at least 1, or -1 for any");
}

Result Layer::operator()(Operand x, const CallOptions& options) {
  Graph& g = x.graph();
  const LayerScope scope(
      {g, x.location},
      {.kind = layer_.kind, .name = layer_.name, .called = built_});
  check_ = &scope.check();
  if (built_ && graph_ != &g) {
    check_->Fail("the layer has been called in another graph");
    graph_ = &g;
    return Failed();
  }
  graph_ = &g;
  CallOptions call = options;
  call.mask = MaskFor(x, options);
  const size_t known_losses = g.Collection(kRegularizationLosses).size();
  check_->Known("activity_regularizer", layer_.activity_regularizer);
  if (!CheckInput(x)) return Failed();
  if (!built_) {
    built_ = true;
    const bool floating =
        x.dtype() == DataType::kFloat || x.dtype() == DataType::kDouble;
    dtype_ = floating ? x.dtype() : DataType::kFloat;
    Build(x.shape());
    if (!CheckWeights()) return Failed();
  }
  const Result result = Call(x, call);
  if (!g.status().ok()) return Failed();
  for (Output y : result.outputs()) {
    AddRegularizationLoss(layer_.activity_regularizer, y,
                          "ActivityRegularizer");
  }
  const std::vector<std::string>& names = g.Collection(kRegularizationLosses);
  for (size_t i = known_losses; i < names.size(); ++i) {
    const absl::StatusOr<Output> loss = g.FindOutput(names[i]);
    if (loss.ok()) losses_.push_back(*loss);
  }
  output_shape_ = result[0].shape();
  return result;
}

void Layer::set_prefix(absl::string_view prefix) {
  layer_.name = absl::StrCat(prefix, "_", layer_.name);
}

void Layer::Build(const TensorShape&) {}

Output Layer::AddWeight(const WeightOptions& options) {
  WeightOptions weight = options;
  weight.initializer =
      InitialWeight(layer_.weights, added_.size(), options.initializer);
  const Variable variable = MakeKerasWeight(
      *graph_, {.dtype = dtype_, .trainable = layer_.trainable}, weight);
  if (!variable.valid()) return Output(graph_->Fail(graph_->status()));
  added_.push_back(variable);
  return variable.read();
}

Result Layer::Failed() const {
  Output error(graph_->Fail(graph_->status()));
  // As many as any layer may give.
  return Result(error, Outputs(16, error));
}

bool Layer::CheckInput(Output x) const {
  const InputArguments input = input_arguments();
  if (!input.Check(*check_)) return false;
  const TensorShape said = input.shape();
  if (said.rank() > 0) {
    check_->Expect(
        x.shape().IsCompatibleWith(said), "x", x.shape().ToString(),
        absl::StrCat(said.ToString(), ", as the layer's input_shape says"));
  }
  return graph_->status().ok();
}

std::optional<Output> Layer::MaskFor(Output x,
                                     const CallOptions& options) const {
  if (!options.mask.has_value()) return MaskOf(x);
  const Output mask = *options.mask;
  TensorShape wanted = {TensorShape::kUnknownDim, TensorShape::kUnknownDim};
  if (x.shape().rank() >= 2) wanted = {x.shape().dim(0), x.shape().dim(1)};
  check_->Expect(
      mask.dtype() == DataType::kBool && mask.shape().IsCompatibleWith(wanted),
      "mask", Described(mask.dtype(), mask.shape()),
      Described(DataType::kBool, wanted));
  return mask;
}

bool Layer::CheckWeights() const {
  const std::vector<Tensor>& given = layer_.weights;
  if (!graph_->status().ok()) return false;
  if (given.empty()) return true;
  const std::vector<Variable> wanted = weights();
  bool right = given.size() == wanted.size();
  for (size_t i = 0; right && i < given.size(); ++i) {
    right = Fits(given[i], wanted[i].shape(), wanted[i].dtype());
  }
  const auto described = [](std::string* out, const auto& weight) {
    out->append(Described(weight.dtype(), weight.shape()));
  };
  const auto named = [](std::string* out, const Variable& weight) {
    absl::StrAppend(out, weight.name(), " ",
                    Described(weight.dtype(), weight.shape()));
  };
  return check_->Expect(right, "weights", absl::StrJoin(given, ", ", described),
                        absl::StrJoin(wanted, ", ", named));
}

AnyLayer::AnyLayer(std::unique_ptr<Layer> layer) : layer_(std::move(layer)) {
  if (layer_ == nullptr) {
    layer_ = std::make_unique<MissingLayer>("is null but must be a layer");
  }
}

AnyLayer::AnyLayer(const AnyLayer& other) : copy_(other.copy_) {
  if (copy_ != nullptr) {
    layer_ = copy_(*other.layer_);
  } else {
    layer_ = std::make_unique<MissingLayer>("must be one that can be copied");
  }
}

}  // namespace weft::keras
