#include <optional>

#include "absl/strings/str_cat.h"
#include "graph/op.h"
#include "graph/v1_control_flow_graph.h"

namespace weft {
namespace {

constexpr int kFirstReference = 100;

int Stripped(int type) {
  return type > kFirstReference ? type - kFirstReference : type;
}

// An attr of a node, or its default.
struct Attr {
  Attr(const proto::NodeDef& node, const OpSchema& schema,
       const std::string& name) {
    const auto it = node.attr().find(name);
    if (it != node.attr().end()) {
      given = &it->second;
    } else if (const AttrSpec* spec = schema.FindAttr(name)) {
      if (spec->default_value.has_value()) fallback = &*spec->default_value;
    }
  }
  const proto::AttrValue* given = nullptr;
  const AttrValue* fallback = nullptr;

  int64_t number() const {
    if (given != nullptr) return given->i();
    const int64_t* value =
        fallback != nullptr ? fallback->get_if<int64_t>() : nullptr;
    return value != nullptr ? *value : 0;
  }
  int type() const {
    if (given != nullptr) return Stripped(given->type());
    const DataType* value =
        fallback != nullptr ? fallback->get_if<DataType>() : nullptr;
    return value != nullptr ? static_cast<int>(*value) : 0;
  }
};

// The type of the `index`-th of the values that `args` stand for.
int ArgType(const proto::NodeDef& node, const OpSchema& schema,
            const std::vector<ArgSpec>& args, int64_t index) {
  for (const ArgSpec& arg : args) {
    int64_t count = 1;
    if (!arg.type_list_attr.empty()) {
      const Attr types(node, schema, arg.type_list_attr);
      count = types.given != nullptr ? types.given->list().type_size() : 0;
      if (index < count)
        return Stripped(types.given->list().type(static_cast<int>(index)));
    } else if (!arg.number_attr.empty()) {
      count =
          std::max<int64_t>(Attr(node, schema, arg.number_attr).number(), 0);
    }
    if (index < count) {
      return arg.type_attr.empty() ? static_cast<int>(arg.type)
                                   : Attr(node, schema, arg.type_attr).type();
    }
    index -= count;
  }
  return 0;
}

}  // namespace

int TypeAttr(const proto::NodeDef& node, const std::string& name) {
  const auto it = node.attr().find(name);
  return it == node.attr().end() ? 0 : Stripped(it->second.type());
}

int OutputType(const proto::NodeDef& node, int index) {
  switch (V1OpOf(node.op())) {
    case V1Op::kLoopCond:
      return proto::DT_BOOL;
    case V1Op::kMerge:
      return index == 1 ? static_cast<int>(proto::DT_INT32)
                        : TypeAttr(node, "T");
    case V1Op::kNone:
      break;
    default:
      return TypeAttr(node, "T");
  }
  const OpSchema* schema = OpRegistry::Global().Find(node.op());
  return schema == nullptr ? 0
                           : ArgType(node, *schema, schema->outputs(), index);
}

int InputType(const proto::NodeDef& node, int index) {
  switch (V1OpOf(node.op())) {
    case V1Op::kLoopCond:
      return proto::DT_BOOL;
    case V1Op::kSwitch:
      return index == 1 ? static_cast<int>(proto::DT_BOOL)
                        : TypeAttr(node, "T");
    case V1Op::kNone:
      break;
    default:
      return TypeAttr(node, "T");
  }
  const OpSchema* schema = OpRegistry::Global().Find(node.op());
  return schema == nullptr ? 0
                           : ArgType(node, *schema, schema->inputs(), index);
}

int TypeOf(const V1Graph& graph, V1Value value) {
  if (value.node == V1Value::kArg) return graph.arg_types[value.index];
  return OutputType(*graph.nodes[value.node].def, value.index);
}

bool IsStateful(const proto::NodeDef& node) {
  if (V1OpOf(node.op()) != V1Op::kNone) return false;
  const OpSchema* schema = OpRegistry::Global().Find(node.op());
  return schema == nullptr || schema->traits().stateful;
}

std::string TypeName(int type) {
  const std::optional<DataType> known = DataTypeFromNumber(type);
  return known.has_value() ? std::string(DataTypeName(*known))
                           : absl::StrCat("type ", type);
}

}  // namespace weft
