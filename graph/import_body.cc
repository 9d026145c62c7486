#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/attr_proto.h"
#include "graph/import_frame.h"
#include "graph/op.h"
#include "proto/graph.pb.h"

namespace weft {
namespace {

constexpr int64_t kMaxArgs = 1 << 16;  // Of one list of arguments.

const AttrMap& NoAttrs() {
  static const AttrMap& none = *new AttrMap;
  return none;
}

// Files say that these are scalars; in memory their shapes tell more.
bool IsObject(DataType type) {
  return type == DataType::kResource || type == DataType::kVariant;
}

// The shapes that the arguments have in every iteration or call: those of the
// inputs and, for a loop, what it says itself.
absl::Status FindArgShapes(NodeDraft& draft) {
  for (const Output& arg : draft.args())
    draft.arg_shapes.push_back(arg.shape());
  const AttrValue* attr = draft.attrs.Find("output_shapes");
  if (draft.role() != OpRole::kWhile || attr == nullptr)
    return absl::OkStatus();
  const auto* shapes = attr->get_if<std::vector<TensorShape>>();
  if (shapes == nullptr || shapes->empty()) return absl::OkStatus();
  if (shapes->size() != draft.arg_shapes.size()) {
    return InvalidArgument("attr 'output_shapes' has ", shapes->size(),
                           " shapes, but there are ", draft.arg_shapes.size(),
                           " inputs");
  }
  for (size_t i = 0; i < shapes->size(); ++i) {
    if (IsObject(draft.args()[i].dtype())) continue;
    draft.arg_shapes[i] = draft.arg_shapes[i].Union((*shapes)[i]);
  }
  return absl::OkStatus();
}

AttrMap FunctionAttrs(const proto::FunctionDef& function,
                      const FunctionName& name, ImportContext& context,
                      absl::Status* status) {
  AttrMap attrs = name.attrs != nullptr ? *name.attrs : NoAttrs();
  const AttrReader reader(&context.budget, nullptr);
  for (const proto::OpDef::AttrDef& attr : function.signature().attr()) {
    if (!attr.has_default_value() || attrs.Find(attr.name()) != nullptr)
      continue;
    absl::StatusOr<AttrValue> value = reader.Read(attr.default_value());
    if (!value.ok()) {
      status->Update(Annotate(
          value.status(), absl::StrCat("attr '", Printable(attr.name()), "'")));
      break;
    }
    attrs.Set(attr.name(), *std::move(value));
  }
  return attrs;
}

// Makes the arguments of a body for what `draft` gives it.
absl::Status AddArgs(const NodeDraft& draft, ImportFrame& frame) {
  const absl::Span<const Output> given = draft.args();
  const auto& args = frame.function->signature().input_arg();
  frame.args.resize(args.size());
  size_t next = 0;
  for (int i = 0; i < args.size(); ++i) {
    WEFT_ASSIGN_OR_RETURN(
        const std::vector<DataType> types,
        ArgTypes(*frame.function, /*is_input=*/true, i, frame.attrs));
    for (size_t k = 0; k < types.size(); ++k, ++next) {
      if (next >= given.size()) {
        return InvalidArgument("is given ", given.size(),
                               " arguments but takes more");
      }
      if (given[next].dtype() != types[k]) {
        return InvalidArgument("argument '", args[i].name(), "' is ",
                               DataTypeName(types[k]), " but is given ",
                               given[next].name(), ", which is ",
                               DataTypeName(given[next].dtype()));
      }
      const std::string name = types.size() == 1
                                   ? args[i].name()
                                   : absl::StrCat(args[i].name(), "_", k);
      frame.args[i].push_back(
          frame.graph->AddArg(types[k], draft.arg_shapes[next], name));
    }
  }
  WEFT_RETURN_IF_ERROR(frame.graph->status());
  if (next == given.size()) return absl::OkStatus();
  return InvalidArgument("is given ", given.size(), " arguments but takes ",
                         next);
}

absl::StatusOr<Outputs> FindResults(const ImportFrame& frame) {
  Outputs results;
  const proto::OpDef& signature = frame.function->signature();
  for (int i = 0; i < signature.output_arg_size(); ++i) {
    const std::string& name = signature.output_arg(i).name();
    auto failed = [&](const absl::Status& error) {
      return Annotate(error, absl::StrCat("result '", Printable(name), "'"));
    };
    const auto ret = frame.function->ret().find(name);
    if (ret == frame.function->ret().end())
      return failed(InvalidArgument("is not in 'ret'"));
    absl::StatusOr<InputRef> ref = frame.list->Resolve(ret->second);
    if (!ref.ok()) return failed(ref.status());
    const absl::StatusOr<std::vector<DataType>> types =
        ArgTypes(*frame.function, /*is_input=*/false, i, frame.attrs);
    if (!types.ok()) return failed(types.status());
    for (DataType type : *types) {
      const absl::StatusOr<Output> result = ResolveRef(frame, *ref);
      if (!result.ok()) return failed(result.status());
      if (result->dtype() != type) {
        return failed(InvalidArgument("is ", DataTypeName(type), " but ",
                                      result->name(), " is ",
                                      DataTypeName(result->dtype())));
      }
      results.push_back(*result);
      ++ref->index;
    }
  }
  for (const auto& [name, node] : frame.function->control_ret()) {
    if (frame.list->Find(node) < 0) {
      return InvalidArgument("control result '", Printable(name),
                             "': there is no node '", Printable(node), "'");
    }
  }
  return results;
}

// Checks what a body gives against what the node has.
absl::Status CheckResults(const NodeDraft& draft, int which,
                          const Outputs& results) {
  std::vector<DataType> wanted;
  if (draft.role() == OpRole::kWhile) {
    if (which == 0) {
      wanted = {DataType::kBool};
    } else {
      for (const Output& arg : draft.args()) wanted.push_back(arg.dtype());
    }
  } else if (const AttrValue* tout = draft.attrs.Find("Tout")) {
    const auto* types = tout->get_if<std::vector<DataType>>();
    if (types == nullptr) return absl::OkStatus();  // Seen by the schema.
    wanted = *types;
  } else {
    return absl::OkStatus();
  }
  if (results.size() != wanted.size()) {
    return InvalidArgument("has ", results.size(), " results but must have ",
                           wanted.size());
  }
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].dtype() == wanted[i]) continue;
    return InvalidArgument("result ", i, ", ", results[i].name(), ", is ",
                           DataTypeName(results[i].dtype()), " but must be ",
                           DataTypeName(wanted[i]));
  }
  return absl::OkStatus();
}

// What a loop says of its shapes is no longer true if they were widened.
void UpdateOutputShapes(NodeDraft& draft) {
  const AttrValue* attr = draft.attrs.Find("output_shapes");
  const auto* shapes =
      attr ? attr->get_if<std::vector<TensorShape>>() : nullptr;
  if (shapes == nullptr || shapes->empty()) return;
  std::vector<TensorShape> updated = *shapes;
  for (size_t i = 0; i < updated.size(); ++i) {
    if (!IsObject(draft.args()[i].dtype())) updated[i] = draft.arg_shapes[i];
  }
  draft.attrs.Set("output_shapes", std::move(updated));
}

// Makes the shapes of a loop's variables hold after an iteration, too. True if
// they had to change. Ends: the third time nothing is assumed any more.
bool WidenArgShapes(NodeDraft& draft, const Outputs& results) {
  bool changed = false;
  for (size_t i = 0; i < results.size(); ++i) {
    if (IsObject(results[i].dtype())) continue;
    TensorShape& shape = draft.arg_shapes[i];
    const TensorShape both = shape.Union(results[i].shape());
    if (both == shape) continue;
    shape = draft.times_widened == 0 ? both : TensorShape::UnknownRank();
    changed = true;
  }
  if (changed && draft.times_widened++ == 2) {
    for (size_t i = 0; i < results.size(); ++i) {
      if (IsObject(results[i].dtype())) continue;
      draft.arg_shapes[i] = TensorShape::UnknownRank();
    }
  }
  return changed;
}

// Gives a node whose op is the function's name what it needs to know of it.
absl::Status DescribeResults(const ImportFrame& filled, NodeDraft& draft) {
  std::vector<DataType> all;
  const proto::OpDef& signature = filled.function->signature();
  for (int i = 0; i < signature.output_arg_size(); ++i) {
    WEFT_ASSIGN_OR_RETURN(
        const std::vector<DataType> types,
        ArgTypes(*filled.function, /*is_input=*/false, i, filled.attrs));
    all.insert(all.end(), types.begin(), types.end());
    draft.results.emplace_back(signature.output_arg(i).name(), types.size());
  }
  draft.attrs.Set("Tout", std::move(all));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<DataType>> ArgTypes(
    const proto::FunctionDef& function, bool is_input, int i,
    const AttrMap& attrs) {
  const proto::OpDef& signature = function.signature();
  const proto::OpDef::ArgDef& arg =
      is_input ? signature.input_arg(i) : signature.output_arg(i);
  auto find = [&](const std::string& name) { return attrs.Find(name); };
  auto missing = [&](const std::string& name, const char* kind) {
    return InvalidArgument("'", Printable(arg.name()), "' needs the attr '",
                           Printable(name), "' (", kind,
                           "), which the call does not give");
  };
  if (arg.is_ref())
    return InvalidArgument("'", Printable(arg.name()), "' is a reference");
  if (!arg.type_list_attr().empty()) {
    const AttrValue* value = find(arg.type_list_attr());
    const auto* types =
        value ? value->get_if<std::vector<DataType>>() : nullptr;
    if (types == nullptr) return missing(arg.type_list_attr(), "list(type)");
    return *types;
  }
  int64_t count = 1;
  if (!arg.number_attr().empty()) {
    const AttrValue* value = find(arg.number_attr());
    const int64_t* number = value ? value->get_if<int64_t>() : nullptr;
    if (number == nullptr) return missing(arg.number_attr(), "int");
    if (*number < 0 || *number > kMaxArgs) {
      return InvalidArgument("attr '", Printable(arg.number_attr()), "' is ",
                             *number, " but must be 0 to ", kMaxArgs);
    }
    count = *number;
  }
  if (!arg.type_attr().empty()) {
    const AttrValue* value = find(arg.type_attr());
    const DataType* type = value ? value->get_if<DataType>() : nullptr;
    if (type == nullptr) return missing(arg.type_attr(), "type");
    return std::vector<DataType>(count, *type);
  }
  const absl::StatusOr<DataType> type = DataTypeFromProto(arg.type());
  if (!type.ok()) {
    return Annotate(type.status(),
                    absl::StrCat("'", Printable(arg.name()), "'"));
  }
  return std::vector<DataType>(count, *type);
}

absl::Status PrepareBodies(ImportContext& context, NodeDraft& draft) {
  const absl::Span<const char* const> names = BodyAttrs(draft.role());
  if (names.empty()) return absl::OkStatus();
  for (const char* name : names) {
    const AttrValue* value = draft.attrs.Find(name);
    const FunctionName* function =
        value ? value->get_if<FunctionName>() : nullptr;
    if (function == nullptr) {
      return InvalidArgument(
          "attr '", name, "' must be a function",
          value ? absl::StrCat(" but is ", value->ToString()) : "");
    }
    const auto found = context.library.Get(function->name);
    if (!found.ok())
      return Annotate(found.status(), absl::StrCat("attr '", name, "'"));
    draft.functions.push_back(*function);
    // The body has what the function's attrs say.
    draft.attrs.Set(name, FunctionName{function->name, nullptr});
  }
  draft.bodies.resize(draft.functions.size());
  return FindArgShapes(draft);
}

int NextBody(const NodeDraft& draft) {
  // The body of a loop before its condition: only that may change the shapes.
  for (int i = static_cast<int>(draft.bodies.size()) - 1; i >= 0; --i) {
    if (draft.bodies[i] == nullptr) return i;
  }
  return -1;
}

absl::StatusOr<std::unique_ptr<ImportFrame>> BeginBody(ImportContext& context,
                                                       ImportFrame& outer,
                                                       int which) {
  const NodeDraft& draft = *outer.draft;
  const FunctionName& name = draft.functions[which];
  auto frame = std::make_unique<ImportFrame>();
  auto begin = [&]() -> absl::Status {
    WEFT_ASSIGN_OR_RETURN(frame->function, context.library.Get(name.name));
    WEFT_ASSIGN_OR_RETURN(frame->list, context.library.Nodes(*frame->function));
    frame->nodes.resize(frame->list->size());
    frame->body = Graph::MakeBody(*outer.graph);
    frame->graph = frame->body.get();
    WEFT_RETURN_IF_ERROR(outer.graph->status());
    absl::Status status;
    frame->attrs = FunctionAttrs(*frame->function, name, context, &status);
    WEFT_RETURN_IF_ERROR(status);
    return AddArgs(draft, *frame);
  };
  const absl::Status status = begin();
  if (status.ok()) return frame;
  return Annotate(status, absl::StrCat(DescribeNode(*draft.def), ": function '",
                                       Printable(name.name), "'"));
}

absl::Status EndBody(ImportContext& context, ImportFrame& outer,
                     ImportFrame& filled) {
  NodeDraft& draft = *outer.draft;
  const int which = NextBody(draft);
  WEFT_ASSIGN_OR_RETURN(Outputs results, FindResults(filled));
  WEFT_RETURN_IF_ERROR(CheckResults(draft, which, results));
  if (draft.role() == OpRole::kWhile && which == 1 &&
      WidenArgShapes(draft, results)) {
    context.outputs_left -= filled.graph->num_nodes();  // Not for nothing.
    if (context.outputs_left >= 0) return absl::OkStatus();
    return ResourceExhausted(
        "loops within loops whose variables change their shapes take more "
        "than ",
        context.options.max_outputs, " nodes");
  }
  if (draft.op != draft.def->op())
    WEFT_RETURN_IF_ERROR(DescribeResults(filled, draft));
  if (draft.role() == OpRole::kWhile) UpdateOutputShapes(draft);
  filled.graph->SetResults(std::move(results));
  draft.bodies[which] = std::move(filled.body);
  return absl::OkStatus();
}

}  // namespace weft
