#include "layers/keras/cell.h"

#include "absl/strings/str_cat.h"
#include "layers/weights.h"

namespace weft::keras {

void Cell::Build(const TensorShape&) {}

CellResult Cell::Call(Output x, const Outputs& states) {
  const ArgumentChecker check(x.graph().root(), "Cell");
  check.Fail("the cell must override Call or CallWithConstants");
  return {x, states};
}

CellResult Cell::CallWithConstants(Output x, const Outputs& states,
                                   const Outputs& constants) {
  const ArgumentChecker check(x.graph().root(), "Cell");
  check.Expect(constants.empty(), "constants",
               absl::StrCat(constants.size(), " tensors"),
               "none: the cell does not override CallWithConstants");
  return Call(x, states);
}

void Cell::Build(const CellInput& x) {
  if (built_) return;
  built_ = true;
  LocationScope at(x.graph, x.location);
  const ArgumentChecker check({x.graph, x.location}, "Cell");
  const std::vector<int64_t> sizes = state_size();
  check.Expect(!sizes.empty(), "state_size", "empty", "at least 1 size");
  for (const int64_t size : sizes) check.IsSize("state_size", size);
  check.Expect(x.shape.rank() == 2 && x.shape.dim(1) >= 1, "x",
               x.shape.ToString(), "[batch, depth] with a known depth");
  if (!x.graph.status().ok()) return;
  graph_ = &x.graph;
  context_.dtype = x.dtype;
  context_.trainable = x.trainable;
  Build(x.shape);
  graph_ = nullptr;
}

Output Cell::AddWeight(const WeightOptions& options) {
  const Variable weight = MakeKerasWeight(*graph_, context_, options);
  if (!weight.valid()) return Output(graph_->Fail(graph_->status()));
  weights_.push_back(weight);
  return weight.read();
}

Output Cell::Step(Output x, Outputs* state, const StepContext& step) {
  const Outputs constants(step.constants.begin(), step.constants.end());
  const CellResult result = CallWithConstants(x, *state, constants);
  Graph& g = x.graph();
  if (!g.root().status().ok()) return x;
  const ArgumentChecker check(g.root(), "Cell");
  const std::vector<TensorShape> shapes = state_shapes();
  check.Expect(result.states.size() == shapes.size(), "the list of new states",
               absl::StrCat("of ", result.states.size()),
               absl::StrCat("of ", shapes.size(), ", as state_size says"));
  const auto expect = [&](absl::string_view what, Output value, size_t k) {
    TensorShape wanted = shapes[k];
    wanted.InsertDim(0, x.shape().dim(0));
    check.Expect(
        value.valid() && value.shape().IsCompatibleWith(wanted), what,
        value.shape().ToString(),
        absl::StrCat(wanted.ToString(), ", as state_size[", k, "] says"));
  };
  expect("the output", result.output, 0);
  for (size_t k = 0; k < result.states.size() && k < shapes.size(); ++k) {
    expect(absl::StrCat("new state ", k), result.states[k], k);
  }
  if (!g.root().status().ok()) return x;
  *state = result.states;
  return result.output;
}

std::vector<TensorShape> Cell::state_shapes() const {
  std::vector<TensorShape> shapes;
  for (const int64_t size : state_size()) shapes.push_back(ColumnsShape(size));
  return shapes;
}

TensorShape Cell::output_shape() const {
  const std::vector<int64_t> sizes = state_size();
  return sizes.empty() ? TensorShape{} : ColumnsShape(sizes[0]);
}

}  // namespace weft::keras
