#include "layers/step_through.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "graph/collections.h"
#include "layers/argument_error.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/list.h"
#include "ops/math.h"
#include "ops/reduction.h"
#include "ops/source.h"

namespace weft {
namespace {

TensorShape WithBatch(const TensorShape& shape, int64_t batch) {
  TensorShape result = shape;
  result.InsertDim(0, batch);
  return result;
}

// `x` with its first two axes exchanged.
Output SwapBatchAndTime(Output x) {
  std::vector<int64_t> perm(x.shape().rank());
  for (size_t i = 0; i < perm.size(); ++i) perm[i] = static_cast<int64_t>(i);
  std::swap(perm[0], perm[1]);
  return Transpose(x, perm);
}

// What goes from step to step.
struct Carry {
  Output outputs;  // With Keep::kAll a list; else what is kept so far.
  Outputs state;
  Outputs carried;
};

// One sequence on its way through a cell.
class Runner {
 public:
  Runner(RNNCell& cell, Output x, const StepThroughOptions& options)
      : cell_(cell),
        x_(x),
        g_(x.graph()),
        options_(options),
        check_(x.graph(), options.kind) {}

  Steps Run() {
    if (!CheckShape()) return Failed();
    cell_.Build(CellInput(g_, x_.dtype(), StepShape()));
    if (!g_.status().ok()) return Failed();
    state_shapes_ = cell_.state_shapes();
    if (!CheckConstants()) return Failed();
    Carry carry;
    carry.state = InitialState();
    if (!g_.status().ok()) return Failed();
    const CallContext call{x_, options_.constants, options_.mode};
    begun_ = cell_.Begin(call);
    carry.carried = cell_.Carried(call);
    zero_output_ = ZeroOutput();
    carry.outputs = zero_output_;
    carry =
        options_.dynamic ? Loop(std::move(carry)) : Unroll(std::move(carry));
    if (!g_.status().ok()) return Failed();
    return Finish(carry);
  }

 private:
  Steps Failed() {
    Output error(g_.Fail(g_.status()));
    const size_t states =
        std::max(state_shapes_.size(), cell_.state_shapes().size());
    return {error, Outputs(std::max<size_t>(1, states), error)};
  }

  bool CheckShape() {
    const TensorShape& shape = x_.shape();
    if (!check_.Expect(shape.rank() >= 3, "x", shape.ToString(),
                       "[batch, time, depth]")) {
      return false;
    }
    return check_.Expect(
        options_.dynamic || shape.dim(1) >= 1, "time of x", shape.ToString(),
        "known and at least 1 to be unrolled; with dynamic the "
        "steps are a loop");
  }

  bool CheckConstants() const {
    const size_t given = options_.constants.size();
    return check_.Expect(
        given == 0 || cell_.takes_constants(), "constants",
        absl::StrCat(given, " tensors"),
        absl::StrCat("none: the cell '", cell_.name(), "' takes none"));
  }

  TensorShape StepShape() const {
    TensorShape shape = x_.shape();
    shape.RemoveDim(1);
    return shape;
  }

  TensorShape StateShape(size_t k) const {
    return WithBatch(state_shapes_[k], x_.shape().dim(0));
  }

  // The initial states as they are given: one by one, or joined.
  Outputs GivenState() {
    const Outputs& given = options_.initial_state;
    if (given.empty()) return cell_.ZeroState(x_);
    if (given.size() != 1 || state_shapes_.size() < 2) return given;
    std::vector<int64_t> sizes;
    int64_t columns = 0;
    for (const TensorShape& shape : state_shapes_) {
      if (shape.rank() != 1) return given;
      sizes.push_back(shape.dim(0));
      columns += shape.dim(0);
    }
    const TensorShape joined = {x_.shape().dim(0), columns};
    if (!CheckState(0, given[0], joined)) return given;
    return SplitV(given[0], sizes, 1);
  }

  bool CheckState(size_t k, Output state, const TensorShape& shape) {
    const bool right =
        state.dtype() == x_.dtype() && state.shape().IsCompatibleWith(shape);
    return check_.Expect(
        right, absl::StrCat(options_.initial_state_name, "[", k, "]"),
        absl::StrCat(DataTypeName(state.dtype()), " ",
                     state.shape().ToString()),
        absl::StrCat(DataTypeName(x_.dtype()), " ", shape.ToString()));
  }

  Outputs InitialState() {
    Outputs initial = GivenState();
    if (!g_.status().ok()) return initial;
    check_.Expect(
        initial.size() == state_shapes_.size(), options_.initial_state_name,
        absl::StrCat(initial.size(), " tensors"),
        absl::StrCat(state_shapes_.size(),
                     ", one per state of the cell, or all joined in one"));
    for (size_t k = 0; k < initial.size() && g_.status().ok(); ++k) {
      if (!CheckState(k, initial[k], StateShape(k))) break;
      initial[k] = PlaceholderWithDefault(initial[k], StateShape(k),
                                          absl::StrCat("initial_state_", k));
      initial_names_.push_back(initial[k].name());
    }
    return initial;
  }

  Output ZeroOutput() {
    const TensorShape shape = cell_.output_shape();
    if (!shape.IsFullyDefined()) {
      Output zeros = cell_.ZeroState(x_)[0];
      element_shape_ = Shape(zeros);
      return zeros;
    }
    Output batch = ExpandDims(DimOf(x_, 0), 0);
    const std::vector<int32_t> dims(shape.dims().begin(), shape.dims().end());
    Output rest = Const(g_, Tensor::Vector<int32_t>(dims));
    element_shape_ = Concat({batch, rest}, 0);
    return Fill(element_shape_, ScalarLike(x_, 0));
  }

  // One step; the result is its output. Where a row has ended, the state stays
  // and the output is zeros.
  Output Step(Output x, Output index, Carry* carry) {
    StepContext step{.index = index,
                     .begun = begun_,
                     .constants = options_.constants,
                     .carried = &carry->carried};
    if (options_.lengths.valid()) step.valid = Less(index, options_.lengths);
    if (options_.mask.valid()) step.valid = IndexAxis(options_.mask, 1, index);
    const Outputs before = carry->state;
    Output y = cell_.Step(x, &carry->state, step);
    if (!step.valid.valid()) return y;
    for (size_t k = 0; k < before.size(); ++k) {
      carry->state[k] = Select(step.valid, carry->state[k], before[k]);
    }
    if (options_.mask.valid()) return Select(step.valid, y, before[0]);
    const bool keeps_last = options_.keep == Keep::kLast;
    return Select(step.valid, y, keeps_last ? carry->outputs : zero_output_);
  }

  // May the rest of the steps be left out?
  bool OneStepIsEnough() const {
    return options_.keep == Keep::kFirst && !options_.wants_state;
  }

  Carry Unroll(Carry carry) {
    const Outputs xs = Unpack(x_, static_cast<int>(x_.shape().dim(1)), 1);
    const size_t steps = OneStepIsEnough() ? 1 : xs.size();
    Outputs ys;
    for (size_t t = 0; t < steps && g_.status().ok(); ++t) {
      NameScope scope(g_, absl::StrCat("step_", t));
      Output y = Step(xs[t], Const(g_, static_cast<int32_t>(t)), &carry);
      if (options_.keep == Keep::kAll) ys.push_back(y);
      if (options_.keep != Keep::kFirst || t == 0) carry.outputs = y;
    }
    if (options_.keep == Keep::kAll) carry.outputs = Pack(ys, 1);
    return carry;
  }

  // How many steps the loop takes: as many as the longest row.
  Output Limit(Output time) {
    Output limit = time;
    // Of no rows the maximum is the lowest int32: no step at all.
    if (options_.lengths.valid()) limit = Minimum(limit, Max(options_.lengths));
    if (OneStepIsEnough()) limit = Minimum(limit, Const(g_, int32_t{1}));
    return limit;
  }

  Carry Loop(Carry carry) {
    Output time = DimOf(x_, 1);
    Output limit = Limit(time);
    Output list = TensorListFromTensor(SwapBatchAndTime(x_));
    if (options_.keep == Keep::kAll) {
      carry.outputs = TensorListReserve(element_shape_, time, x_.dtype());
    }
    const size_t states = carry.state.size();
    Outputs initial = {Const(g_, int32_t{0}), carry.outputs};
    initial.insert(initial.end(), carry.state.begin(), carry.state.end());
    initial.insert(initial.end(), carry.carried.begin(), carry.carried.end());
    const auto unpack = [states](const Outputs& v) {
      const auto end_of_state = v.begin() + 2 + states;
      return Carry{v[1], Outputs(v.begin() + 2, end_of_state),
                   Outputs(end_of_state, v.end())};
    };
    const Outputs last = While(
        initial, [&](const Outputs& v) { return Less(v[0], limit); },
        [&](const Outputs& v) { return Body(list, v[0], unpack(v)); },
        {.name = "while"});
    if (!g_.status().ok()) return carry;
    carry = unpack(last);
    if (options_.keep == Keep::kAll) {
      const TensorShape rows =
          WithBatch(cell_.output_shape(), x_.shape().dim(0));
      carry.outputs = SwapBatchAndTime(
          TensorListStack(carry.outputs, x_.dtype(), rows, x_.shape().dim(1)));
    }
    return carry;
  }

  Outputs Body(Output list, Output index, Carry carry) {
    Output x = TensorListGetItem(list, index, x_.dtype(), StepShape());
    Output y = Step(x, index, &carry);
    Output outputs = y;
    if (options_.keep == Keep::kAll) {
      outputs = TensorListSetItem(carry.outputs, index, y);
    } else if (options_.keep == Keep::kFirst) {
      outputs = Select(Equal(index, ScalarLike(index, 0)), y, carry.outputs);
    }
    Outputs next = {index + 1, outputs};
    next.insert(next.end(), carry.state.begin(), carry.state.end());
    next.insert(next.end(), carry.carried.begin(), carry.carried.end());
    return next;
  }

  Steps Finish(const Carry& carry) {
    const std::vector<Node*> updates = cell_.Finish(carry.carried);
    for (const Node* update : updates) {
      g_.AddToCollection("update_ops", update->name());
    }
    ControlScope after(g_, updates);
    Steps steps;
    steps.output = Identity(carry.outputs, "output");
    for (size_t k = 0; k < carry.state.size(); ++k) {
      Output last = Identity(carry.state[k], absl::StrCat("final_state_", k));
      steps.state.push_back(last);
      if (!options_.streams) continue;
      g_.AddToCollection(kRecurrentState, initial_names_[k]);
      g_.AddToCollection(kRecurrentState, last.name());
    }
    if (!options_.streams)
      g_.AddToCollection(kRecurrentBackward, g_.name_scope());
    return steps;
  }

  RNNCell& cell_;
  Output x_;
  Graph& g_;
  const StepThroughOptions& options_;
  ArgumentChecker check_;
  std::vector<TensorShape> state_shapes_;
  std::vector<std::string> initial_names_;
  Outputs begun_;
  Output zero_output_;
  Output element_shape_;
};

}  // namespace

Steps StepThrough(RNNCell& cell, Operand x, const StepThroughOptions& options) {
  LocationScope at(x);
  return Runner(cell, x, options).Run();
}

}  // namespace weft
