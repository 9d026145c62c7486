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

// What the draft's inputs refer to.
std::vector<Reference> ReferencesOf(const ImportFrame& frame,
                                    const NodeDraft& draft) {
  std::vector<Reference> references;
  for (const Output& input : draft.inputs) {
    const auto it = frame.references.find(input);
    references.push_back(it != frame.references.end() ? it->second
                                                      : Reference());
  }
  return references;
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
                     ReferencesOf(frame, draft), !draft.control_inputs.empty());
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
  for (const auto& [i, reference] : c.references())
    frame.references[node->output(i)] = reference;
  return node;
}

void ReadBehindControls(ImportFrame& frame, NodeDraft& draft) {
  if (draft.control_inputs.empty() || frame.references.empty()) return;
  const std::vector<Reference> references = ReferencesOf(frame, draft);
  for (size_t i = 0; i < references.size(); ++i) {
    if (!references[i].handle.valid()) continue;
    NodeOptions options = {
        .name = absl::StrCat(draft.def->name(), "/ReadVariableOp"),
        .control_inputs = draft.control_inputs};
    if (references[i].behind != nullptr)
      options.control_inputs.push_back(references[i].behind);
    Node* read = frame.graph->Add(
        "ReadVariableOp", {Operand(references[i].handle, SourceLocation{})},
        {{"dtype", draft.inputs[i].dtype()}}, std::move(options));
    draft.inputs[i] = read->output(0);
  }
}

}  // namespace weft
