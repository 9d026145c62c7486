// Cells: one step of a recurrent network.
//
// A cell is built once, begun once per sequence, both outside of any loop, and
// then stepped, unrolled or within a loop:
//
//   cell.Build(x_0);
//   Outputs begun = cell.Begin({.x = x});
//   Outputs state = cell.ZeroState(x);
//   StepContext step{.begun = begun};
//   for (Output x_t : xs) y = cell.Step(x_t, &state, step);
//
// A cell of one's own needs Build, Step, state_shapes, output_shape, weights
// and name; it gets loops, lengths, gradients and saving for nothing:
//
//   class LeakyCell : public RNNCell {
//    public:
//     void Build(const CellInput& x) override {
//       if (w_.valid()) return;
//       w_ = MakeWeight(x.graph, {.name = "w", .shape = {x.shape.dim(-1), 8}});
//     }
//     Output Step(Output x, Outputs* state, const StepContext&) override {
//       Output h = (*state)[0] * 0.9 + Tanh(MatMul(x, w_.read())) * 0.1;
//       *state = {h};
//       return h;
//     }
//     ...
//   };
#ifndef WEFT_LAYERS_CELL_H_
#define WEFT_LAYERS_CELL_H_

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "core/tensor_shape.h"
#include "graph/graph.h"
#include "graph/mode_keys.h"
#include "graph/output.h"
#include "layers/arguments.h"
#include "ops/variable.h"

namespace weft {

// What Build knows of the inputs of the steps. Cells of a stack are built
// before there is an Output to show them.
struct CellInput {
  CellInput(Output x, SourceLocation location = SourceLocation::Current())
      : CellInput(x.graph(), x.dtype(), x.shape(), location) {}
  CellInput(Graph& graph, DataType dtype, TensorShape shape,
            SourceLocation location = SourceLocation::Current())
      : graph(graph),
        dtype(dtype),
        shape(std::move(shape)),
        location(location) {}

  Graph& graph;
  DataType dtype;
  TensorShape shape;  // [batch, depth], or whatever the cell takes.
  SourceLocation location;
  bool trainable = true;  // False: no weight of the cell is trained.
};

// What Begin knows of the sequence that is about to be stepped through.
struct CallContext {
  Output x;                // [batch, time, ...], or [batch, ...] for one step.
  Outputs constants = {};  // External tensors that every step may use.
  std::optional<ModeKeys> mode = {};  // The graph's, unless given.

  // The mode of a cell: its own one, the call's, or the graph's.
  ModeKeys ModeOf(const std::optional<ModeKeys>& own) const;
};

// What Step knows beside its input and state.
struct StepContext {
  Output index;       // Scalar int32: the step, from 0.
  Output valid = {};  // Bool [batch]; not valid(): all rows are.
  absl::Span<const Output> begun = {};  // What Begin returned.
  absl::Span<const Output> constants = {};
  Outputs* carried = nullptr;  // What Carried returned; updated in place.
};

class RNNCell {
 public:
  virtual ~RNNCell() = default;

  // Creates the weights for inputs like `x`, of x's dtype. A second call does
  // nothing: the weights are shared.
  virtual void Build(const CellInput& x) = 0;

  // Tensors that are made once per sequence: dropout seeds, projections of
  // constants. Called before Carried and Step.
  virtual Outputs Begin(const CallContext& call);

  // The initial values of what goes from step to step beside the states, and
  // whether a row is valid or not: moving statistics, counters. None by
  // default.
  virtual Outputs Carried(const CallContext& call);

  // Maps `x` [batch, depth] and `*state` to the output, [batch] +
  // output_shape(); `*state` becomes the next state.
  virtual Output Step(Output x, Outputs* state, const StepContext& step) = 0;

  // Called with the last of the carried values: the nodes that assign them, to
  // run when the sequence's results are wanted.
  virtual std::vector<Node*> Finish(absl::Span<const Output> carried);

  // Shapes without the batch axis; known once the cell is built. A cell whose
  // states have axes that only a run knows overrides ZeroState; its output is
  // like its first state.
  virtual std::vector<TensorShape> state_shapes() const = 0;
  virtual TensorShape output_shape() const = 0;

  // Does a step make use of the call's constants? Layers refuse those that
  // would go unused.
  virtual bool takes_constants() const { return true; }

  // In the order of the documents: kernel before bias, inner cells in order.
  virtual std::vector<Variable> weights() const = 0;
  // The name of its scope and its kind, for messages.
  virtual const std::string& name() const = 0;
  // Makes Build take weights that exist already, of the same names. For cells
  // that make their weights with MakeWeight.
  virtual void set_reuse(bool) {}

  // Zeros like the states, for as many rows as `x` [batch, ...] has: a step, or
  // a sequence of them.
  virtual Outputs ZeroState(Output x) const;
};

// Owns any cell. Takes one by value, so that cells are written in place:
// {BasicLSTMCell({.units = 8}), GRUCell({.units = 4})} is a list of them. A
// copy is a copy of the cell; of one that is built it shares the weights.
class AnyCell {
 public:
  template <std::derived_from<RNNCell> C>
  AnyCell(C cell) : cell_(std::make_unique<C>(std::move(cell))) {
    if constexpr (std::copy_constructible<C>) {
      copy_ = [](const RNNCell& original) -> std::unique_ptr<RNNCell> {
        return std::make_unique<C>(static_cast<const C&>(original));
      };
    }
  }
  // Null becomes a cell whose Build fails the graph; so does a copy of a cell
  // that has no copy constructor, or came by pointer.
  AnyCell(std::unique_ptr<RNNCell> cell);
  AnyCell(const AnyCell& other);
  AnyCell(AnyCell&&) = default;
  AnyCell& operator=(AnyCell other) {
    cell_ = std::move(other.cell_);
    copy_ = other.copy_;
    return *this;
  }

  RNNCell& operator*() const { return *cell_; }
  RNNCell* operator->() const { return cell_.get(); }

 private:
  using CopyFn = std::unique_ptr<RNNCell> (*)(const RNNCell& original);

  std::unique_ptr<RNNCell> cell_;
  CopyFn copy_ = nullptr;
};

// The same list without copies.
template <class... C>
std::vector<AnyCell> Cells(C... cells) {
  std::vector<AnyCell> list;
  (list.emplace_back(std::move(cells)), ...);
  return list;
}

}  // namespace weft

#endif  // WEFT_LAYERS_CELL_H_
