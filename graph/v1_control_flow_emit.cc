#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "graph/v1_control_flow_copy.h"
#include "graph/v1_control_flow_graph.h"

namespace weft {
namespace {

// Writes the nodes of one graph.
class GraphWriter {
 public:
  explicit GraphWriter(const V1Graph& graph) : graph_(graph) {
    absl::flat_hash_set<std::string> names;
    for (const V1Node& node : graph.nodes) names.insert(node.name());
    for (size_t i = 0; i < graph.arg_types.size(); ++i) {
      std::string name = absl::StrCat("arg", i);
      while (names.contains(name)) name += "_";
      args_.push_back(std::move(name));
    }
  }

  const std::string& arg(size_t i) const { return args_[i]; }

  std::string Name(V1Value value) const {
    if (value.node == V1Value::kArg) return args_[value.index];
    const std::string& name = graph_.nodes[value.node].name();
    return value.index == 0 ? name : absl::StrCat(name, ":", value.index);
  }

  void Write(const V1Node& node, proto::NodeDef* to) const {
    *to = *node.def;
    to->clear_input();
    for (const V1Value& input : node.inputs) to->add_input(Name(input));
    std::vector<int> controls = node.controls;
    std::sort(controls.begin(), controls.end());
    controls.erase(std::unique(controls.begin(), controls.end()),
                   controls.end());
    for (int control : controls) {
      // What said to which frame or branch a constant belongs has done its
      // duty.
      const bool is_const = node.inputs.empty() && node.def->op() == "Const";
      if (is_const && (node.anchored || IsAnchor(graph_, control))) continue;
      to->add_input(absl::StrCat("^", graph_.nodes[control].name()));
    }
  }

 private:
  const V1Graph& graph_;
  std::vector<std::string> args_;
};

void WriteFunction(const V1Graph& graph, proto::FunctionDef* to) {
  const GraphWriter writer(graph);
  proto::OpDef& signature = *to->mutable_signature();
  signature.set_name(graph.name);
  for (size_t i = 0; i < graph.arg_types.size(); ++i) {
    proto::OpDef::ArgDef* arg = signature.add_input_arg();
    arg->set_name(writer.arg(i));
    arg->set_type(static_cast<proto::DataType>(graph.arg_types[i]));
  }
  for (size_t i = 0; i < graph.results.size(); ++i) {
    proto::OpDef::ArgDef* arg = signature.add_output_arg();
    arg->set_name(absl::StrCat("result", i));
    arg->set_type(static_cast<proto::DataType>(graph.result_types[i]));
    (*to->mutable_ret())[arg->name()] = writer.Name(graph.results[i]);
  }
  for (const V1Node& node : graph.nodes) writer.Write(node, to->add_node_def());
}

}  // namespace

proto::GraphDef V1Module::Emit(const proto::GraphDef& file) const {
  proto::GraphDef result;
  *result.mutable_library() = file.library();
  if (file.has_versions()) *result.mutable_versions() = file.versions();
  const GraphWriter writer(*graphs_[0]);
  result.mutable_node()->Reserve(static_cast<int>(graphs_[0]->nodes.size()));
  for (const V1Node& node : graphs_[0]->nodes)
    writer.Write(node, result.add_node());
  for (size_t i = 1; i < graphs_.size(); ++i) {
    WriteFunction(*graphs_[i], result.mutable_library()->add_function());
  }
  return result;
}

}  // namespace weft
