#include "graph/export_node.h"

#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/attr_proto.h"
#include "graph/binary_format.h"
#include "graph/function_library.h"
#include "graph/graph.h"
#include "graph/names.h"
#include "graph/topological_order.h"
#include "graph/unknown_op.h"

namespace weft {
namespace {

constexpr int kOldProducer = 27;  // TensorFlow 1.12.
constexpr int kProducer = 134;    // TensorFlow 1.15.
constexpr int kMinConsumerOfFunctions = 12;

// Does the op need a reader of TensorFlow 1.15 or later?
bool IsNewOp(absl::string_view op) {
  static constexpr absl::string_view kNewOps[] = {
      "AddV2",    "BatchMatMulV2",        "BlockLSTMV2",    "FusedBatchNormV3",
      "SelectV2", "FusedBatchNormGradV3", "BlockLSTMGradV2"};
  for (absl::string_view name : kNewOps) {
    if (op == name) return true;
  }
  return absl::StartsWith(op, "Stateless") && absl::EndsWith(op, "V2");
}

}  // namespace

OpRole OpRoleOf(const Node& node) {
  return node.schema() == nullptr ? OpRole::kCompute
                                  : node.schema()->traits().role;
}

// Does the node itself, not a body of it, do more than give its outputs?
bool HasOwnEffects(const Node& node) {
  if (node.schema() == nullptr) return false;
  const OpTraits& traits = node.schema()->traits();
  for (const auto& [input, access] : traits.variables) {
    if (access != VariableAccess::kRead) return true;
  }
  return traits.asserts;
}

absl::StatusOr<std::vector<const Node*>> NodesInOrder(const Graph& graph) {
  Predecessors predecessors;
  for (const std::unique_ptr<Node>& node : graph.nodes()) {
    for (const Output& input : node->inputs())
      predecessors.Add(input.node()->id());
    for (const Node* control : node->control_inputs())
      predecessors.Add(control->id());
    predecessors.EndNode();
  }
  const TopologicalOrder sorted = SortTopologically(predecessors);
  if (!sorted.cycle.empty()) {
    std::vector<absl::string_view> names;
    for (int id : sorted.cycle) names.push_back(graph.nodes()[id]->name());
    return InvalidArgument("the graph has a cycle: ", PrintCycle(names));
  }
  std::vector<const Node*> nodes;
  nodes.reserve(sorted.order.size());
  for (int id : sorted.order) nodes.push_back(graph.nodes()[id].get());
  return nodes;
}

absl::Status WriteAttrs(const Node& node,
                        absl::Span<const std::string> functions,
                        proto::NodeDef* def) {
  auto& attrs = *def->mutable_attr();
  for (const auto& [name, value] : node.attrs()) {
    if (absl::StartsWith(name, kUnreadAttrPrefix)) {
      proto::AttrValue& attr =
          attrs[name.substr(sizeof(kUnreadAttrPrefix) - 1)];
      WEFT_RETURN_IF_ERROR(ParseBinary(*value.get_if<std::string>(), &attr));
    } else if (!IsInternalAttr(name)) {
      const absl::Status status = AttrToProto(value, &attrs[name]);
      if (!status.ok())
        return Annotate(status, absl::StrCat("attr '", name, "'"));
    }
    if (node.num_bodies() > 0) continue;
    if (value.kind() == AttrKind::kFunction ||
        value.kind() == AttrKind::kFunctions) {
      return FailedPrecondition(
          "attr '", name, "' is the function ", value.ToString(),
          ", which was not kept, since weft does not know the op");
    }
  }
  const absl::Span<const char* const> names = BodyAttrs(OpRoleOf(node));
  for (size_t i = 0; i < functions.size(); ++i) {
    attrs[names[i]].mutable_func()->set_name(functions[i]);
  }
  return absl::OkStatus();
}

void WriteVersions(const ExportOptions& options, proto::GraphDef* def) {
  const bool has_functions = def->library().function_size() > 0;
  bool is_new = has_functions;
  for (const proto::NodeDef& node : def->node())
    is_new = is_new || IsNewOp(node.op());
  def->mutable_versions()->set_producer(options.producer != 0 ? options.producer
                                        : is_new              ? kProducer
                                                              : kOldProducer);
  if (has_functions)
    def->mutable_versions()->set_min_consumer(kMinConsumerOfFunctions);
}

void WriteAliases(const Graph& graph, proto::GraphDef* def) {
  for (const auto& [alias, output] : graph.aliases()) {
    const absl::StatusOr<OutputName> name = ParseOutputName(alias);
    if (!name.ok() || name->index != 0 || !IsValidNodeName(name->node) ||
        graph.FindNode(name->node) != nullptr ||
        output.dtype() == DataType::kInvalid)
      continue;
    proto::NodeDef* node = def->add_node();
    node->set_name(name->node);
    node->set_op("Identity");
    node->add_input(output.name());
    (*node->mutable_attr())["T"].set_type(
        static_cast<proto::DataType>(output.dtype()));
  }
}

}  // namespace weft
