#include "graph/export.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/attr_proto.h"
#include "graph/binary_format.h"
#include "graph/function_library.h"
#include "graph/op.h"
#include "graph/topological_order.h"
#include "graph/unknown_op.h"
#include "proto/graph.pb.h"

namespace weft {
namespace {

OpRole RoleOf(const Node& node) {
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

absl::StatusOr<std::vector<const Node*>> InOrder(const Graph& graph) {
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

// "sum:1" for the output `index` of all: how it is called in a function.
std::string OutputInFunction(const Node& node, int64_t index) {
  if (const AttrValue* names = node.attrs().Find(kOutputNamesAttr)) {
    const std::string& name =
        (*names->get_if<std::vector<std::string>>())[index];
    return absl::StartsWith(name, ":") ? name.substr(1) : name;
  }
  if (node.schema() == nullptr) return absl::StrCat(index);
  int64_t rest = index;
  for (const ArgSpec& arg : node.schema()->outputs()) {
    int64_t count = 1;
    if (!arg.number_attr.empty())
      count = node.attrs().Get<int64_t>(arg.number_attr);
    if (!arg.type_list_attr.empty()) {
      count =
          node.attrs().Get<std::vector<DataType>>(arg.type_list_attr).size();
    }
    if (rest < count) return absl::StrCat(arg.name, ":", rest);
    rest -= count;
  }
  return absl::StrCat(index);
}

// `name` as it may stand for an argument: lower case letters, digits and _.
std::string ArgName(const std::string& name) {
  std::string result;
  for (char c : name) {
    result += absl::ascii_isalnum(c) ? absl::ascii_tolower(c) : '_';
  }
  return result.empty() || !absl::ascii_islower(result[0])
             ? absl::StrCat("a", result)
             : result;
}

// A graph or body that is being written.
struct Frame {
  const Graph* graph = nullptr;
  std::vector<const Node*> order;
  size_t next = 0;
  std::vector<std::string>
      functions;  // Of the next node's bodies, as far as written.
  bool bodies_have_effects = false;  // Those of the next node.

  // Null, empty and of no use for the outermost graph.
  std::unique_ptr<proto::FunctionDef> function;
  absl::flat_hash_map<const Node*, std::string> arg_names;
  std::vector<const Node*> effects;
};

// Bodies are written before the node that has them, from a list, so that no
// depth of them uses up the stack.
class Exporter {
 public:
  absl::StatusOr<proto::GraphDef> Run(const Graph& graph,
                                      const ExportOptions& options) {
    WEFT_ASSIGN_OR_RETURN(Frame outermost, Begin(graph));
    def_.mutable_node()->Reserve(graph.num_nodes());
    frames_.push_back(std::move(outermost));
    while (!frames_.empty()) WEFT_RETURN_IF_ERROR(Step());
    const bool is_new = has_new_ops_ || def_.library().function_size() > 0;
    def_.mutable_versions()->set_producer(options.producer != 0
                                              ? options.producer
                                          : is_new ? kProducer
                                                   : kOldProducer);
    if (def_.library().function_size() > 0) {
      def_.mutable_versions()->set_min_consumer(kMinConsumerOfFunctions);
    }
    return std::move(def_);
  }

 private:
  static constexpr int kOldProducer = 27;  // TensorFlow 1.12.
  static constexpr int kProducer = 134;    // TensorFlow 1.15.
  static constexpr int kMinConsumerOfFunctions = 12;

  absl::StatusOr<Frame> Begin(const Graph& graph) {
    Frame frame;
    frame.graph = &graph;
    WEFT_ASSIGN_OR_RETURN(frame.order, InOrder(graph));
    return frame;
  }

  absl::Status Step() {
    Frame& frame = frames_.back();
    if (frame.next == frame.order.size()) {
      if (frames_.size() > 1) return EndFunction();
      frames_.pop_back();
      return absl::OkStatus();
    }
    const Node& node = *frame.order[frame.next];
    const int body = static_cast<int>(frame.functions.size());
    if (body < node.num_bodies()) return BeginFunction(node, body);
    if (RoleOf(node) != OpRole::kArg)
      WEFT_RETURN_IF_ERROR(WriteNode(frame, node));
    frame.functions.clear();
    frame.bodies_have_effects = false;
    ++frame.next;
    return absl::OkStatus();
  }

  absl::Status BeginFunction(const Node& node, int body) {
    const Graph& graph = node.body(body);
    const int num_args =
        node.num_inputs() - (RoleOf(node) == OpRole::kIf ? 1 : 0);
    if (static_cast<int>(graph.args().size()) != num_args) {
      return Internal(node.Describe(), ": body ", body, " has ",
                      graph.args().size(), " arguments for ", num_args,
                      " inputs");
    }
    WEFT_ASSIGN_OR_RETURN(Frame frame, Begin(graph));
    frame.function = std::make_unique<proto::FunctionDef>();
    absl::flat_hash_set<std::string> taken;
    for (const std::unique_ptr<Node>& n : graph.nodes()) {
      if (RoleOf(*n) != OpRole::kArg) taken.insert(n->name());
    }
    for (const Output& arg : graph.args()) {
      const std::string base = ArgName(arg.node()->name());
      std::string name = base;
      for (int k = 1; !taken.insert(name).second; ++k)
        name = absl::StrCat(base, "_", k);
      proto::OpDef::ArgDef* def =
          frame.function->mutable_signature()->add_input_arg();
      def->set_name(name);
      def->set_type(static_cast<proto::DataType>(arg.dtype()));
      frame.arg_names[arg.node()] = std::move(name);
    }
    frames_.push_back(std::move(frame));
    return absl::OkStatus();
  }

  absl::Status EndFunction() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    proto::FunctionDef& function = *frame.function;
    proto::OpDef& signature = *function.mutable_signature();
    for (size_t i = 0; i < frame.graph->results().size(); ++i) {
      const Output& result = frame.graph->results()[i];
      proto::OpDef::ArgDef* def = signature.add_output_arg();
      def->set_name(absl::StrCat("output_", i));
      def->set_type(static_cast<proto::DataType>(result.dtype()));
      (*function.mutable_ret())[def->name()] = InputName(frame, result);
    }
    // Without that TensorFlow takes what gives no result for superfluous.
    for (const Node* node : frame.effects) {
      signature.add_control_output(node->name());
      (*function.mutable_control_ret())[node->name()] = node->name();
    }
    Frame& outer = frames_.back();
    outer.bodies_have_effects |= !frame.effects.empty();
    WEFT_ASSIGN_OR_RETURN(std::string name,
                          AddFunction(*outer.order[outer.next],
                                      static_cast<int>(outer.functions.size()),
                                      std::move(function)));
    outer.functions.push_back(std::move(name));
    return absl::OkStatus();
  }

  // The name of the function in the library: of one that is like it, if there
  // is any; else like what the node says.
  absl::StatusOr<std::string> AddFunction(const Node& node, int body,
                                          proto::FunctionDef function) {
    WEFT_ASSIGN_OR_RETURN(std::string key, SerializeBinary(function));
    const auto known = functions_.find(key);
    if (known != functions_.end()) return known->second;
    const absl::Span<const char* const> attrs = BodyAttrs(RoleOf(node));
    if (static_cast<size_t>(body) >= attrs.size()) {
      return Internal(node.Describe(), ": has more bodies than its op");
    }
    const AttrValue* wanted = node.attrs().Find(attrs[body]);
    std::string base = absl::StrCat(node.op(), "_", attrs[body]);
    if (wanted != nullptr && wanted->get_if<FunctionName>() != nullptr &&
        !wanted->get_if<FunctionName>()->name.empty()) {
      base = wanted->get_if<FunctionName>()->name;
    }
    std::string name = base;
    for (int k = 1; OpRegistry::Global().Find(name) != nullptr ||
                    !names_.insert(name).second;
         ++k) {
      name = absl::StrCat(base, "_", k);
    }
    function.mutable_signature()->set_name(name);
    *def_.mutable_library()->add_function() = std::move(function);
    functions_.emplace(std::move(key), name);
    return name;
  }

  static std::string InputName(const Frame& frame, const Output& input) {
    const Node& node = *input.node();
    if (frame.function == nullptr) {
      return input.index() == 0 ? node.name()
                                : absl::StrCat(node.name(), ":", input.index());
    }
    const auto arg = frame.arg_names.find(&node);
    if (arg != frame.arg_names.end()) return arg->second;
    return absl::StrCat(node.name(), ":",
                        OutputInFunction(node, input.index()));
  }

  absl::Status WriteNode(Frame& frame, const Node& node) {
    proto::NodeDef* def = frame.function != nullptr
                              ? frame.function->add_node_def()
                              : def_.add_node();
    def->set_name(node.name());
    def->set_op(node.op());
    def->set_device(node.device());
    for (const Output& input : node.inputs())
      def->add_input(InputName(frame, input));
    for (const Node* control : node.control_inputs()) {
      // Arguments are there before the body runs.
      if (RoleOf(*control) != OpRole::kArg)
        def->add_input(absl::StrCat("^", control->name()));
    }
    const absl::Status attrs = WriteAttrs(frame, node, def);
    if (!attrs.ok()) return Annotate(attrs, node.Describe());
    if (frame.function != nullptr) {
      const bool is_stateful =
          node.schema() == nullptr || node.schema()->traits().stateful;
      if (is_stateful)
        frame.function->mutable_signature()->set_is_stateful(true);
      if (HasOwnEffects(node) || frame.bodies_have_effects)
        frame.effects.push_back(&node);
    }
    has_new_ops_ = has_new_ops_ || IsNewOp(node.op());
    return absl::OkStatus();
  }

  static absl::Status WriteAttrs(const Frame& frame, const Node& node,
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
    const absl::Span<const char* const> names = BodyAttrs(RoleOf(node));
    for (size_t i = 0; i < frame.functions.size(); ++i) {
      attrs[names[i]].mutable_func()->set_name(frame.functions[i]);
    }
    return absl::OkStatus();
  }

  // Does the op need a reader of TensorFlow 1.15 or later?
  static bool IsNewOp(absl::string_view op) {
    static constexpr absl::string_view kNewOps[] = {
        "AddV2",          "BatchMatMulV2",
        "BlockLSTMV2",    "FusedBatchNormV3",
        "SelectV2",       "FusedBatchNormGradV3",
        "BlockLSTMGradV2"};
    for (absl::string_view name : kNewOps) {
      if (op == name) return true;
    }
    return absl::StartsWith(op, "Stateless") && absl::EndsWith(op, "V2");
  }

  proto::GraphDef def_;
  bool has_new_ops_ = false;
  std::vector<Frame> frames_;
  absl::flat_hash_map<std::string, std::string>
      functions_;  // Names, by content.
  absl::flat_hash_set<std::string> names_;
};

}  // namespace

absl::StatusOr<proto::GraphDef> ExportGraphDef(const Graph& graph,
                                               const ExportOptions& options) {
  WEFT_RETURN_IF_ERROR(graph.status());
  return Exporter().Run(graph, options);
}

}  // namespace weft
