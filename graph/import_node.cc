#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/status.h"
#include "graph/attr_proto.h"
#include "graph/expansion.h"
#include "graph/import_frame.h"
#include "graph/op.h"
#include "graph/unknown_op.h"
#include "proto/graph.pb.h"

namespace weft {
namespace {

constexpr int kMaxAttrs = 1024;  // Of one node.

// How many outputs in a row an output arg of a known op stands for.
int64_t NumOutputs(const Node& node, const ArgSpec& arg) {
  if (!arg.number_attr.empty())
    return node.attrs().Get<int64_t>(arg.number_attr);
  if (arg.type_list_attr.empty()) return 1;
  return static_cast<int64_t>(
      node.attrs().Get<std::vector<DataType>>(arg.type_list_attr).size());
}

// What the outputs of a node of a known op are called, and how many each is.
std::vector<std::pair<absl::string_view, int64_t>> OutputArgs(
    const Node& node) {
  std::vector<std::pair<absl::string_view, int64_t>> args;
  for (const ArgSpec& arg : node.schema()->outputs()) {
    args.emplace_back(arg.name, NumOutputs(node, arg));
  }
  return args;
}

// The index of "sum:1" among all outputs of a node.
absl::StatusOr<int64_t> FlatIndex(const ImportFrame& frame,
                                  const InputRef& ref) {
  const Node& node = *frame.nodes[ref.node];
  if (const AttrValue* used = node.attrs().Find(kOutputNamesAttr)) {
    const auto& names = *used->get_if<std::vector<std::string>>();
    const auto it = std::find(names.begin(), names.end(),
                              absl::StrCat(ref.output, ":", ref.index));
    WEFT_CHECK(it != names.end());  // All uses have been looked at.
    return it - names.begin();
  }
  if (ref.output.empty()) return ref.index;
  const auto results = frame.results.find(ref.node);
  const auto& args =
      results != frame.results.end() ? results->second : OutputArgs(node);
  int64_t first = 0;
  for (const auto& [name, count] : args) {
    if (name == ref.output) {
      if (ref.index < count) return first + ref.index;
      return InvalidArgument(node.op(), " '", node.name(), "' has ", count,
                             " outputs called '", Printable(name),
                             "', so there is no number ", ref.index);
    }
    first += count;
  }
  const auto append_name = [](std::string* out, const auto& arg) {
    absl::StrAppend(out, Printable(arg.first));
  };
  return InvalidArgument(
      node.op(), " '", node.name(), "' has no output '", Printable(ref.output),
      "', only these: ", absl::StrJoin(args, ", ", append_name));
}

absl::Status ReadInputs(const ImportFrame& frame, NodeDraft& draft) {
  const absl::Span<const InputRef> inputs = frame.list->inputs(draft.number);
  draft.inputs.reserve(inputs.size());
  for (size_t k = 0; k < inputs.size(); ++k) {
    const absl::StatusOr<Output> input = ResolveRef(frame, inputs[k]);
    if (!input.ok()) {
      return Annotate(
          input.status(),
          absl::StrCat("input ", k, " '",
                       Printable(draft.def->input(static_cast<int>(k))), "'"));
    }
    draft.inputs.push_back(*input);
  }
  for (const InputRef& ref : frame.list->control_inputs(draft.number)) {
    // Arguments are there before the body runs.
    if (ref.node >= 0) draft.control_inputs.push_back(frame.nodes[ref.node]);
  }
  return absl::OkStatus();
}

// Keeps the node without its schema: nobody could run it, but perhaps nobody
// wants to.
void CountAsUnknown(std::string reason, NodeDraft& draft) {
  if (draft.schema == nullptr) return;
  draft.attrs.Set(kUnsupportedAttr, std::move(reason));
  draft.schema = nullptr;
}

bool IsAllowed(const AttrSpec& spec, const AttrValue& value) {
  auto allowed = [&](DataType type) {
    return std::find(spec.allowed.begin(), spec.allowed.end(),
                     AttrValue(type)) != spec.allowed.end();
  };
  if (const DataType* type = value.get_if<DataType>()) return allowed(*type);
  const auto* types = value.get_if<std::vector<DataType>>();
  return types == nullptr || std::all_of(types->begin(), types->end(), allowed);
}

// TensorFlow has most ops for more types than weft.
void CheckTypes(NodeDraft& draft) {
  for (const AttrSpec& spec : draft.schema->attrs()) {
    const AttrValue* value = draft.attrs.Find(spec.name);
    if (value == nullptr || spec.allowed.empty() || IsAllowed(spec, *value))
      continue;
    const auto append = [](std::string* out, const AttrValue& v) {
      out->append(v.ToString());
    };
    CountAsUnknown(absl::StrCat("attr '", spec.name, "' is ", value->ToString(),
                                ", but weft has the op for ",
                                absl::StrJoin(spec.allowed, ", ", append)),
                   draft);
    return;
  }
}

absl::Status ReadAttrs(ImportContext& context, const ImportFrame& frame,
                       NodeDraft& draft) {
  const auto& attrs = draft.def->attr();
  if (attrs.size() > kMaxAttrs) {
    return InvalidArgument("has ", attrs.size(), " attrs but at most ",
                           kMaxAttrs, " are allowed");
  }
  std::vector<std::pair<absl::string_view, const proto::AttrValue*>> sorted;
  for (const auto& [name, attr] : attrs) sorted.push_back({name, &attr});
  std::sort(sorted.begin(), sorted.end());
  for (const auto& [name, attr] : sorted) {
    if (IsInternalAttr(name)) {
      return InvalidArgument("attr '", Printable(name),
                             "' must not stand in a file");
    }
    absl::StatusOr<AttrValue> value = ReadAttr(context, frame, *attr);
    if (value.ok()) {
      draft.attrs.Set(name, *std::move(value));
    } else if (absl::IsUnimplemented(value.status())) {
      draft.attrs.Set(UnreadAttrName(name), attr->SerializeAsString());
      CountAsUnknown(absl::StrCat("attr '", Printable(name),
                                  "': ", value.status().message()),
                     draft);
    } else {
      return Annotate(value.status(),
                      absl::StrCat("attr '", Printable(name), "'"));
    }
  }
  return absl::OkStatus();
}

absl::Status FindOp(ImportContext& context, NodeDraft& draft) {
  draft.op = draft.def->op();
  if (const proto::FunctionDef* function = context.library.Find(draft.op)) {
    draft.op = function->signature().is_stateful() ? "StatefulPartitionedCall"
                                                   : "PartitionedCall";
  } else if (absl::StartsWith(draft.op, "_")) {
    return InvalidArgument(
        "ops that begin with _ are internal and must not stand in a file");
  }
  draft.schema = OpRegistry::Global().Find(draft.op);
  return absl::OkStatus();
}

// A node whose op is a function: its attrs are the function's.
void CallFunction(NodeDraft& draft) {
  auto attrs = std::make_shared<AttrMap>();
  AttrMap own;
  for (const auto& [name, value] : draft.attrs) {
    (absl::StartsWith(name, "_") ? own : *attrs).Set(name, value);
  }
  own.Set("f", FunctionName{draft.def->op(), std::move(attrs)});
  draft.attrs = std::move(own);
}

absl::Status CheckConst(const NodeDraft& draft) {
  const AttrValue* dtype = draft.attrs.Find("dtype");
  const AttrValue* value = draft.attrs.Find("value");
  if (dtype == nullptr || value == nullptr)
    return absl::OkStatus();  // Seen by the schema.
  const DataType* type = dtype->get_if<DataType>();
  const Tensor* tensor = value->get_if<Tensor>();
  if (type == nullptr || tensor == nullptr || *type == tensor->dtype()) {
    return absl::OkStatus();
  }
  return InvalidArgument("attr 'dtype' is ", DataTypeName(*type),
                         " but attr 'value' is a ",
                         DataTypeName(tensor->dtype()), " tensor");
}

// Before version 22 a placeholder of unknown rank was written as a scalar.
void FixPlaceholder(const ImportContext& context, NodeDraft& draft) {
  constexpr int kScalarPlaceholders = 22;
  if (context.producer >= kScalarPlaceholders) return;
  const AttrValue* shape = draft.attrs.Find("shape");
  if (shape == nullptr || shape->get_if<TensorShape>() == nullptr) return;
  if (shape->get_if<TensorShape>()->IsScalar()) {
    draft.attrs.Set("shape", TensorShape::UnknownRank());
  }
}

absl::Status ReadAll(ImportContext& context, ImportFrame& frame,
                     NodeDraft& draft) {
  WEFT_RETURN_IF_ERROR(FindOp(context, draft));
  WEFT_RETURN_IF_ERROR(ReadAttrs(context, frame, draft));
  WEFT_RETURN_IF_ERROR(ReadInputs(frame, draft));
  if (draft.schema != nullptr) CheckTypes(draft);
  if (draft.schema == nullptr) {
    draft.op = draft.def->op();
    return absl::OkStatus();
  }
  if (draft.op != draft.def->op()) CallFunction(draft);
  if (draft.role() == OpRole::kConst) WEFT_RETURN_IF_ERROR(CheckConst(draft));
  if (draft.role() == OpRole::kPlaceholder) FixPlaceholder(context, draft);
  return PrepareBodies(context, draft);
}

}  // namespace

OpRole NodeDraft::role() const {
  return schema == nullptr ? OpRole::kCompute : schema->traits().role;
}

absl::Span<const Output> NodeDraft::args() const {
  const absl::Span<const Output> all = inputs;
  return role() == OpRole::kIf && !all.empty() ? all.subspan(1) : all;
}

absl::StatusOr<AttrValue> ReadAttr(ImportContext& context,
                                   const ImportFrame& frame,
                                   const proto::AttrValue& attr) {
  const bool in_function = frame.function != nullptr;
  if (in_function && attr.has_tensor()) {
    const auto known = context.constants.find(&attr);
    if (known != context.constants.end()) return AttrValue(known->second);
  }
  const AttrReader reader(&context.budget,
                          in_function ? &frame.attrs : nullptr);
  absl::StatusOr<AttrValue> value = reader.Read(attr);
  if (in_function && value.ok() && attr.has_tensor()) {
    context.constants.emplace(&attr, *value->get_if<Tensor>());
  }
  return value;
}

absl::StatusOr<Output> ResolveRef(const ImportFrame& frame,
                                  const InputRef& ref) {
  if (ref.arg >= 0) {
    const Outputs& arg = frame.args[ref.arg];
    if (ref.output.empty() && static_cast<size_t>(ref.index) < arg.size()) {
      return arg[ref.index];
    }
    return InvalidArgument("an argument of ", arg.size(),
                           " values has no such output");
  }
  Node* node = frame.nodes[ref.node];
  WEFT_ASSIGN_OR_RETURN(const int64_t index, FlatIndex(frame, ref));
  if (index < node->num_outputs()) return node->output(static_cast<int>(index));
  return InvalidArgument(node->op(), " '", node->name(), "' has ",
                         node->num_outputs(),
                         node->num_outputs() == 1 ? " output" : " outputs");
}

absl::StatusOr<std::unique_ptr<NodeDraft>> ReadNode(ImportContext& context,
                                                    ImportFrame& frame) {
  auto draft = std::make_unique<NodeDraft>();
  draft->number = frame.list->order()[frame.next];
  draft->def = &frame.list->node(draft->number);
  const absl::Status status = ReadAll(context, frame, *draft);
  if (!status.ok()) return Annotate(status, DescribeNode(*draft->def));
  return draft;
}

absl::Status AddNode(ImportContext& context, ImportFrame& frame,
                     NodeDraft& draft) {
  Graph& graph = *frame.graph;
  const ExpansionFn* expansion =
      draft.schema != nullptr ? ExpansionRegistry::Global().Find(draft.op)
                              : nullptr;
  if (expansion == nullptr) ReadBehindControls(frame, draft);
  // Operands without a location: the user's program did not write these nodes.
  std::vector<Operand> inputs;
  inputs.reserve(draft.inputs.size());
  for (const Output& input : draft.inputs)
    inputs.emplace_back(input, SourceLocation{});
  NodeOptions options = {.name = draft.def->name(),
                         .control_inputs = draft.control_inputs,
                         .bodies = std::move(draft.bodies),
                         .device = draft.def->device()};
  Node* node = nullptr;
  if (expansion != nullptr) {
    absl::StatusOr<Node*> expanded = Expand(*expansion, frame, draft);
    if (expanded.ok()) {
      node = *expanded;
    } else if (absl::IsUnimplemented(expanded.status()) &&
               graph.status().ok()) {
      // Perhaps nobody runs it.
      CountAsUnknown(std::string(expanded.status().message()), draft);
    } else {
      return expanded.status();
    }
  }
  if (node == nullptr && draft.schema == nullptr) {
    WEFT_ASSIGN_OR_RETURN(const std::vector<DataType> types,
                          UnknownOutputs(frame, draft));
    node = graph.AddUnknown(draft.op, inputs, std::move(draft.attrs), types,
                            std::move(options));
  } else if (node == nullptr) {
    node =
        graph.Add(draft.op, inputs, std::move(draft.attrs), std::move(options));
  }
  WEFT_RETURN_IF_ERROR(graph.status());
  context.outputs_left -= node->num_outputs();
  if (context.outputs_left < 0) {
    return ResourceExhausted(
        DescribeNode(*draft.def), ": the nodes have more than ",
        context.options.max_outputs, " outputs (ImportOptions.max_outputs)");
  }
  frame.nodes[draft.number] = node;
  if (!draft.results.empty())
    frame.results[draft.number] = std::move(draft.results);
  ++frame.next;
  return absl::OkStatus();
}

}  // namespace weft
