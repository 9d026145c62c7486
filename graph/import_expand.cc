#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/expansion.h"
#include "graph/import_frame.h"
#include "graph/op.h"
#include "proto/graph.pb.h"

namespace weft {
namespace {

// The variables that the draft's inputs refer to; not valid where they do not.
Outputs HandlesOf(const ImportFrame& frame, const NodeDraft& draft) {
  Outputs handles;
  for (const Output& input : draft.inputs) {
    const auto it = frame.handles.find(input);
    handles.push_back(it != frame.handles.end() ? it->second : Output());
  }
  return handles;
}

// The types of the node's outputs, when its attrs and the shapes of its inputs
// are checked. Completes its attrs.
absl::StatusOr<std::vector<DataType>> CheckNode(Graph& graph,
                                                NodeDraft& draft) {
  // In a graph of its own, which is dropped.
  const std::unique_ptr<Graph> body = Graph::MakeBody(graph);
  std::vector<Operand> inputs;
  for (const Output& input : draft.inputs) {
    inputs.emplace_back(body->AddArg(input.dtype(), input.shape(), "input"),
                        SourceLocation{});
  }
  Node* node =
      body->Add(draft.op, inputs, draft.attrs, {.name = draft.def->name()});
  WEFT_RETURN_IF_ERROR(graph.status());
  draft.attrs = node->attrs();
  std::vector<DataType> types;
  for (int i = 0; i < node->num_outputs(); ++i)
    types.push_back(node->output(i).dtype());
  return types;
}

absl::Status CheckOutputs(const std::vector<DataType>& types,
                          const Outputs& outputs) {
  if (outputs.size() != types.size()) {
    return Internal("its expansion has ", outputs.size(), " outputs but must ",
                    "have ", types.size());
  }
  for (size_t i = 0; i < types.size(); ++i) {
    if (outputs[i].dtype() == types[i]) continue;
    return Internal("output ", i, " of its expansion is ",
                    DataTypeName(outputs[i].dtype()), " but must be ",
                    DataTypeName(types[i]));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Node*> Expand(const ExpansionFn& expansion, ImportFrame& frame,
                             NodeDraft& draft) {
  Graph& graph = *frame.graph;
  WEFT_ASSIGN_OR_RETURN(const std::vector<DataType> types,
                        CheckNode(graph, draft));
  ExpansionContext c(graph, draft.def->name(), draft.attrs, draft.inputs,
                     HandlesOf(frame, draft), !draft.control_inputs.empty());
  Outputs outputs;
  {
    const NameScope scope(graph,
                          absl::StrCat(draft.def->name(), "/", draft.op));
    const ControlScope controls(graph, draft.control_inputs);
    outputs = expansion(c);
  }
  if (!c.status().ok()) return Annotate(c.status(), DescribeNode(*draft.def));
  WEFT_RETURN_IF_ERROR(graph.status());
  const absl::Status fits = CheckOutputs(types, outputs);
  if (!fits.ok()) return Annotate(fits, DescribeNode(*draft.def));
  NodeOptions options = {.name = draft.def->name(),
                         .control_inputs = draft.control_inputs,
                         .device = draft.def->device()};
  for (Node* effect : c.effects()) options.control_inputs.push_back(effect);
  std::vector<Operand> values;
  for (const Output& output : outputs)
    values.emplace_back(output, SourceLocation{});
  const char* op = values.empty()       ? "NoOp"
                   : values.size() == 1 ? "Identity"
                                        : "IdentityN";
  Node* node = graph.Add(op, values, {}, std::move(options));
  WEFT_RETURN_IF_ERROR(graph.status());
  for (const auto& [i, handle] : c.refs())
    frame.handles[node->output(i)] = handle;
  return node;
}

void ReadBehindControls(ImportFrame& frame, NodeDraft& draft) {
  if (draft.control_inputs.empty() || frame.handles.empty()) return;
  const Outputs handles = HandlesOf(frame, draft);
  for (size_t i = 0; i < handles.size(); ++i) {
    if (!handles[i].valid()) continue;
    Node* read = frame.graph->Add(
        "ReadVariableOp", {Operand(handles[i], SourceLocation{})},
        {{"dtype", draft.inputs[i].dtype()}},
        {.name = absl::StrCat(draft.def->name(), "/ReadVariableOp"),
         .control_inputs = draft.control_inputs});
    draft.inputs[i] = read->output(0);
  }
}

}  // namespace weft
