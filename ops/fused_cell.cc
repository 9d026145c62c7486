#include "ops/fused_cell.h"

#include <utility>

#include "graph/expansion.h"
#include "graph/infer.h"
#include "graph/op.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/list.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/source.h"
#include "ops/types.h"

namespace weft {
namespace {

Output AddPeephole(Output gate, Output state, Output weights) {
  return weights.valid() ? gate + state * weights : gate;
}

}  // namespace

LSTMBlockOutputs LSTMBlockCell(Output x, Output cs_prev, Output h_prev,
                               const LSTMBlockWeights& weights,
                               const LSTMBlockOptions& options) {
  const Output xh = Concat({x, h_prev}, 1);
  const Output gates = BiasAdd(MatMul(xh, weights.w), weights.b);
  const Outputs parts = Split(gates, 4, 1);
  const Output forget = parts[options.forget_first ? 1 : 2];
  LSTMBlockOutputs out;
  out.i = Sigmoid(AddPeephole(parts[0], cs_prev, weights.wci));
  out.ci = Tanh(parts[options.forget_first ? 2 : 1]);
  const Output biased =
      options.forget_bias == 0 ? forget : forget + options.forget_bias;
  out.f = Sigmoid(AddPeephole(biased, cs_prev, weights.wcf));
  const Output new_part = out.ci * out.i;
  const Output old_part = cs_prev * out.f;
  out.cs = new_part + old_part;
  if (options.cell_clip > 0) {
    const Output low = ScalarLike(out.cs, -options.cell_clip);
    const Output high = ScalarLike(out.cs, options.cell_clip);
    out.cs = Minimum(Maximum(out.cs, low), high);
  }
  out.o = Sigmoid(AddPeephole(parts[3], out.cs, weights.wco));
  out.co = Tanh(out.cs);
  out.h = out.co * out.o;
  return out;
}

LSTMBlockOutputs BlockLSTM(Output seq_len_max, Output x, Output cs_prev,
                           Output h_prev, const LSTMBlockWeights& weights,
                           const LSTMBlockOptions& options) {
  const Output xs = TensorListFromTensor(x);
  const Output steps = Cast(seq_len_max, DataType::kInt32);
  const Output time = DimOf(x, 0);
  const Output element_shape = Shape(cs_prev);
  TensorShape step_shape = x.shape();
  if (step_shape.rank() > 0) step_shape.RemoveDim(0);
  // Variables: the step, cs, h, and a list for each result. What is never set
  // stays zero.
  constexpr int kFirstList = 3, kLists = 7;
  Outputs initial = {Const(x.graph(), int32_t{0}), cs_prev, h_prev};
  for (int k = 0; k < kLists; ++k)
    initial.push_back(TensorListReserve(element_shape, time, x.dtype()));
  const Outputs last = While(
      initial,
      [&](const Outputs& vars) -> Output { return Less(vars[0], steps); },
      [&](const Outputs& vars) -> Outputs {
        const Output x_t =
            TensorListGetItem(xs, vars[0], x.dtype(), step_shape);
        const LSTMBlockOutputs out =
            LSTMBlockCell(x_t, vars[1], vars[2], weights, options);
        Outputs next = {vars[0] + 1.0, out.cs, out.h};
        const Outputs all = out.All();
        for (int k = 0; k < kLists; ++k) {
          next.push_back(
              TensorListSetItem(vars[kFirstList + k], vars[0], all[k]));
        }
        return next;
      },
      {.name = "steps"});
  Outputs stacked;
  for (int k = 0; k < kLists; ++k) {
    stacked.push_back(TensorListStack(last[kFirstList + k], x.dtype(),
                                      cs_prev.shape(), x.shape().dim(0)));
  }
  return {stacked[0], stacked[1], stacked[2], stacked[3],
          stacked[4], stacked[5], stacked[6]};
}

GRUBlockOutputs GRUBlockCell(Output x, Output h_prev,
                             const GRUBlockWeights& weights) {
  const Output xh = Concat({x, h_prev}, 1);
  const Output gates = Sigmoid(BiasAdd(MatMul(xh, weights.w_ru), weights.b_ru));
  const Outputs parts = Split(gates, 2, 1);
  GRUBlockOutputs out;
  out.r = parts[0];
  out.u = parts[1];
  const Output kept = out.r * h_prev;
  const Output xrh = Concat({x, kept}, 1);
  out.c = Tanh(BiasAdd(MatMul(xrh, weights.w_c), weights.b_c));
  const Output old_part = out.u * h_prev;
  const Output new_part = (1.0 - out.u) * out.c;
  out.h = old_part + new_part;
  return out;
}

// ---- As ops of files --------------------------------------------------------

namespace {

// Inputs of the node from `begin` on: x, cs_prev, h_prev, w, wci, wcf, wco, b.
LSTMBlockWeights LSTMWeights(ExpansionContext& c, int begin) {
  LSTMBlockWeights weights;
  weights.w = c.in(begin + 3);
  weights.b = c.in(begin + 7);
  if (c.attr<bool>("use_peephole")) {
    weights.wci = c.in(begin + 4);
    weights.wcf = c.in(begin + 5);
    weights.wco = c.in(begin + 6);
  }
  return weights;
}

LSTMBlockOptions LSTMOptions(const ExpansionContext& c) {
  LSTMBlockOptions options;
  options.cell_clip = c.attr<float>("cell_clip");
  options.forget_first = c.attrs().Find("forget_bias") == nullptr;
  options.forget_bias = options.forget_first ? 0 : c.attr<float>("forget_bias");
  return options;
}

// Beyond this the sizes of weights would not fit.
constexpr int64_t kMaxSize = 1 << 28;

// Are the sizes of an input and a state fit to be those of weights?
bool CheckSizes(InferContext& c, const Dim& depth, const Dim& units) {
  if (!c.ok()) return false;
  for (const Dim* dim : {&depth, &units}) {
    if (dim->size() <= kMaxSize) continue;
    c.Fail(dim->name(), " is ", dim->size(), " but must be at most ", kMaxSize);
    return false;
  }
  return true;
}

template <bool sequence>
void InferLSTM(InferContext& c) {
  Dim time("time"), batch("batch"), depth("depth"), units("units");
  const int begin = sequence ? 1 : 0;
  if (sequence) {
    c.Expect(0, {});
    c.Expect(begin, {time, batch, depth});
  } else {
    c.Expect(begin, {batch, depth});
  }
  c.Expect(begin + 1, {batch, units});
  c.Expect(begin + 2, {batch, units});
  c.ExpectRank(begin + 3, 2);
  if (c.attr<bool>("use_peephole")) {
    for (int i = 4; i < 7; ++i) c.Expect(begin + i, {units});
  }
  c.ExpectRank(begin + 7, 1);
  if (!CheckSizes(c, depth, units)) return;
  const TensorShape& w = c.input(begin + 3);
  const TensorShape& b = c.input(begin + 7);
  const int64_t rows =
      depth.size() < 0 || units.size() < 0 ? -1 : depth.size() + units.size();
  const int64_t columns = units.size() < 0 ? -1 : 4 * units.size();
  if (!w.IsCompatibleWith({rows, columns})) {
    return c.Fail("w is ", w.ToString(),
                  " but must be [depth + units, 4 * "
                  "units] = ",
                  TensorShape{rows, columns}.ToString());
  }
  if (!b.IsCompatibleWith({columns})) {
    return c.Fail("b is ", b.ToString(), " but must be [4 * units] = ",
                  TensorShape{columns}.ToString());
  }
  for (int i = 0; i < 7; ++i) {
    if (sequence) {
      c.SetOutput(i, {time, batch, units});
    } else {
      c.SetOutput(i, {batch, units});
    }
  }
}

void InferGRU(InferContext& c) {
  Dim batch("batch"), depth("depth"), units("units");
  c.Expect(0, {batch, depth});
  c.Expect(1, {batch, units});
  c.ExpectRank(2, 2);
  c.ExpectRank(3, 2);
  c.ExpectRank(4, 1);
  c.Expect(5, {units});
  if (!CheckSizes(c, depth, units)) return;
  const int64_t n = units.size();
  const int64_t rows = depth.size() < 0 || n < 0 ? -1 : depth.size() + n;
  const int64_t twice = n < 0 ? -1 : 2 * n;
  if (!c.input(2).IsCompatibleWith({rows, twice})) {
    return c.Fail("w_ru is ", c.input(2).ToString(),
                  " but must be [depth + "
                  "units, 2 * units] = ",
                  TensorShape{rows, twice}.ToString());
  }
  if (!c.input(3).IsCompatibleWith({rows, n})) {
    return c.Fail("w_c is ", c.input(3).ToString(),
                  " but must be [depth + "
                  "units, units] = ",
                  TensorShape{rows, n}.ToString());
  }
  if (!c.input(4).IsCompatibleWith({twice})) {
    return c.Fail("b_ru is ", c.input(4).ToString(),
                  " but must be [2 * "
                  "units] = ",
                  TensorShape{twice}.ToString());
  }
  for (int i = 0; i < 4; ++i) c.SetOutput(i, {batch, units});
}

}  // namespace

#define WEFT_LSTM_ARGS             \
  Input("x: T")                    \
      .Input("cs_prev: T")         \
      .Input("h_prev: T")          \
      .Input("w: T")               \
      .Input("wci: T")             \
      .Input("wcf: T")             \
      .Input("wco: T")             \
      .Input("b: T")               \
      .Output("i: T")              \
      .Output("cs: T")             \
      .Output("f: T")              \
      .Output("o: T")              \
      .Output("ci: T")             \
      .Output("co: T")             \
      .Output("h: T")              \
      .Type("T", types::Floats())  \
      .Attr("use_peephole", false) \
      .NotDifferentiable()         \
      .NoKernel(kExpanded)

WEFT_OP(LSTMBlockCell)
    .WEFT_LSTM_ARGS.Attr("forget_bias", 1.0f)
    .Attr("cell_clip", 3.0f)
    .Infer(InferLSTM<false>);

WEFT_OP(BlockLSTM)
    .Input("seq_len_max: int64")
    .WEFT_LSTM_ARGS.Attr("forget_bias", 1.0f)
    .Attr("cell_clip", 3.0f)
    .Infer(InferLSTM<true>);

WEFT_OP(BlockLSTMV2)
    .Input("seq_len_max: int64")
    .WEFT_LSTM_ARGS.Attr("cell_clip", 0.0f)
    .Infer(InferLSTM<true>);

WEFT_OP(GRUBlockCell)
    .Input("x: T")
    .Input("h_prev: T")
    .Input("w_ru: T")
    .Input("w_c: T")
    .Input("b_ru: T")
    .Input("b_c: T")
    .Output("r: T")
    .Output("u: T")
    .Output("c: T")
    .Output("h: T")
    .Type("T", types::Floats())
    .Infer(InferGRU)
    .NotDifferentiable()
    .NoKernel(kExpanded);

WEFT_EXPANSION(LSTMBlockCell, [](ExpansionContext& c) -> Outputs {
  return LSTMBlockCell(c.in(0), c.in(1), c.in(2), LSTMWeights(c, 0),
                       LSTMOptions(c))
      .All();
});

Outputs ExpandBlockLSTM(ExpansionContext& c) {
  return BlockLSTM(c.in(0), c.in(1), c.in(2), c.in(3), LSTMWeights(c, 1),
                   LSTMOptions(c))
      .All();
}

WEFT_EXPANSION(BlockLSTM, ExpandBlockLSTM);
WEFT_EXPANSION(BlockLSTMV2, ExpandBlockLSTM);

WEFT_EXPANSION(GRUBlockCell, [](ExpansionContext& c) -> Outputs {
  const GRUBlockOutputs out =
      GRUBlockCell(c.in(0), c.in(1), {c.in(2), c.in(3), c.in(4), c.in(5)});
  return {out.r, out.u, out.c, out.h};
});

}  // namespace weft
