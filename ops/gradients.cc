#include "ops/gradients.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/graph.h"
#include "ops/emit.h"
#include "ops/gradients_backprop.h"
#include "ops/math.h"
#include "ops/source.h"

namespace weft {
namespace {

// Where a value of a body comes from, as far as it is captured.
Output Outermost(Output value) {
  while (RoleOf(*value.node()) == OpRole::kArg) {
    const auto& captures = value.graph().captures();
    const auto it =
        std::find_if(captures.begin(), captures.end(),
                     [&](const auto& c) { return c.inner == value; });
    if (it == captures.end()) break;
    value = it->outer;
  }
  return value;
}

// The handle that `value` is, or is a read of; invalid if it is neither.
Output HandleBehind(Output value) {
  if (value.dtype() == DataType::kResource) return value;
  if (value.node()->op() == "ReadVariableOp") return value.node()->input(0);
  return Output();
}

class GradientBuilder {
 public:
  GradientBuilder(Graph& graph, const Operands& ys, const Operands& xs,
                  const GradientsOptions& options)
      : graph_(graph), ys_(ys), xs_(xs), options_(options) {}

  Outputs Build() {
    LocationScope location(graph_, ys_.location);
    NameScope scope(graph_, options_.name);
    GradientContext context;
    context.truncate = options_.truncate;
    Backprop backprop(graph_, context, /*in_loop=*/false);
    if (!Seed(backprop)) return Failed();
    Outputs targets;
    std::vector<size_t> ends;
    for (const Output& x : xs_.outputs) {
      if (!x.valid()) {
        Fail("an x is an Output of no node");
        return Failed();
      }
      FindTargets(x, &targets);
      ends.push_back(targets.size());
    }
    const Outputs dxs =
        Combine(backprop.Run(targets, Local(options_.stop_gradients)), ends);
    return graph_.status().ok() ? dxs : Failed();
  }

 private:
  template <typename... Args>
  bool Fail(const Args&... args) {
    graph_.Fail(
        InvalidArgument("Gradients '", graph_.name_scope(), "': ", args...));
    return false;
  }

  Outputs Failed() const {
    Node* error = graph_.Fail(absl::InternalError("gradients"));
    Outputs dxs;
    for (size_t i = 0; i < xs_.outputs.size(); ++i) {
      dxs.emplace_back(error, static_cast<int>(i));
    }
    return dxs;
  }

  Outputs Local(const Outputs& values) const {
    Outputs local;
    for (const Output& value : values) {
      // What this graph does not know cannot stop anything in it.
      if (value.valid() && IsVisibleFrom(graph_, value)) {
        local.push_back(graph_.Capturing(value));
      }
    }
    return local;
  }

  bool Seed(Backprop& backprop) {
    const size_t given = options_.grad_ys.size();
    if (given != 0 && given != ys_.outputs.size()) {
      return Fail("there are ", given, " grad_ys for ", ys_.outputs.size(),
                  " ys");
    }
    for (size_t i = 0; i < ys_.outputs.size(); ++i) {
      const Output& y = ys_.outputs[i];
      if (!IsVisibleFrom(graph_, y))
        return Fail(y.name(), " belongs to another graph");
      if (!IsFloating(y.dtype())) {
        return Fail("y ", y.name(), " is ", DataTypeName(y.dtype()),
                    " but must be floating");
      }
      const Output local = graph_.Capturing(y);
      const Output dy = given == 0 ? Output() : options_.grad_ys[i];
      if (!dy.valid()) {
        backprop.Seed(local, OnesLike(local));
        continue;
      }
      if (dy.dtype() != y.dtype() || !dy.shape().IsCompatibleWith(y.shape())) {
        return Fail("grad_ys[", i, "] is ", DataTypeName(dy.dtype()), " ",
                    dy.shape().ToString(), " but y ", y.name(), " is ",
                    DataTypeName(y.dtype()), " ", y.shape().ToString());
      }
      if (!IsVisibleFrom(graph_, dy))
        return Fail(dy.name(), " belongs to another graph");
      backprop.Seed(local, graph_.Capturing(dy));
    }
    return graph_.status().ok();
  }

  // The values of this graph whose gradients add up to that of `x`: itself, or,
  // in a body, what stands for it. A variable is in a body by its handle, by
  // its read, or both.
  void FindTargets(Output x, Outputs* targets) const {
    const Output outer = Outermost(x);
    const Output handle = HandleBehind(outer);
    const Output wanted = handle.valid() ? Outermost(handle) : outer;
    if (&wanted.graph() == &graph_) targets->push_back(wanted);
    for (const Graph::Capture& capture : graph_.captures()) {
      const Output source = Outermost(capture.outer);
      const Output source_handle = HandleBehind(source);
      if (source == wanted ||
          (source_handle.valid() && Outermost(source_handle) == wanted)) {
        targets->push_back(capture.inner);
      }
    }
  }

  // One gradient per x, from those of its targets.
  Outputs Combine(const Outputs& gradients,
                  const std::vector<size_t>& ends) const {
    Outputs dxs;
    size_t next = 0;
    for (size_t i = 0; i < ends.size() && graph_.status().ok(); ++i) {
      Outputs parts;
      for (; next < ends[i]; ++next) {
        if (gradients[next].valid()) parts.push_back(gradients[next]);
      }
      if (parts.empty() && options_.zeros_if_unconnected) {
        parts.push_back(ZeroGradient(graph_.Capturing(xs_.outputs[i]), {}));
      }
      dxs.push_back(parts.empty()       ? Output()
                    : parts.size() == 1 ? parts[0]
                                        : AddN(parts));
    }
    return dxs;
  }

  Graph& graph_;
  const Operands& ys_;
  const Operands& xs_;
  const GradientsOptions& options_;
};

}  // namespace

Outputs Gradients(const Operands& ys, const Operands& xs,
                  const GradientsOptions& options) {
  std::vector<Operand> values;
  for (const Output& y : ys.outputs) values.emplace_back(y, ys.location);
  Graph* graph = InnermostGraph(values);
  // Without a graph there is nobody to tell.
  if (graph == nullptr) return Outputs(xs.outputs.size());
  if (!graph->status().ok()) {
    Node* error = graph->Fail(graph->status());
    return Outputs(xs.outputs.size(), Output(error, 0));
  }
  for (const Operand& y : values) {
    if (y.output.valid()) continue;
    Node* error = graph->Fail(
        InvalidArgument("Gradients: a y is an Output of no node"), ys.location);
    return Outputs(xs.outputs.size(), Output(error, 0));
  }
  return GradientBuilder(*graph, ys, xs, options).Build();
}

Outputs Gradients(const Operands& ys, const std::vector<Variable>& xs,
                  const GradientsOptions& options) {
  Outputs handles;
  for (const Variable& x : xs) handles.push_back(x.handle());
  return Gradients(ys, Operands(handles, ys.location), options);
}

}  // namespace weft
