#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/import_frame.h"
#include "graph/op.h"
#include "graph/unknown_op.h"
#include "proto/graph.pb.h"

namespace weft {
namespace {

// Of one node. Fewer by name, which takes a search for each use.
constexpr size_t kMaxOutputs = 1 << 16;
constexpr size_t kMaxNamedOutputs = 256;

void FindUses(ImportFrame& frame) {
  frame.uses.resize(frame.list->size());
  for (int i = 0; i < frame.list->size(); ++i) {
    const absl::Span<const InputRef> inputs = frame.list->inputs(i);
    for (size_t k = 0; k < inputs.size(); ++k) {
      if (inputs[k].node < 0) continue;
      frame.uses[inputs[k].node].push_back({i, static_cast<int>(k)});
    }
  }
}

// An attr that says how many inputs of which types a node takes. Looked at
// where it stands: it may be long, and each use of the node comes here.
class TypeAttr {
 public:
  TypeAttr(const ImportFrame& frame, const proto::NodeDef& node,
           const OpSchema& schema, const std::string& name) {
    const auto it = node.attr().find(name);
    if (it == node.attr().end()) {
      const AttrSpec* spec = schema.FindAttr(name);
      if (spec != nullptr && spec->default_value.has_value())
        value_ = &*spec->default_value;
    } else if (it->second.value_case() != proto::AttrValue::kPlaceholder) {
      proto_ = &it->second;
    } else {
      value_ = frame.attrs.Find(it->second.placeholder());
    }
  }

  int64_t number() const {
    if (proto_ != nullptr) return proto_->i();
    const int64_t* number =
        value_ != nullptr ? value_->get_if<int64_t>() : nullptr;
    return number != nullptr ? *number : 0;
  }
  DataType type() const {
    if (proto_ != nullptr) return FromProto(proto_->type());
    const DataType* type =
        value_ != nullptr ? value_->get_if<DataType>() : nullptr;
    return type != nullptr ? *type : DataType::kInvalid;
  }
  int64_t list_size() const {
    if (proto_ != nullptr) return proto_->list().type_size();
    return list() != nullptr ? static_cast<int64_t>(list()->size()) : 0;
  }
  DataType list_type(int64_t i) const {
    if (proto_ != nullptr)
      return FromProto(proto_->list().type(static_cast<int>(i)));
    return (*list())[i];
  }

 private:
  static DataType FromProto(int number) {
    return DataTypeFromNumber(number).value_or(DataType::kInvalid);
  }
  const std::vector<DataType>* list() const {
    return value_ != nullptr ? value_->get_if<std::vector<DataType>>()
                             : nullptr;
  }

  const proto::AttrValue* proto_ = nullptr;
  const AttrValue* value_ = nullptr;
};

// What the `input`-th input of `node` must be, kInvalid if that is not known.
DataType ExpectedType(const ImportFrame& frame, const proto::NodeDef& node,
                      int64_t input) {
  const OpSchema* schema = OpRegistry::Global().Find(node.op());
  if (schema == nullptr) return DataType::kInvalid;
  for (const ArgSpec& arg : schema->inputs()) {
    int64_t count = 1;
    if (!arg.type_list_attr.empty()) {
      const TypeAttr types(frame, node, *schema, arg.type_list_attr);
      count = types.list_size();
      if (input < count) return types.list_type(input);
    } else if (!arg.number_attr.empty()) {
      count = std::max<int64_t>(
          TypeAttr(frame, node, *schema, arg.number_attr).number(), 0);
    }
    if (input < count) {
      if (arg.type_attr.empty()) return arg.type;
      return TypeAttr(frame, node, *schema, arg.type_attr).type();
    }
    input -= count;
  }
  return DataType::kInvalid;
}

// The outputs that are used, by index in a graph, by name in a function.
class UsedOutputs {
 public:
  explicit UsedOutputs(bool in_function) : in_function_(in_function) {}

  absl::Status Add(const InputRef& ref, DataType type) {
    size_t index = ref.index;
    if (in_function_) {
      std::string name = absl::StrCat(ref.output, ":", ref.index);
      index = std::find(names_.begin(), names_.end(), name) - names_.begin();
      if (index == names_.size()) names_.push_back(std::move(name));
    }
    const size_t limit = in_function_ ? kMaxNamedOutputs : kMaxOutputs;
    if (index >= limit) {
      return InvalidArgument("output ", index,
                             " is used, but a node of an unknown op has at "
                             "most ",
                             limit);
    }
    if (index >= types_.size()) types_.resize(index + 1, DataType::kInvalid);
    if (types_[index] == DataType::kInvalid) types_[index] = type;
    return absl::OkStatus();
  }

  const std::vector<std::string>& names() const { return names_; }
  const std::vector<DataType>& types() const { return types_; }

 private:
  const bool in_function_;
  std::vector<std::string> names_;
  std::vector<DataType> types_;
};

// Results of the function that come from the node.
absl::Status AddResults(const ImportFrame& frame, int node, UsedOutputs* used) {
  const proto::OpDef& signature = frame.function->signature();
  for (int i = 0; i < signature.output_arg_size(); ++i) {
    const auto ret = frame.function->ret().find(signature.output_arg(i).name());
    if (ret == frame.function->ret().end())
      continue;  // An error when it is looked up.
    const absl::StatusOr<InputRef> ref = frame.list->Resolve(ret->second);
    if (!ref.ok() || ref->node != node) continue;
    const absl::StatusOr<std::vector<DataType>> types =
        ArgTypes(*frame.function, /*is_input=*/false, i, frame.attrs);
    InputRef each = *ref;
    for (size_t k = 0; types.ok() && k < types->size(); ++k, ++each.index) {
      WEFT_RETURN_IF_ERROR(used->Add(each, (*types)[k]));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<DataType>> UnknownOutputs(ImportFrame& frame,
                                                     NodeDraft& draft) {
  if (frame.uses.empty()) FindUses(frame);
  UsedOutputs used(frame.function != nullptr);
  absl::Status status;
  for (const ImportFrame::Use& use : frame.uses[draft.number]) {
    const DataType type =
        ExpectedType(frame, frame.list->node(use.node), use.input);
    status.Update(used.Add(frame.list->inputs(use.node)[use.input], type));
  }
  if (frame.function != nullptr)
    status.Update(AddResults(frame, draft.number, &used));
  if (!status.ok()) return Annotate(status, DescribeNode(*draft.def));
  if (frame.function != nullptr)
    draft.attrs.Set(kOutputNamesAttr, used.names());
  return used.types();
}

}  // namespace weft
