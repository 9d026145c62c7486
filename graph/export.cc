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
#include "graph/binary_format.h"
#include "graph/export_node.h"
#include "graph/export_v1.h"
#include "graph/function_library.h"
#include "graph/op.h"
#include "graph/unknown_op.h"
#include "proto/graph.pb.h"

namespace weft {
namespace {

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
    if (options.aliases) WriteAliases(graph, &def_);
    WriteVersions(options, &def_);
    return std::move(def_);
  }

 private:
  absl::StatusOr<Frame> Begin(const Graph& graph) {
    Frame frame;
    frame.graph = &graph;
    WEFT_ASSIGN_OR_RETURN(frame.order, NodesInOrder(graph));
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
    if (OpRoleOf(node) != OpRole::kArg)
      WEFT_RETURN_IF_ERROR(WriteNode(frame, node));
    frame.functions.clear();
    frame.bodies_have_effects = false;
    ++frame.next;
    return absl::OkStatus();
  }

  absl::Status BeginFunction(const Node& node, int body) {
    const Graph& graph = node.body(body);
    const int num_args =
        node.num_inputs() - (OpRoleOf(node) == OpRole::kIf ? 1 : 0);
    if (static_cast<int>(graph.args().size()) != num_args) {
      return Internal(node.Describe(), ": body ", body, " has ",
                      graph.args().size(), " arguments for ", num_args,
                      " inputs");
    }
    WEFT_ASSIGN_OR_RETURN(Frame frame, Begin(graph));
    frame.function = std::make_unique<proto::FunctionDef>();
    absl::flat_hash_set<std::string> taken;
    for (const std::unique_ptr<Node>& n : graph.nodes()) {
      if (OpRoleOf(*n) != OpRole::kArg) taken.insert(n->name());
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
    const absl::Span<const char* const> attrs = BodyAttrs(OpRoleOf(node));
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
      if (OpRoleOf(*control) != OpRole::kArg)
        def->add_input(absl::StrCat("^", control->name()));
    }
    const absl::Status attrs = WriteAttrs(node, frame.functions, def);
    if (!attrs.ok()) return Annotate(attrs, node.Describe());
    if (frame.function != nullptr) {
      const bool is_stateful =
          node.schema() == nullptr || node.schema()->traits().stateful;
      if (is_stateful)
        frame.function->mutable_signature()->set_is_stateful(true);
      if (HasOwnEffects(node) || frame.bodies_have_effects)
        frame.effects.push_back(&node);
    }
    return absl::OkStatus();
  }

  proto::GraphDef def_;
  std::vector<Frame> frames_;
  absl::flat_hash_map<std::string, std::string>
      functions_;  // Names, by content.
  absl::flat_hash_set<std::string> names_;
};

}  // namespace

absl::StatusOr<proto::GraphDef> ExportGraphDef(const Graph& graph,
                                               const ExportOptions& options) {
  WEFT_RETURN_IF_ERROR(graph.status());
  return options.v1_control_flow ? ExportV1GraphDef(graph, options)
                                 : Exporter().Run(graph, options);
}

}  // namespace weft
