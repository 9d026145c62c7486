#include "graph/expansion.h"

namespace weft {

Output ExpansionContext::in(int i) {
  // Without control inputs, what the reference has read already will do.
  if (!handles_[i].valid() || !has_controls_) return inputs_[i];
  Node* node = graph_.Add("ReadVariableOp", {Operand(handles_[i], {})},
                          {{"dtype", inputs_[i].dtype()}});
  return Output(node, 0);
}

Outputs ExpansionContext::in(int begin, int end) {
  Outputs values;
  for (int i = begin; i < end; ++i) values.push_back(in(i));
  return values;
}

Output ExpansionContext::handle(int i) {
  if (!handles_[i].valid()) {
    Fail("input ", i, ", ", inputs_[i].name(),
         ", is no reference to a variable");
  }
  return handles_[i];
}

ExpansionRegistry& ExpansionRegistry::Global() {
  static ExpansionRegistry& registry = *new ExpansionRegistry();
  return registry;
}

void ExpansionRegistry::Register(std::string op, ExpansionFn fn) {
  expansions_[std::move(op)] = std::move(fn);
}

const ExpansionFn* ExpansionRegistry::Find(absl::string_view op) const {
  const auto it = expansions_.find(op);
  return it == expansions_.end() ? nullptr : &it->second;
}

}  // namespace weft
