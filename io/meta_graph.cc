#include "io/meta_graph.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/status.h"
#include "graph/binary_format.h"
#include "graph/export.h"
#include "graph/graph_def.h"
#include "graph/tensor_proto.h"
#include "graph/text_format.h"
#include "io/atomic_file.h"
#include "io/graph_file.h"
#include "io/saver.h"
#include "proto/graph.pb.h"
#include "proto/meta_graph.pb.h"

namespace weft {
namespace {

constexpr char kVariables[] = "variables";
constexpr char kTrainableVariables[] = "trainable_variables";
constexpr char kLocalVariables[] = "local_variables";

// ---- Reading ---------------------------------------------------------------

absl::StatusOr<TensorInfo> ReadTensorInfo(const Graph& graph,
                                          const proto::TensorInfo& from) {
  TensorInfo info;
  if (from.encoding_case() != proto::TensorInfo::kName) return info;
  info.name = from.name();
  // A node that is run for what it does.
  if (from.dtype() == proto::DT_INVALID) {
    if (graph.FindNode(info.name) != nullptr) return info;
    return graph.FindOutput(info.name).status();
  }
  WEFT_ASSIGN_OR_RETURN(info.dtype, DataTypeFromProto(from.dtype()));
  WEFT_ASSIGN_OR_RETURN(info.shape, ShapeFromProto(from.tensor_shape()));
  WEFT_ASSIGN_OR_RETURN(const Output output, graph.FindOutput(info.name));
  // Of nodes that weft does not know, nor are the types known.
  if (output.dtype() == info.dtype || output.dtype() == DataType::kInvalid)
    return info;
  return InvalidArgument("is ", DataTypeName(info.dtype), " but ",
                         output.name(), " is ", DataTypeName(output.dtype()));
}

// Reads `from` into `to`; the error names the entry.
template <typename ProtoMap>
absl::Status ReadSide(const Graph& graph, absl::string_view side,
                      const ProtoMap& from,
                      std::map<std::string, TensorInfo>* to) {
  for (const auto& [name, info] : from) {
    absl::StatusOr<TensorInfo> read = ReadTensorInfo(graph, info);
    if (!read.ok()) {
      return Annotate(read.status(),
                      absl::StrCat(side, " '", Printable(name), "'"));
    }
    (*to)[name] = *std::move(read);
  }
  return absl::OkStatus();
}

absl::StatusOr<ModelSignature> ReadSignature(const Graph& graph,
                                             const proto::SignatureDef& def) {
  ModelSignature signature;
  signature.method_name = def.method_name();
  WEFT_RETURN_IF_ERROR(
      ReadSide(graph, "input", def.inputs(), &signature.inputs));
  WEFT_RETURN_IF_ERROR(
      ReadSide(graph, "output", def.outputs(), &signature.outputs));
  return signature;
}

// The variables' names in a list of VariableDefs; empty if it is something
// else.
std::vector<std::string> VariablesIn(const proto::CollectionDef& collection) {
  std::vector<std::string> names;
  for (const std::string& bytes : collection.bytes_list().value()) {
    proto::VariableDef variable;
    if (!ParseBinary(bytes, &variable).ok() ||
        !absl::EndsWith(variable.variable_name(), ":0"))
      return {};
    names.emplace_back(absl::StripSuffix(variable.variable_name(), ":0"));
  }
  return names;
}

void ReadCollections(const proto::MetaGraphDef& def, Graph* graph) {
  for (const auto& [key, collection] : def.collection_def()) {
    if (key == kVariables || key == kTrainableVariables) continue;
    for (const std::string& name : collection.node_list().value())
      graph->AddToCollection(key, name);
    for (std::string& name : VariablesIn(collection))
      graph->AddToCollection(key, std::move(name));
  }
}

// ---- Writing ---------------------------------------------------------------

// Adds what TensorFlow's definition of a variable names and the graph lacks.
class VariableWriter {
 public:
  VariableWriter(const Graph& graph, proto::GraphDef* def) : def_(*def) {
    for (const std::unique_ptr<Node>& node : graph.nodes()) {
      names_.insert(node->name());
      if (node->op() == "ReadVariableOp")
        reads_.emplace(node->input(0).node(), node->name());
    }
  }

  proto::VariableDef Write(const VariableInfo& variable) {
    proto::VariableDef def;
    def.set_variable_name(variable.name + ":0");
    const auto read = reads_.find(variable.handle.node());
    def.set_snapshot_name(
        (read != reads_.end() ? read->second : AddRead(variable)) + ":0");
    if (variable.initializer != nullptr) {
      def.set_initializer_name(variable.initializer->name());
      if (variable.initializer->num_inputs() > 1) {
        const Output& value = variable.initializer->input(1);
        def.set_initial_value_name(
            absl::StrCat(value.node()->name(), ":", value.index()));
      }
    } else {
      AddInitializer(variable, &def);
    }
    def.set_is_resource(true);
    def.set_trainable(variable.trainable);
    return def;
  }

 private:
  proto::NodeDef* Add(const std::string& name, const char* op) {
    proto::NodeDef* node = def_.add_node();
    std::string unique = name;
    for (int k = 1; !names_.insert(unique).second; ++k)
      unique = absl::StrCat(name, "_", k);
    node->set_name(std::move(unique));
    node->set_op(op);
    return node;
  }

  std::string AddRead(const VariableInfo& variable) {
    proto::NodeDef* node =
        Add(variable.name + "/Read/ReadVariableOp", "ReadVariableOp");
    node->add_input(variable.handle.node()->name());
    SetType(node, variable.dtype);
    return node->name();
  }

  void AddInitializer(const VariableInfo& variable, proto::VariableDef* to) {
    proto::NodeDef* zeros = Add(variable.name + "/Initializer/zeros", "Const");
    SetType(zeros, variable.dtype);
    proto::TensorProto* value =
        (*zeros->mutable_attr())["value"].mutable_tensor();
    value->set_dtype(static_cast<proto::DataType>(variable.dtype));
    ShapeToProto(variable.shape, value->mutable_tensor_shape());
    to->set_initial_value_name(zeros->name() + ":0");
    proto::NodeDef* assign = Add(variable.name + "/Assign", "AssignVariableOp");
    assign->add_input(variable.handle.node()->name());
    assign->add_input(to->initial_value_name().substr(
        0, to->initial_value_name().size() - 2));
    SetType(assign, variable.dtype);
    to->set_initializer_name(assign->name());
  }

  static void SetType(proto::NodeDef* node, DataType dtype) {
    (*node->mutable_attr())["dtype"].set_type(
        static_cast<proto::DataType>(dtype));
  }

  proto::GraphDef& def_;
  absl::flat_hash_set<std::string> names_;
  absl::flat_hash_map<const Node*, std::string> reads_;
};

// Writes the variables and what saves them; `*by_name` gets their definitions.
absl::Status WriteVariables(const Graph& graph,
                            const std::vector<std::string>& local_variables,
                            proto::MetaGraphDef* def,
                            std::map<std::string, std::string>* by_name) {
  const std::vector<std::string>& known = graph.Collection(kLocalVariables);
  absl::flat_hash_set<std::string> local(known.begin(), known.end());
  local.insert(local_variables.begin(), local_variables.end());
  VariableWriter writer(graph, def->mutable_graph_def());
  auto& collections = *def->mutable_collection_def();
  std::vector<VariableInfo> saved;
  for (const VariableInfo& variable : graph.variables()) {
    if (variable.handle.dtype() != DataType::kResource ||
        !variable.shape.IsFullyDefined()) {
      return Unimplemented(
          "variable '", variable.name, "' ", variable.shape.ToString(),
          " can not be saved with its graph: only resources of a shape that "
          "is fully defined can");
    }
    WEFT_ASSIGN_OR_RETURN(const std::string bytes,
                          SerializeBinary(writer.Write(variable)));
    (*by_name)[variable.name] = bytes;
    const auto add = [&](const char* collection) {
      collections[collection].mutable_bytes_list()->add_value(bytes);
    };
    if (local.contains(variable.name)) {
      add(kLocalVariables);
      continue;
    }
    add(kVariables);
    if (variable.trainable) add(kTrainableVariables);
    saved.push_back(variable);
  }
  if (!saved.empty())
    *def->mutable_saver_def() = AddSaver(saved, def->mutable_graph_def());
  return absl::OkStatus();
}

void WriteCollections(const Graph& graph,
                      const std::map<std::string, std::string>& variables,
                      proto::MetaGraphDef* def) {
  for (const auto& [key, names] : graph.collections()) {
    if (key == kLocalVariables) continue;  // Written already.
    proto::CollectionDef& to = (*def->mutable_collection_def())[key];
    const bool are_variables = std::all_of(
        names.begin(), names.end(),
        [&](const std::string& name) { return variables.contains(name); });
    for (const std::string& name : names) {
      if (are_variables) {
        to.mutable_bytes_list()->add_value(variables.at(name));
      } else {
        to.mutable_node_list()->add_value(name);
      }
    }
  }
}

absl::Status WriteSide(
    const Graph& graph, absl::string_view side,
    const std::map<std::string, TensorInfo>& from,
    google::protobuf::Map<std::string, proto::TensorInfo>* to) {
  for (const auto& [name, info] : from) {
    proto::TensorInfo& def = (*to)[name];
    def.set_dtype(static_cast<proto::DataType>(info.dtype));
    ShapeToProto(info.shape, def.mutable_tensor_shape());
    def.set_name(info.name);
    const absl::Status status = ReadTensorInfo(graph, def).status();
    if (!status.ok())
      return Annotate(status, absl::StrCat(side, " '", Printable(name), "'"));
    // The file may not have what is only another name.
    if (info.dtype != DataType::kInvalid)
      def.set_name(TensorInfoOf(*graph.FindOutput(info.name)).name);
  }
  return absl::OkStatus();
}

absl::Status WriteSignature(const Graph& graph, const ModelSignature& signature,
                            proto::SignatureDef* to) {
  to->set_method_name(signature.method_name);
  WEFT_RETURN_IF_ERROR(
      WriteSide(graph, "input", signature.inputs, to->mutable_inputs()));
  return WriteSide(graph, "output", signature.outputs, to->mutable_outputs());
}

absl::Status NameSignature(const absl::Status& status, const std::string& key) {
  return status.ok() ? status
                     : Annotate(status, absl::StrCat("signature '",
                                                     Printable(key), "'"));
}

}  // namespace

TensorInfo TensorInfoOf(const Output& output) {
  return {absl::StrCat(output.node()->name(), ":", output.index()),
          output.dtype(), output.shape()};
}

absl::StatusOr<MetaGraph> ImportMetaGraph(const proto::MetaGraphDef& def,
                                          const ImportOptions& options) {
  MetaGraph result;
  result.tags.assign(def.meta_info_def().tags().begin(),
                     def.meta_info_def().tags().end());
  result.tensorflow_version = def.meta_info_def().tensorflow_version();
  WEFT_ASSIGN_OR_RETURN(result.graph,
                        ImportGraphDef(WithoutSavers(def), options));
  ReadCollections(def, result.graph.get());
  for (const auto& [key, signature] : def.signature_def()) {
    absl::StatusOr<ModelSignature> read =
        ReadSignature(*result.graph, signature);
    if (!read.ok()) return NameSignature(read.status(), key);
    result.signatures[key] = *std::move(read);
  }
  return result;
}

absl::StatusOr<proto::MetaGraphDef> ExportMetaGraph(
    const Graph& graph, const MetaGraphOptions& options) {
  proto::MetaGraphDef def;
  WEFT_ASSIGN_OR_RETURN(*def.mutable_graph_def(),
                        ExportGraphDef(graph, options.graph));
  proto::MetaGraphDef::MetaInfoDef& info = *def.mutable_meta_info_def();
  info.mutable_stripped_op_list();
  for (const std::string& tag : options.tags) info.add_tags(tag);
  // What a reader may use to tell which features the writer had.
  info.set_tensorflow_version("1.15.0");
  std::map<std::string, std::string> variables;
  WEFT_RETURN_IF_ERROR(
      WriteVariables(graph, options.local_variables, &def, &variables));
  WriteCollections(graph, variables, &def);
  for (const auto& [key, signature] : options.signatures) {
    WEFT_RETURN_IF_ERROR(NameSignature(
        WriteSignature(graph, signature, &(*def.mutable_signature_def())[key]),
        key));
  }
  return def;
}

absl::StatusOr<proto::MetaGraphDef> ParseMetaGraphDef(absl::string_view bytes) {
  proto::MetaGraphDef def;
  if (bytes.empty()) return InvalidArgument("not a MetaGraphDef (it is empty)");
  const absl::Status parsed =
      LooksLikeText(bytes) ? ParseText(bytes, &def) : ParseBinary(bytes, &def);
  if (!parsed.ok()) return Annotate(parsed, "damaged MetaGraphDef");
  if (!def.has_graph_def())
    return InvalidArgument("not a MetaGraphDef (it has no graph_def)");
  return def;
}

absl::Status WriteMetaGraph(const std::string& path, const Graph& graph,
                            const MetaGraphOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const proto::MetaGraphDef def,
                        ExportMetaGraph(graph, options));
  std::string bytes;
  if (FormatOfPath(path) == GraphFormat::kText) {
    bytes = PrintText(def);
  } else {
    const absl::StatusOr<std::string> binary = SerializeBinary(def);
    if (!binary.ok()) return Annotate(binary.status(), path);
    bytes = *binary;
  }
  return WriteFileAtomically(path, bytes);
}

}  // namespace weft
