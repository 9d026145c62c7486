#include <algorithm>

#include "layers/keras/cells.h"

namespace weft::keras {
namespace {

// The elements of `list`, which are grouped as `sizes` says, with the groups in
// reverse order.
template <typename List>
List GroupsReversed(const List& list, const std::vector<size_t>& sizes) {
  List result;
  auto end = list.end();
  for (auto size = sizes.rbegin(); size != sizes.rend(); ++size) {
    const auto begin = end - static_cast<std::ptrdiff_t>(*size);
    result.insert(result.end(), begin, end);
    end = begin;
  }
  return result;
}

std::vector<size_t> Reversed(std::vector<size_t> sizes) {
  std::reverse(sizes.begin(), sizes.end());
  return sizes;
}

}  // namespace

StackedRNNCells::StackedRNNCells(std::vector<AnyCell> cells, std::string name)
    : stack_(std::move(cells), {.name = std::move(name)}) {}

void StackedRNNCells::Build(const CellInput& x) {
  const ArgumentChecker check({x.graph, x.location}, "StackedRNNCells");
  if (!check.Expect(!stack_.cells().empty(), "cells", "empty",
                    "a list of at least 1 cell")) {
    return;
  }
  stack_.Build(x);
}

Output StackedRNNCells::Step(Output x, Outputs* state,
                             const StepContext& step) {
  const std::vector<size_t> sizes = stack_.state_counts();
  Outputs forward = GroupsReversed(*state, Reversed(sizes));
  Output y = stack_.Step(x, &forward, step);
  *state = GroupsReversed(forward, sizes);
  return y;
}

std::vector<TensorShape> StackedRNNCells::state_shapes() const {
  return GroupsReversed(stack_.state_shapes(), stack_.state_counts());
}

}  // namespace weft::keras
