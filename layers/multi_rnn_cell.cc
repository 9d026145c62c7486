#include <algorithm>

#include "absl/strings/str_cat.h"
#include "layers/argument_error.h"
#include "layers/cells.h"
#include "layers/weights.h"
#include "ops/array.h"

namespace weft {
namespace {

// Takes the next `count` of `values`, of which `*used` are used.
template <typename List>
Outputs Next(const List& values, size_t count, size_t* used) {
  const auto begin = values.begin() + *used;
  *used += count;
  return Outputs(begin, begin + count);
}

void Append(const Outputs& values, Outputs* list) {
  list->insert(list->end(), values.begin(), values.end());
}

}  // namespace

void MultiRNNCell::Build(const CellInput& x) {
  if (built_) return;
  built_ = true;
  Graph& g = x.graph;
  LocationScope location(g, x.location);
  WeightScope scope(g, options_.name, reuse_);
  const ArgumentChecker check({g, x.location}, "MultiRNNCell");
  if (cells_.empty())
    check.Fail("cells is empty but must hold at least 1 cell");
  CellInput input = x;
  for (size_t k = 0; k < cells_.size() && g.status().ok(); ++k) {
    WeightScope cell_scope(g, absl::StrCat("cell_", k), reuse_);
    scopes_.push_back(g.name_scope());
    cells_[k]->Build(input);
    if (!g.status().ok()) return;
    const size_t states = cells_[k]->state_shapes().size();
    if (!options_.state_is_tuple && states != 1) {
      check.Fail("state_is_tuple is false but the cell '", cells_[k]->name(),
                 "' has a tuple of ", states, " states");
    }
    input.shape = cells_[k]->output_shape();
    input.shape.InsertDim(0, TensorShape::kUnknownDim);
  }
}

Outputs MultiRNNCell::Begin(const CallContext& call) {
  Outputs begun;
  num_begun_.clear();
  for (size_t k = 0; k < cells_.size(); ++k) {
    NameScope scope(call.x.graph(), NameScope::Existing{scopes_[k]});
    const Outputs own = cells_[k]->Begin(call);
    num_begun_.push_back(own.size());
    Append(own, &begun);
  }
  return begun;
}

Outputs MultiRNNCell::Carried(const CallContext& call) {
  Outputs carried;
  num_carried_.clear();
  for (AnyCell& cell : cells_) {
    const Outputs own = cell->Carried(call);
    num_carried_.push_back(own.size());
    Append(own, &carried);
  }
  return carried;
}

Outputs MultiRNNCell::SplitState(const Outputs& state) const {
  if (options_.state_is_tuple) return state;
  std::vector<int64_t> sizes;
  for (const AnyCell& cell : cells_) {
    sizes.push_back(cell->state_shapes()[0].dim(0));
  }
  return SplitV(state[0], sizes, 1);
}

Output MultiRNNCell::Step(Output x, Outputs* state, const StepContext& step) {
  const Outputs states = SplitState(*state);
  Outputs next;
  Outputs carried;
  size_t used_states = 0;
  size_t used_begun = 0;
  size_t used_carried = 0;
  const bool carries = step.carried != nullptr && !num_carried_.empty();
  for (size_t k = 0; k < cells_.size(); ++k) {
    NameScope scope(x.graph(), absl::StrCat("cell_", k));
    Outputs own = Next(states, cells_[k]->state_shapes().size(), &used_states);
    StepContext inner = step;
    // A cell that is stepped by hand may not have begun.
    const size_t begun = num_begun_.empty() ? 0 : num_begun_[k];
    inner.begun = step.begun.subspan(used_begun, begun);
    used_begun += begun;
    Outputs own_carried;
    inner.carried = carries ? &own_carried : nullptr;
    if (carries) {
      own_carried = Next(*step.carried, num_carried_[k], &used_carried);
    }
    x = cells_[k]->Step(x, &own, inner);
    Append(own, &next);
    Append(own_carried, &carried);
  }
  *state = options_.state_is_tuple ? next : Outputs{Concat(next, 1)};
  if (carries) *step.carried = carried;
  return x;
}

std::vector<Node*> MultiRNNCell::Finish(absl::Span<const Output> carried) {
  std::vector<Node*> updates;
  size_t used = 0;
  for (size_t k = 0; k < cells_.size(); ++k) {
    const Outputs own = Next(carried, num_carried_[k], &used);
    const std::vector<Node*> nodes = cells_[k]->Finish(own);
    updates.insert(updates.end(), nodes.begin(), nodes.end());
  }
  return updates;
}

std::vector<TensorShape> MultiRNNCell::state_shapes() const {
  std::vector<TensorShape> shapes;
  int64_t columns = 0;
  for (const AnyCell& cell : cells_) {
    for (const TensorShape& shape : cell->state_shapes()) {
      shapes.push_back(shape);
      if (!options_.state_is_tuple) columns += shape.dim(0);
    }
  }
  if (!options_.state_is_tuple) return {ColumnsShape(columns)};
  return shapes;
}

std::vector<size_t> MultiRNNCell::state_counts() const {
  std::vector<size_t> counts;
  for (const AnyCell& cell : cells_) {
    counts.push_back(cell->state_shapes().size());
  }
  return counts;
}

TensorShape MultiRNNCell::output_shape() const {
  return cells_.empty() ? TensorShape{} : cells_.back()->output_shape();
}

std::vector<Variable> MultiRNNCell::weights() const {
  std::vector<Variable> all;
  for (const AnyCell& cell : cells_) {
    const std::vector<Variable> own = cell->weights();
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

bool MultiRNNCell::takes_constants() const {
  return std::any_of(cells_.begin(), cells_.end(), [](const AnyCell& cell) {
    return cell->takes_constants();
  });
}

void MultiRNNCell::set_reuse(bool reuse) {
  reuse_ = reuse;
  for (AnyCell& cell : cells_) cell->set_reuse(reuse);
}

}  // namespace weft
