#include "io/saver.h"

#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "graph/attr_proto.h"
#include "graph/binary_format.h"
#include "graph/op.h"
#include "proto/graph.pb.h"
#include "proto/meta_graph.pb.h"

namespace weft {
namespace {

using absl::string_view;

// "node" for "node", "node:1" and "^node".
string_view NodeOf(string_view input) {
  absl::ConsumePrefix(&input, "^");
  return input.substr(0, input.find(':'));
}

// Writes the nodes of one Saver.
class SaverWriter {
 public:
  SaverWriter(absl::Span<const VariableInfo> variables, proto::GraphDef* graph)
      : variables_(variables), graph_(*graph) {
    absl::flat_hash_set<string_view> scopes;
    for (const proto::NodeDef& node : graph->node()) {
      scopes.insert(string_view(node.name()).substr(0, node.name().find('/')));
    }
    for (int k = 1; scopes.contains(scope_); ++k)
      scope_ = absl::StrCat("save_", k);
  }

  proto::SaverDef Write() {
    const std::string filename = AddConst("filename/input", {"model"}, true);
    AddPlaceholder("filename", filename);
    AddPlaceholder("Const", Name("filename"));
    proto::NodeDef* save = AddTable("SaveV2", /*of_restored=*/false);
    for (const VariableInfo& variable : variables_) {
      // A read of its own: the value when it is saved.
      proto::NodeDef* read =
          Add(absl::StrCat("Read_", save->input_size() - 3), "ReadVariableOp");
      read->add_input(variable.handle.node()->name());
      SetType(read, "dtype", variable.dtype);
      save->add_input(read->name());
    }
    proto::NodeDef* saved = Add("control_dependency", "Identity");
    saved->add_input(Name("Const"));
    saved->add_input("^" + Name("SaveV2"));
    SetType(saved, "T", DataType::kString);
    AddRestore();
    proto::SaverDef def;
    def.set_filename_tensor_name(Name("Const") + ":0");
    def.set_save_tensor_name(Name("control_dependency") + ":0");
    def.set_restore_op_name(Name("restore_all"));
    def.set_max_to_keep(5);
    def.set_keep_checkpoint_every_n_hours(10000);
    def.set_version(proto::SaverDef::V2);
    return def;
  }

 private:
  std::string Name(string_view name) const {
    return absl::StrCat(scope_, "/", name);
  }

  proto::NodeDef* Add(string_view name, string_view op) {
    proto::NodeDef* node = graph_.add_node();
    node->set_name(Name(name));
    node->set_op(std::string(op));
    return node;
  }

  static void SetType(proto::NodeDef* node, const char* attr, DataType dtype) {
    (*node->mutable_attr())[attr].set_type(static_cast<proto::DataType>(dtype));
  }

  // A constant of strings; returns its name.
  std::string AddConst(string_view name, const std::vector<std::string>& values,
                       bool scalar) {
    proto::NodeDef* node = Add(name, "Const");
    SetType(node, "dtype", DataType::kString);
    proto::TensorProto* tensor =
        (*node->mutable_attr())["value"].mutable_tensor();
    tensor->set_dtype(proto::DT_STRING);
    proto::TensorShapeProto* shape = tensor->mutable_tensor_shape();
    if (!scalar)
      shape->add_dim()->set_size(static_cast<int64_t>(values.size()));
    for (const std::string& value : values) tensor->add_string_val(value);
    return node->name();
  }

  void AddPlaceholder(string_view name, const std::string& value) {
    proto::NodeDef* node = Add(name, "PlaceholderWithDefault");
    node->add_input(value);
    SetType(node, "dtype", DataType::kString);
    (*node->mutable_attr())["shape"].mutable_shape();
  }

  bool IsIn(const VariableInfo& variable, bool of_restored) const {
    return variable.restore || !of_restored;
  }

  // SaveV2 or RestoreV2 with the names of what is in the file, and the types.
  proto::NodeDef* AddTable(string_view op, bool of_restored) {
    std::vector<std::string> names;
    proto::AttrValue dtypes;
    dtypes.mutable_list();
    for (const VariableInfo& variable : variables_) {
      if (!IsIn(variable, of_restored)) continue;
      names.push_back(variable.name);
      dtypes.mutable_list()->add_type(
          static_cast<proto::DataType>(variable.dtype));
    }
    const std::vector<std::string> whole(names.size());
    const std::string keys =
        AddConst(absl::StrCat(op, "/tensor_names"), names, false);
    const std::string slices =
        AddConst(absl::StrCat(op, "/shape_and_slices"), whole, false);
    proto::NodeDef* node = Add(op, op);
    node->add_input(Name("Const"));
    node->add_input(keys);
    node->add_input(slices);
    (*node->mutable_attr())["dtypes"] = std::move(dtypes);
    return node;
  }

  void AddRestore() {
    std::vector<std::string> assigns;
    for (const VariableInfo& variable : variables_) {
      if (!IsIn(variable, /*of_restored=*/true)) continue;
      if (assigns.empty()) AddTable("RestoreV2", /*of_restored=*/true);
      const size_t k = assigns.size();
      const std::string value = Name("RestoreV2");
      proto::NodeDef* assign =
          Add(absl::StrCat("AssignVariableOp_", k), "AssignVariableOp");
      assign->add_input(variable.handle.node()->name());
      assign->add_input(k == 0 ? value : absl::StrCat(value, ":", k));
      SetType(assign, "dtype", variable.dtype);
      assigns.push_back(assign->name());
    }
    proto::NodeDef* all = Add("restore_all", "NoOp");
    for (const std::string& assign : assigns) all->add_input("^" + assign);
  }

  const absl::Span<const VariableInfo> variables_;
  proto::GraphDef& graph_;
  std::string scope_ = "save";
};

// Which nodes of a graph need which.
class Needs {
 public:
  explicit Needs(const proto::GraphDef& graph) : graph_(graph) {
    for (int i = 0; i < graph.node_size(); ++i)
      ids_.emplace(graph.node(i).name(), i);
  }

  // Marks the node that `name` is an output of, and all that it needs.
  void Mark(string_view name, std::vector<bool>* marked) const {
    std::vector<string_view> stack = {name};
    while (!stack.empty()) {
      const auto it = ids_.find(NodeOf(stack.back()));
      stack.pop_back();
      if (it == ids_.end() || (*marked)[it->second]) continue;
      (*marked)[it->second] = true;
      for (const std::string& input : graph_.node(it->second).input())
        stack.push_back(input);
    }
  }

 private:
  const proto::GraphDef& graph_;
  absl::flat_hash_map<string_view, int> ids_;
};

std::vector<proto::SaverDef> SaversOf(const proto::MetaGraphDef& meta) {
  std::vector<proto::SaverDef> savers = {meta.saver_def()};
  const auto it = meta.collection_def().find("savers");
  if (it == meta.collection_def().end()) return savers;
  for (const std::string& bytes : it->second.bytes_list().value()) {
    proto::SaverDef saver;
    if (ParseBinary(bytes, &saver).ok()) savers.push_back(std::move(saver));
  }
  return savers;
}

bool IsVariable(const proto::NodeDef& node) {
  const OpSchema* schema = OpRegistry::Global().Find(node.op());
  return (schema != nullptr && schema->traits().role == OpRole::kVariable) ||
         absl::StartsWith(node.op(), "Variable");
}

}  // namespace

proto::SaverDef AddSaver(absl::Span<const VariableInfo> variables,
                         proto::GraphDef* graph) {
  return SaverWriter(variables, graph).Write();
}

proto::GraphDef WithoutSavers(const proto::MetaGraphDef& meta) {
  const proto::GraphDef& graph = meta.graph_def();
  const Needs needs(graph);
  std::vector<bool> saving(graph.node_size());
  for (const proto::SaverDef& saver : SaversOf(meta)) {
    needs.Mark(saver.restore_op_name(), &saving);
    needs.Mark(saver.save_tensor_name(), &saving);
    needs.Mark(saver.filename_tensor_name(), &saving);
  }
  std::vector<bool> kept(graph.node_size());
  for (int i = 0; i < graph.node_size(); ++i) {
    const proto::NodeDef& node = graph.node(i);
    if (!saving[i] || IsVariable(node)) needs.Mark(node.name(), &kept);
  }
  for (const auto& [key, signature] : meta.signature_def()) {
    for (const auto* side : {&signature.inputs(), &signature.outputs()}) {
      for (const auto& [name, info] : *side) needs.Mark(info.name(), &kept);
    }
  }
  proto::GraphDef result;
  *result.mutable_library() = graph.library();
  if (graph.has_versions()) *result.mutable_versions() = graph.versions();
  for (int i = 0; i < graph.node_size(); ++i) {
    if (kept[i]) *result.add_node() = graph.node(i);
  }
  return result;
}

}  // namespace weft
