// cuDNN's recurrent networks, as loops of ordinary nodes.
//
// All weights come in one vector: of each layer and direction the matrices for
// the input, gate by gate, [units, depth] each, then those for the state,
// [units, units]; behind all of these the biases in the same order, [units]
// each. Gates are i, f, j, o of an LSTM, and r, u, c of a GRU.
#include <optional>
#include <string>
#include <vector>

#include "core/tensor_shape.h"
#include "graph/expansion.h"
#include "graph/infer.h"
#include "graph/op.h"
#include "ops/array.h"
#include "ops/array_common.h"
#include "ops/control_flow.h"
#include "ops/list.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/source.h"
#include "ops/types.h"

namespace weft {
namespace {

int GatesOf(const std::string& rnn_mode) {
  if (rnn_mode == "lstm") return 4;
  return rnn_mode == "gru" ? 3 : 1;
}

struct Sizes {
  int gates = 1;
  int directions = 1;
  int64_t layers = 0;
  int64_t depth = 0;  // Of the first layer.
  int64_t units = 0;

  int64_t DepthOf(int64_t layer) const {
    return layer == 0 ? depth : units * directions;
  }
  // Elements of the matrices of one direction of a layer.
  int64_t MatricesOf(int64_t layer) const {
    return gates * units * (DepthOf(layer) + units);
  }
  int64_t BiasesOf() const { return 2 * gates * units; }
  int64_t Total() const {
    int64_t total = 0;
    for (int64_t layer = 0; layer < layers; ++layer)
      total += directions * (MatricesOf(layer) + BiasesOf());
    return total;
  }
};

// Sizes from outside are bounded, so that products of them fit.
constexpr int64_t kMaxSize = 1 << 20;
constexpr int64_t kMaxLayers = 1000;

bool AreReasonable(const Sizes& s) {
  return s.layers >= 1 && s.layers <= kMaxLayers && s.depth >= 0 &&
         s.depth <= kMaxSize && s.units >= 1 && s.units <= kMaxSize;
}

// One direction of one layer.
struct Weights {
  Output input;                   // [gates * units, depth].
  Output state;                   // [gates * units, units].
  Output input_bias, state_bias;  // [gates * units].
};

class CudnnNetwork {
 public:
  CudnnNetwork(const Sizes& sizes, const std::string& mode, Output params,
               Output lengths)
      : s_(sizes), mode_(mode), params_(params), lengths_(lengths) {
    int64_t at = 0;
    for (int64_t layer = 0; layer < s_.layers; ++layer)
      for (int d = 0; d < s_.directions; ++d) {
        matrices_at_.push_back(at);
        at += s_.MatricesOf(layer);
      }
    biases_at_ = at;
  }

  struct Results {
    Output output, h, c;
  };

  // x [time, batch, depth]; h and c [layers * directions, batch, units].
  Results Run(Output x, Output h, Output c) {
    const int n = static_cast<int>(matrices_at_.size());
    const Outputs hs = Unpack(h, n);
    const bool has_c = mode_ == "lstm";
    const Outputs cs = has_c ? Unpack(c, n) : Outputs();
    Outputs last_hs, last_cs;
    for (int64_t layer = 0; layer < s_.layers; ++layer) {
      Outputs directions;
      for (int d = 0; d < s_.directions; ++d) {
        const int k = static_cast<int>(layer) * s_.directions + d;
        Outputs state = {hs[k]};
        if (has_c) state.push_back(cs[k]);
        const Outputs done =
            RunDirection(x, state, WeightsOf(layer, k), /*backward=*/d == 1);
        directions.push_back(done[0]);
        last_hs.push_back(done[1]);
        if (has_c) last_cs.push_back(done[2]);
      }
      x = directions.size() == 1 ? directions[0] : Concat(directions, 2);
    }
    return {x, Pack(last_hs), has_c ? Pack(last_cs) : Identity(c)};
  }

 private:
  Output Part(int64_t begin, int64_t size) const {
    return Slice(params_, {begin}, {size});
  }

  Weights WeightsOf(int64_t layer, int k) const {
    const int64_t rows = s_.gates * s_.units;
    const int64_t depth = s_.DepthOf(layer);
    const int64_t at = matrices_at_[k];
    const int64_t bias_at = biases_at_ + k * s_.BiasesOf();
    Weights w;
    w.input = Reshape(Part(at, rows * depth), {rows, depth});
    w.state =
        Reshape(Part(at + rows * depth, rows * s_.units), {rows, s_.units});
    w.input_bias = Part(bias_at, rows);
    w.state_bias = Part(bias_at + rows, rows);
    return w;
  }

  // The new state from what the input and the state give.
  Outputs Step(const Outputs& from_x, const Outputs& from_h,
               const Outputs& state) const {
    if (mode_ == "lstm") {
      Outputs gates;
      for (int i = 0; i < 4; ++i) gates.push_back(from_x[i] + from_h[i]);
      const Output kept = Sigmoid(gates[1]) * state[1];
      const Output added = Sigmoid(gates[0]) * Tanh(gates[2]);
      const Output c = kept + added;
      const Output h = Sigmoid(gates[3]) * Tanh(c);
      return {h, c};
    }
    if (mode_ == "gru") {
      const Output r = Sigmoid(from_x[0] + from_h[0]);
      const Output u = Sigmoid(from_x[1] + from_h[1]);
      const Output c = Tanh(from_x[2] + r * from_h[2]);
      const Output kept = u * state[0];
      const Output added = (1.0 - u) * c;
      return {kept + added};
    }
    const Output sum = from_x[0] + from_h[0];
    return {mode_ == "rnn_relu" ? Relu(sum) : Tanh(sum)};
  }

  Outputs SplitGates(Output x) const {
    return s_.gates == 1 ? Outputs{x} : Split(x, s_.gates, 1);
  }

  // The outputs [time, batch, units], then the last state.
  Outputs RunDirection(Output x, const Outputs& initial, const Weights& w,
                       bool backward) const {
    const Output time = DimOf(x, 0);
    const Output batch = DimOf(x, 1);
    const Output rows = Reshape(x, {-1, w.input.shape().dim(1)});
    const Output projected =
        BiasAdd(MatMul(rows, w.input, {.transpose_b = true}), w.input_bias);
    const Output by_step = Reshape(
        projected,
        Pack({time, batch,
              Const(x.graph(), static_cast<int32_t>(w.input.shape().dim(0)))}));
    const Output xs = TensorListFromTensor(by_step);
    const Output h_shape = Shape(initial[0]);
    Outputs variables = {Const(x.graph(), int32_t{0}),
                         TensorListReserve(h_shape, time, x.dtype())};
    for (const Output& state : initial) variables.push_back(state);
    const Outputs last = While(
        variables, [&](const Outputs& v) -> Output { return Less(v[0], time); },
        [&](const Outputs& v) -> Outputs {
          const Output at = backward ? time - v[0] - 1.0 : v[0];
          const Output from_x = TensorListGetItem(xs, at, x.dtype(),
                                                  {-1, w.input.shape().dim(0)});
          const Outputs state(v.begin() + 2, v.end());
          const Output from_h = BiasAdd(
              MatMul(state[0], w.state, {.transpose_b = true}), w.state_bias);
          Outputs next = Step(SplitGates(from_x), SplitGates(from_h), state);
          Output out = next[0];
          if (lengths_.valid()) {
            // Beyond a sequence's end its state stays and its output is 0.
            const Output inside = Less(at, lengths_);
            out = Select(inside, out, ZerosLike(out));
            for (size_t i = 0; i < next.size(); ++i)
              next[i] = Select(inside, next[i], state[i]);
          }
          Outputs result = {v[0] + 1.0, TensorListSetItem(v[1], at, out)};
          result.insert(result.end(), next.begin(), next.end());
          return result;
        },
        {.name = "steps"});
    Outputs done = {TensorListStack(last[1], x.dtype(), initial[0].shape(),
                                    x.shape().dim(0))};
    done.insert(done.end(), last.begin() + 2, last.end());
    return done;
  }

  const Sizes s_;
  const std::string mode_;
  const Output params_;
  const Output lengths_;  // [batch]; not valid: all steps count.
  std::vector<int64_t> matrices_at_;
  int64_t biases_at_ = 0;
};

// Nothing, and a mistake, for what weft does not do.
bool CheckAttrs(ExpansionContext& c) {
  const std::string& input_mode = c.attr<std::string>("input_mode");
  if (input_mode == "skip_input") {
    c.FailUnimplemented("attr 'input_mode' is \"skip_input\" but only ",
                        "\"linear_input\" is supported");
    return false;
  }
  const AttrValue* training = c.attrs().Find("is_training");
  if (c.attr<float>("dropout") != 0 &&
      (training == nullptr || *training->get_if<bool>())) {
    c.FailUnimplemented("attr 'dropout' is ", c.attr<float>("dropout"),
                        " but only 0 is supported in training");
    return false;
  }
  const AttrValue* num_proj = c.attrs().Find("num_proj");
  if (num_proj != nullptr && *num_proj->get_if<int64_t>() != 0) {
    c.FailUnimplemented("attr 'num_proj' is ", *num_proj->get_if<int64_t>(),
                        " but only 0 is supported");
    return false;
  }
  return true;
}

int DirectionsOf(const ExpansionContext& c) {
  return c.attr<std::string>("direction") == "bidirectional" ? 2 : 1;
}

// Both layouts: `input` and states in time-major order, and back.
Output SwapFirstAxes(Output x) { return Transpose(x, {1, 0, 2}); }

Outputs ExpandCudnn(ExpansionContext& c) {
  if (!CheckAttrs(c)) return {};
  const AttrValue* major = c.attrs().Find("time_major");
  const bool time_major = major == nullptr || *major->get_if<bool>();
  const std::string& mode = c.attr<std::string>("rnn_mode");
  Output x = c.in(0), h = c.in(1), state_c = c.in(2);
  const Output params = c.in(3);
  if (!time_major) {
    x = SwapFirstAxes(x);
    h = SwapFirstAxes(h);
    if (mode == "lstm") state_c = SwapFirstAxes(state_c);
  }
  Sizes sizes;
  sizes.gates = GatesOf(mode);
  sizes.directions = DirectionsOf(c);
  if (x.shape().dim(-1) < 0 || h.shape().dim(0) < 0 || h.shape().dim(-1) < 0) {
    return c.FailUnimplemented("the last axis of input, ", x.shape().ToString(),
                               ", and the first and last of input_h, ",
                               h.shape().ToString(), ", must be known");
  }
  sizes.depth = x.shape().dim(-1);
  sizes.units = h.shape().dim(-1);
  sizes.layers = h.shape().dim(0) / sizes.directions;
  if (h.shape().dim(0) % sizes.directions != 0 || !AreReasonable(sizes)) {
    return c.Fail("input_h is ", h.shape().ToString(),
                  " but must be [layers * ", sizes.directions,
                  ", batch, units], in that order");
  }
  const TensorShape wanted = {sizes.Total()};
  if (!params.shape().IsCompatibleWith(wanted)) {
    return c.Fail("params is ", params.shape().ToString(), " but must be ",
                  wanted.ToString(), " for ", sizes.layers, " layers of ",
                  sizes.units, " units");
  }
  const Output lengths = c.num_inputs() > 4 ? c.in(4) : Output();
  CudnnNetwork network(sizes, mode, params, lengths);
  CudnnNetwork::Results done = network.Run(x, h, state_c);
  if (!time_major) {
    done.output = SwapFirstAxes(done.output);
    done.h = SwapFirstAxes(done.h);
    if (mode == "lstm") done.c = SwapFirstAxes(done.c);
  }
  return {done.output, done.h, done.c, Zeros(c.graph(), x.dtype(), {0})};
}

Outputs ExpandCudnnWithHost(ExpansionContext& c) {
  Outputs outputs = ExpandCudnn(c);
  if (!outputs.empty())
    outputs.push_back(Zeros(c.graph(), DataType::kInt8, {0}));
  return outputs;
}

void InferCudnn(InferContext& c) {
  c.ExpectRank(0, 3);
  c.ExpectRank(1, 3);
  c.ExpectRank(3, 1);
  if (c.attr<std::string>("rnn_mode") == "lstm" &&
      !c.input(1).IsCompatibleWith(c.input(2))) {
    return c.Fail("input_c is ", c.input(2).ToString(),
                  " but must be like input_h, ", c.input(1).ToString());
  }
  const AttrValue* major = c.node().attrs().Find("time_major");
  const int batch = major == nullptr || *major->get_if<bool>() ? 1 : 0;
  const int64_t x_batch = c.input(0).dim(batch),
                h_batch = c.input(1).dim(batch);
  if (x_batch >= 0 && h_batch >= 0 && x_batch != h_batch) {
    return c.Fail("input_h is ", c.input(1).ToString(),
                  " but input has a batch of ", x_batch);
  }
  if (c.num_inputs() > 4) c.Expect(4, {x_batch});
}

std::vector<AttrValue> Modes() {
  return {"rnn_relu", "rnn_tanh", "lstm", "gru"};
}

#define WEFT_CUDNN_ATTRS                                   \
  Attr("rnn_mode", "lstm", Modes())                        \
      .Attr("input_mode", "linear_input",                  \
            {"linear_input", "skip_input", "auto_select"}) \
      .Attr("direction", "unidirectional",                 \
            {"unidirectional", "bidirectional"})           \
      .Attr("dropout", 0.0f)                               \
      .Attr("seed", 0)                                     \
      .Attr("seed2", 0)                                    \
      .NotDifferentiable()                                 \
      .NoKernel(kExpanded)

#define WEFT_CUDNN_OP(name, expand) \
  WEFT_EXPANSION(name, expand);     \
  WEFT_OP(name)                     \
      .Input("input: T")            \
      .Input("input_h: T")          \
      .Input("input_c: T")          \
      .Input("params: T")           \
      .Output("output: T")          \
      .Output("output_h: T")        \
      .Output("output_c: T")        \
      .Output("reserve_space: T")   \
      .Type("T", types::Floats())   \
      .Attr("is_training", true)    \
      .WEFT_CUDNN_ATTRS.Infer(InferCudnn)

WEFT_CUDNN_OP(CudnnRNN, ExpandCudnn);
WEFT_CUDNN_OP(CudnnRNNV2, ExpandCudnnWithHost).Output("host_reserved: int8");
WEFT_CUDNN_OP(CudnnRNNV3, ExpandCudnnWithHost)
    .Input("sequence_lengths: int32")
    .Output("host_reserved: int8")
    .Attr("num_proj", 0)
    .Attr("time_major", true);

// ---- The vector of weights --------------------------------------------------

// What inputs 0 to 2 say: layers, units and the depth of the input.
std::optional<Sizes> KnownSizes(ExpansionContext& c) {
  Sizes sizes;
  int64_t* const numbers[] = {&sizes.layers, &sizes.units, &sizes.depth};
  for (int i = 0; i < 3; ++i) {
    const PartialValue value = KnownElements(c.in(i));
    if (value.size() != 1 || value[0] == kUnknownElement) {
      c.FailUnimplemented("input ", i, " must be a constant");
      return std::nullopt;
    }
    *numbers[i] = value[0];
  }
  sizes.gates = GatesOf(c.attr<std::string>("rnn_mode"));
  sizes.directions = DirectionsOf(c);
  if (AreReasonable(sizes)) return sizes;
  c.Fail("num_layers is ", sizes.layers, ", num_units ", sizes.units,
         " and input_size ", sizes.depth, ", which is too little or too much");
  return std::nullopt;
}

Outputs ExpandParamsSize(ExpansionContext& c) {
  if (!CheckAttrs(c)) return {};
  const std::optional<Sizes> sizes = KnownSizes(c);
  if (!sizes.has_value()) return {};
  const Output size =
      Const(c.graph(), Tensor::Vector<int64_t>({sizes->Total()}));
  return {Cast(size, c.attr<DataType>("S"))};
}

// Weights and biases, each flat, one after another.
Outputs ExpandToParams(ExpansionContext& c) {
  if (!CheckAttrs(c)) return {};
  Outputs parts;
  for (int i = 3; i < c.num_inputs(); ++i)
    parts.push_back(Reshape(c.in(i), {-1}));
  return {Concat(parts, 0)};
}

Outputs ExpandToCanonical(ExpansionContext& c) {
  if (!CheckAttrs(c)) return {};
  const std::optional<Sizes> sizes = KnownSizes(c);
  if (!sizes.has_value()) return {};
  const int64_t count = sizes->layers * sizes->directions * 2 * sizes->gates;
  if (c.attr<int64_t>("num_params") != count) {
    return c.Fail("attr 'num_params' is ", c.attr<int64_t>("num_params"),
                  " but must be ", count);
  }
  const Output params = c.in(3);
  const TensorShape wanted = {sizes->Total()};
  if (!params.shape().IsCompatibleWith(wanted)) {
    return c.Fail("params is ", params.shape().ToString(), " but must be ",
                  wanted.ToString());
  }
  Outputs outputs;
  int64_t at = 0;
  for (int64_t k = 0; k < count; ++k) {
    const int64_t pair = k / (2 * sizes->gates);
    const bool of_state = k % (2 * sizes->gates) >= sizes->gates;
    const int64_t columns =
        of_state ? sizes->units : sizes->DepthOf(pair / sizes->directions);
    const int64_t size = sizes->units * columns;
    outputs.push_back(
        Reshape(Slice(params, {at}, {size}), {sizes->units, columns}));
    at += size;
  }
  for (int64_t k = 0; k < count; ++k) {
    outputs.push_back(Slice(params, {at}, {sizes->units}));
    at += sizes->units;
  }
  return outputs;
}

void InferScalarSizes(InferContext& c) {
  for (int i = 0; i < 3; ++i) c.Expect(i, {});
}

#define WEFT_CUDNN_PARAMS_OP(name, expand) \
  WEFT_EXPANSION(name, expand);            \
  WEFT_OP(name)                            \
      .Input("num_layers: int32")          \
      .Input("num_units: int32")           \
      .Input("input_size: int32")          \
      .WEFT_CUDNN_ATTRS.Infer(InferScalarSizes)

WEFT_CUDNN_PARAMS_OP(CudnnRNNParamsSize, ExpandParamsSize)
    .Output("params_size: S")
    .Type("T", types::Floats())
    .Type("S", types::Integers())
    .Attr("num_proj", 0);

WEFT_CUDNN_PARAMS_OP(CudnnRNNCanonicalToParams, ExpandToParams)
    .Input("weights: num_params*T")
    .Input("biases: num_params*T")
    .Output("params: T")
    .Type("T", types::Floats())
    .Number("num_params");

WEFT_CUDNN_PARAMS_OP(CudnnRNNParamsToCanonical, ExpandToCanonical)
    .Input("params: T")
    .Output("weights: num_params*T")
    .Output("biases: num_params*T")
    .Type("T", types::Floats())
    .Number("num_params");

}  // namespace
}  // namespace weft
