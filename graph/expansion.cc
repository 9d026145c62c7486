#include "graph/expansion.h"

#include <utility>

namespace weft {

Output ExpansionContext::in(int i) {
  // Without control inputs, what the reference has read already will do.
  if (!references_[i].handle.valid() || !has_controls_) return inputs_[i];
  NodeOptions options;
  if (behind(i) != nullptr) options.control_inputs = {behind(i)};
  Node* node =
      graph_.Add("ReadVariableOp", {Operand(references_[i].handle, {})},
                 {{"dtype", inputs_[i].dtype()}}, std::move(options));
  return Output(node, 0);
}

Outputs ExpansionContext::in(int begin, int end) {
  Outputs values;
  for (int i = begin; i < end; ++i) values.push_back(in(i));
  return values;
}

Output ExpansionContext::handle(int i) {
  if (!references_[i].handle.valid() && graph_.parent() != nullptr) {
    FailUnimplemented("input ", i, ", ", inputs_[i].name(),
                      ", may be a reference to a variable, which weft does not "
                      "follow into loops and branches");
  } else if (!references_[i].handle.valid()) {
    Fail("input ", i, ", ", inputs_[i].name(),
         ", is no reference to a variable");
  }
  return references_[i].handle;
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
