#include "graph/op.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "graph/graph.h"

namespace weft {
namespace {

// "values: N*T", "x: int32", "args: Tin[]": see the top of op.h.
ArgSpec ParseArg(absl::string_view text) {
  ArgSpec arg;
  const size_t colon = text.find(':');
  WEFT_CHECK(colon != absl::string_view::npos);
  arg.name = std::string(absl::StripAsciiWhitespace(text.substr(0, colon)));
  absl::string_view type = absl::StripAsciiWhitespace(text.substr(colon + 1));
  if (absl::ConsumeSuffix(&type, "[]")) {
    arg.type_list_attr = std::string(type);
    return arg;
  }
  if (const size_t star = type.find('*'); star != absl::string_view::npos) {
    arg.number_attr = std::string(type.substr(0, star));
    type = type.substr(star + 1);
  }
  if (std::optional<DataType> fixed = DataTypeFromName(type)) {
    arg.type = *fixed;
  } else {
    arg.type_attr = std::string(type);
  }
  return arg;
}

bool IsListKind(AttrKind kind) { return kind >= AttrKind::kInts; }

size_t ListSize(const AttrValue& value) {
  return std::visit(
      [](const auto& v) -> size_t {
        if constexpr (requires { v.begin(), v.size(); }) return v.size();
        return 0;
      },
      value.variant());
}

std::string Allowed(const std::vector<AttrValue>& values) {
  return absl::StrJoin(values, ", ", [](std::string* out, const AttrValue& v) {
    absl::StrAppend(out, v.ToString());
  });
}

bool Contains(const std::vector<AttrValue>& allowed, const AttrValue& value) {
  for (const AttrValue& a : allowed) {
    if (a == value) return true;
  }
  return false;
}

absl::Status CheckAllowed(const AttrSpec& spec, const AttrValue& value) {
  if (spec.allowed.empty()) return absl::OkStatus();
  bool ok = true;
  if (const auto* types = value.get_if<std::vector<DataType>>()) {
    for (DataType t : *types) ok = ok && Contains(spec.allowed, t);
  } else {
    ok = Contains(spec.allowed, value);
  }
  if (ok) return absl::OkStatus();
  return InvalidArgument("attr '", spec.name, "' is ", value.ToString(),
                         " but must be one of ", Allowed(spec.allowed));
}

absl::Status CheckMinimum(const AttrSpec& spec, const AttrValue& value) {
  if (!spec.minimum.has_value()) return absl::OkStatus();
  const int64_t* number = value.get_if<int64_t>();
  const int64_t given = number != nullptr ? *number : ListSize(value);
  if (given >= *spec.minimum) return absl::OkStatus();
  return InvalidArgument("attr '", spec.name, "' ",
                         number != nullptr ? "is " : "has a length of ", given,
                         " but must be at least ", *spec.minimum);
}

// An empty list has no kind of its own in a file: it takes the one wanted.
std::optional<AttrValue> EmptyListAs(AttrKind kind) {
  switch (kind) {
    case AttrKind::kInts:
      return AttrValue(std::vector<int64_t>{});
    case AttrKind::kFloats:
      return AttrValue(std::vector<float>{});
    case AttrKind::kBools:
      return AttrValue(std::vector<bool>{});
    case AttrKind::kStrings:
      return AttrValue(std::vector<std::string>{});
    case AttrKind::kTypes:
      return AttrValue(std::vector<DataType>{});
    case AttrKind::kShapes:
      return AttrValue(std::vector<TensorShape>{});
    case AttrKind::kTensors:
      return AttrValue(std::vector<Tensor>{});
    case AttrKind::kFunctions:
      return AttrValue(std::vector<FunctionName>{});
    default:
      return std::nullopt;
  }
}

// Walks the inputs and binds the attrs that follow from them.
class InputBinder {
 public:
  InputBinder(const OpSchema& op, absl::Span<const DataType> types,
              AttrMap* attrs)
      : op_(op), types_(types), attrs_(*attrs) {}

  absl::Status Bind() {
    for (size_t i = 0; i < op_.inputs().size(); ++i) {
      WEFT_RETURN_IF_ERROR(BindArg(op_.inputs()[i], i));
    }
    if (next_ != types_.size()) {
      return InvalidArgument("has ", types_.size(), " inputs but takes ",
                             next_);
    }
    return absl::OkStatus();
  }

 private:
  absl::Status BindArg(const ArgSpec& arg, size_t position) {
    const size_t rest = RequiredAfter(position);
    const size_t left = types_.size() - next_;
    size_t count = 1;
    if (!arg.number_attr.empty()) {
      WEFT_ASSIGN_OR_RETURN(count, Count(arg, left > rest ? left - rest : 0));
    } else if (!arg.type_list_attr.empty()) {
      return BindTypeList(arg, left > rest ? left - rest : 0);
    }
    if (count > left) {
      return InvalidArgument("has ", types_.size(), " inputs, but input '",
                             arg.name, "' needs ", count, " from position ",
                             next_, " on");
    }
    for (size_t k = 0; k < count; ++k) {
      WEFT_RETURN_IF_ERROR(BindType(arg, types_[next_ + k]));
    }
    next_ += count;
    return absl::OkStatus();
  }

  // Inputs that the args after `position` need at least.
  size_t RequiredAfter(size_t position) const {
    size_t n = 0;
    for (size_t i = position + 1; i < op_.inputs().size(); ++i) {
      const ArgSpec& arg = op_.inputs()[i];
      if (arg.number_attr.empty() && arg.type_list_attr.empty()) ++n;
    }
    return n;
  }

  absl::StatusOr<size_t> Count(const ArgSpec& arg, size_t available) {
    if (const AttrValue* given = attrs_.Find(arg.number_attr)) {
      const int64_t* n = given->get_if<int64_t>();
      if (n == nullptr || *n < 0 || *n > static_cast<int64_t>(types_.size())) {
        return InvalidArgument("attr '", arg.number_attr, "' is ",
                               given->ToString(), " but the node has ",
                               types_.size(), " inputs");
      }
      return static_cast<size_t>(*n);
    }
    attrs_.Set(arg.number_attr, static_cast<int64_t>(available));
    return available;
  }

  absl::Status BindTypeList(const ArgSpec& arg, size_t available) {
    std::vector<DataType> types;
    if (const AttrValue* given = attrs_.Find(arg.type_list_attr)) {
      const auto* list = given->get_if<std::vector<DataType>>();
      if (list == nullptr && ListSize(*given) > 0) {
        return InvalidArgument("attr '", arg.type_list_attr, "' is ",
                               given->ToString(), " but must be a list(type)");
      }
      if (list != nullptr) types = *list;
      if (types.size() > types_.size() - next_) {
        return InvalidArgument("attr '", arg.type_list_attr, "' has ",
                               types.size(), " types, but ",
                               types_.size() - next_, " inputs are left for '",
                               arg.name, "'");
      }
    } else {
      types.assign(types_.begin() + next_, types_.begin() + next_ + available);
      attrs_.Set(arg.type_list_attr, types);
    }
    for (size_t k = 0; k < types.size(); ++k) {
      const DataType given = types_[next_ + k];
      if (given != types[k]) {
        return InvalidArgument("input '", arg.name, "[", k, "]' is ",
                               DataTypeName(given), " but attr '",
                               arg.type_list_attr, "' says ",
                               DataTypeName(types[k]));
      }
    }
    next_ += types.size();
    return absl::OkStatus();
  }

  absl::Status BindType(const ArgSpec& arg, DataType given) {
    if (arg.type_attr.empty()) {
      if (given == arg.type) return absl::OkStatus();
      return InvalidArgument("input '", arg.name, "' is ", DataTypeName(given),
                             " but must be ", DataTypeName(arg.type));
    }
    const AttrValue* bound = attrs_.Find(arg.type_attr);
    if (bound == nullptr) {
      attrs_.Set(arg.type_attr, given);
      return absl::OkStatus();
    }
    const DataType* type = bound->get_if<DataType>();
    if (type != nullptr && *type == given) return absl::OkStatus();
    return InvalidArgument("input '", arg.name, "' is ", DataTypeName(given),
                           " but must be ", bound->ToString(), ", as attr '",
                           arg.type_attr, "' and the inputs before it say");
  }

  const OpSchema& op_;
  absl::Span<const DataType> types_;
  AttrMap& attrs_;
  size_t next_ = 0;
};

}  // namespace

OpSchema& OpSchema::Input(absl::string_view spec) {
  inputs_.push_back(ParseArg(spec));
  return *this;
}

OpSchema& OpSchema::Output(absl::string_view spec) {
  outputs_.push_back(ParseArg(spec));
  return *this;
}

OpSchema& OpSchema::Type(absl::string_view name, std::vector<DataType> allowed,
                         std::optional<DataType> default_value) {
  AttrSpec spec{.name = std::string(name), .kind = AttrKind::kType};
  for (DataType t : allowed) spec.allowed.emplace_back(t);
  if (default_value.has_value()) spec.default_value = AttrValue(*default_value);
  attrs_.push_back(std::move(spec));
  return *this;
}

OpSchema& OpSchema::TypeList(absl::string_view name, int64_t min_size) {
  attrs_.push_back({.name = std::string(name),
                    .kind = AttrKind::kTypes,
                    .minimum = min_size});
  return *this;
}

OpSchema& OpSchema::Number(absl::string_view name, int64_t minimum) {
  attrs_.push_back(
      {.name = std::string(name), .kind = AttrKind::kInt, .minimum = minimum});
  return *this;
}

OpSchema& OpSchema::Attr(absl::string_view name, AttrValue default_value,
                         std::vector<AttrValue> allowed) {
  const AttrKind kind = default_value.kind();
  attrs_.push_back({.name = std::string(name),
                    .kind = kind,
                    .default_value = std::move(default_value),
                    .allowed = std::move(allowed)});
  return *this;
}

OpSchema& OpSchema::RequiredAttr(absl::string_view name, AttrKind kind,
                                 std::vector<AttrValue> allowed) {
  attrs_.push_back(
      {.name = std::string(name), .kind = kind, .allowed = std::move(allowed)});
  return *this;
}

OpSchema& OpSchema::Infer(InferFn fn) {
  infer_ = std::move(fn);
  return *this;
}

OpSchema& OpSchema::Gradient(GradientFn fn) {
  gradient_ = std::move(fn);
  return *this;
}

OpSchema& OpSchema::NotDifferentiable() {
  not_differentiable_ = true;
  return *this;
}

OpSchema& OpSchema::NoKernel(absl::string_view reason) {
  no_kernel_reason_ = std::string(reason);
  return *this;
}

OpSchema& OpSchema::Role(OpRole role) {
  traits_.role = role;
  return *this;
}

OpSchema& OpSchema::Stateful() {
  traits_.stateful = true;
  return *this;
}

OpSchema& OpSchema::Commutative() {
  traits_.commutative = true;
  return *this;
}

OpSchema& OpSchema::RandomStream() {
  traits_.random_stream = true;
  return Stateful();
}

OpSchema& OpSchema::Asserts() {
  traits_.asserts = true;
  return Stateful();
}

OpSchema& OpSchema::Pointwise(absl::string_view micro_op) {
  traits_.pointwise = PointwiseTrait{std::string(micro_op)};
  return *this;
}

OpSchema& OpSchema::Form(OpForm form) {
  traits_.form = form;
  return *this;
}

OpSchema& OpSchema::ReadsVariable(int input) {
  traits_.variables.push_back({input, VariableAccess::kRead});
  return *this;
}

OpSchema& OpSchema::WritesVariable(int input) {
  traits_.variables.push_back({input, VariableAccess::kWrite});
  return Stateful();
}

OpSchema& OpSchema::FallibleWrite() {
  traits_.fallible_write = true;
  return *this;
}

OpSchema& OpSchema::UpdatesVariable(int input) {
  traits_.variables.push_back({input, VariableAccess::kUpdate});
  return Stateful();
}

const AttrSpec* OpSchema::FindAttr(absl::string_view name) const {
  for (const AttrSpec& spec : attrs_) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

absl::Status OpSchema::CheckAttrs(const AttrMap& attrs) const {
  for (const auto& [name, value] : attrs) {
    if (!name.empty() && name[0] == '_') continue;  // Free for all.
    if (FindAttr(name) == nullptr) {
      return InvalidArgument(
          "attr '", Printable(name), "' is not one of ", name_, "'s: ",
          absl::StrJoin(attrs_, ", ", [](std::string* out, const AttrSpec& a) {
            absl::StrAppend(out, a.name);
          }));
    }
  }
  for (const AttrSpec& spec : attrs_) {
    const AttrValue* value = attrs.Find(spec.name);
    if (value == nullptr) {
      return InvalidArgument("attr '", spec.name, "' (",
                             AttrKindName(spec.kind), ") is missing");
    }
    if (value->kind() != spec.kind) {
      return InvalidArgument("attr '", spec.name, "' is ", value->ToString(),
                             " (", AttrKindName(value->kind()),
                             ") but must be a ", AttrKindName(spec.kind));
    }
    WEFT_RETURN_IF_ERROR(CheckAllowed(spec, *value));
    WEFT_RETURN_IF_ERROR(CheckMinimum(spec, *value));
  }
  return absl::OkStatus();
}

absl::Status OpSchema::Complete(absl::Span<const DataType> input_types,
                                AttrMap* attrs,
                                std::vector<DataType>* output_types) const {
  for (const AttrSpec& spec : attrs_) {
    const AttrValue* value = attrs->Find(spec.name);
    if (value != nullptr && value->kind() != spec.kind &&
        IsListKind(spec.kind) && IsListKind(value->kind()) &&
        ListSize(*value) == 0) {
      attrs->Set(spec.name, *EmptyListAs(spec.kind));
    }
  }
  WEFT_RETURN_IF_ERROR(InputBinder(*this, input_types, attrs).Bind());
  for (const AttrSpec& spec : attrs_) {
    if (spec.default_value.has_value() && attrs->Find(spec.name) == nullptr) {
      attrs->Set(spec.name, *spec.default_value);
    }
  }
  WEFT_RETURN_IF_ERROR(CheckAttrs(*attrs));

  constexpr int64_t kMaxOutputs = 1 << 20;
  output_types->clear();
  for (const ArgSpec& arg : outputs_) {
    if (!arg.type_list_attr.empty()) {
      const auto& types = attrs->Get<std::vector<DataType>>(arg.type_list_attr);
      output_types->insert(output_types->end(), types.begin(), types.end());
      continue;
    }
    const int64_t count =
        arg.number_attr.empty() ? 1 : attrs->Get<int64_t>(arg.number_attr);
    if (count > kMaxOutputs) {
      return InvalidArgument("attr '", arg.number_attr, "' is ", count,
                             " but a node has at most ", kMaxOutputs,
                             " outputs");
    }
    const DataType type =
        arg.type_attr.empty() ? arg.type : attrs->Get<DataType>(arg.type_attr);
    output_types->insert(output_types->end(), count, type);
  }
  return absl::OkStatus();
}

OpRegistry& OpRegistry::Global() {
  static OpRegistry& registry = *new OpRegistry;
  return registry;
}

OpSchema& OpRegistry::Add(std::string name) {
  auto [it, inserted] = schemas_.emplace(name, nullptr);
  WEFT_CHECK(inserted);
  it->second = std::make_unique<OpSchema>(std::move(name));
  return *it->second;
}

const OpSchema* OpRegistry::Find(absl::string_view name) const {
  const auto it = schemas_.find(name);
  return it == schemas_.end() ? nullptr : it->second.get();
}

std::vector<const OpSchema*> OpRegistry::All() const {
  std::vector<const OpSchema*> all;
  for (const auto& [name, schema] : schemas_) all.push_back(schema.get());
  return all;
}

int GradContext::num_inputs() const { return node_->num_inputs(); }
Output GradContext::in(int i) const { return node_->input(i); }
Output GradContext::out(int i) const { return node_->output(i); }

Output GradContext::dy(int i) const {
  if (dys_[i].valid()) return dys_[i];
  return Output(
      node_->graph().Add("ZerosLike", {Operand(out(i), node_->location())}));
}

}  // namespace weft
