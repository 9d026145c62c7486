#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/tensor_array.h"

namespace weft {
namespace {

constexpr int kInt32 = proto::DT_INT32;
constexpr int kInt64 = proto::DT_INT64;
constexpr int kVariant = proto::DT_VARIANT;

V1Value Arg(int i) { return {V1Value::kArg, i}; }

// vector[i], or row i of a tensor.
V1Value Row(V1Builder& b, absl::string_view name, V1Value from, int type,
            V1Value i) {
  const V1Value axis = b.Ints("axis", {0}, /*is_vector=*/false, kInt32);
  const V1Value row = b.Add(name, "GatherV2", {from, i, axis});
  b.Type("Tparams", type).Type("Tindices", kInt32).Type("Taxis", kInt32);
  return row;
}

V1Value Sum(V1Builder& b, absl::string_view name, V1Value x, V1Value y,
            int type) {
  const V1Value sum = b.Add(name, "AddV2", {x, y});
  b.Type("T", type);
  return sum;
}

V1Value AsVector(V1Builder& b, absl::string_view name, V1Value x) {
  const V1Value axis = b.Ints("axis", {0}, /*is_vector=*/false, kInt32);
  const V1Value vector = b.Add(name, "ExpandDims", {x, axis});
  b.Type("T", kInt64).Type("Tdim", kInt32);
  return vector;
}

// for (i = 0; i < number; ++i), where `initial` are the variables behind i and
// `number`. `body` gives their next values, from those of i and of them.
template <typename Body>
V1Value ForEach(V1Builder& b, const std::string& name, V1Value number,
                int anchor, const std::vector<V1Value>& initial,
                const std::vector<int>& types, Body body) {
  const V1Value zero = b.Ints(absl::StrCat(name, "/i"), {0},
                              /*is_vector=*/false, kInt32, anchor);
  std::vector<V1Value> inputs = {zero, number};
  inputs.insert(inputs.end(), initial.begin(), initial.end());
  std::vector<int> all_types = {kInt32, kInt32};
  all_types.insert(all_types.end(), types.begin(), types.end());

  const std::string where = absl::StrCat("loop '", name, "'");
  V1Graph* cond = b.module().AddGraph(absl::StrCat(name, "_cond"), where);
  V1Builder cond_builder(b.module(), *cond);
  cond->results = {cond_builder.Add("less", "Less", {Arg(0), Arg(1)})};
  cond_builder.Type("T", kInt32);
  cond->result_types = {proto::DT_BOOL};
  cond->arg_types = all_types;

  V1Graph* function = b.module().AddGraph(absl::StrCat(name, "_body"), where);
  V1Builder inner(b.module(), *function);
  const V1Value one = inner.Ints("one", {1}, /*is_vector=*/false, kInt32);
  const V1Value next = Sum(inner, "next", Arg(0), one, kInt32);
  function->results = body(inner);
  function->results.insert(function->results.begin(), {next, Arg(1)});
  function->arg_types = function->result_types = all_types;

  const V1Value loop =
      b.Add(absl::StrCat(name, "/while"), "StatelessWhile", std::move(inputs));
  for (int type : all_types) {
    b.Attr("T").mutable_list()->add_type(static_cast<proto::DataType>(type));
  }
  b.Attr("cond").mutable_func()->set_name(cond->name);
  b.Attr("body").mutable_func()->set_name(function->name);
  return loop;
}

V1Value SizeOf(V1Builder& b, const std::string& name, V1Value x, int type) {
  const V1Value size = b.Add(absl::StrCat(name, "/size"), "Size", {x});
  b.Type("T", type).Type("out_type", kInt32);
  return size;
}

}  // namespace

V1Value V1Builder::Add(absl::string_view name, absl::string_view op,
                       std::vector<V1Value> inputs) {
  last_ = module_.NewDef(module_.UniqueName(name), op);
  graph_.nodes.push_back({.def = last_, .inputs = std::move(inputs)});
  return {static_cast<int>(graph_.nodes.size()) - 1, 0};
}

V1Builder& V1Builder::Type(const std::string& attr, int type) {
  Attr(attr).set_type(static_cast<proto::DataType>(type));
  return *this;
}

proto::AttrValue& V1Builder::Attr(const std::string& attr) {
  return (*last_->mutable_attr())[attr];
}

V1Value V1Builder::Ints(absl::string_view name,
                        const std::vector<int64_t>& values, bool is_vector,
                        int type, int anchor) {
  const V1Value result = Add(name, "Const", {});
  V1Node& node = graph_.nodes.back();
  node.anchored = true;
  if (anchor >= 0) node.controls = {anchor};
  Type("dtype", type);
  proto::TensorProto* tensor = Attr("value").mutable_tensor();
  tensor->set_dtype(static_cast<proto::DataType>(type));
  tensor->mutable_tensor_shape();
  if (is_vector) {
    tensor->mutable_tensor_shape()->add_dim()->set_size(
        static_cast<int64_t>(values.size()));
  }
  for (int64_t value : values) {
    if (type == kInt64) {
      tensor->add_int64_val(value);
    } else {
      tensor->add_int_val(static_cast<int32_t>(value));
    }
  }
  return result;
}

V1Value V1Builder::Shape(absl::string_view name,
                         const proto::TensorShapeProto* shape, int anchor) {
  std::vector<int64_t> dims;
  if (shape == nullptr || shape->unknown_rank()) {
    return Ints(name, {-1}, /*is_vector=*/false, kInt32, anchor);
  }
  for (const proto::TensorShapeProto::Dim& dim : shape->dim())
    dims.push_back(dim.size());
  return Ints(name, dims, /*is_vector=*/true, kInt32, anchor);
}

V1Value V1Builder::Zero(absl::string_view name, int anchor) {
  const V1Value result = Add(name, "Const", {});
  V1Node& node = graph_.nodes.back();
  node.anchored = true;
  node.controls = {anchor};
  Type("dtype", proto::DT_FLOAT);
  proto::TensorProto* tensor = Attr("value").mutable_tensor();
  tensor->set_dtype(proto::DT_FLOAT);
  tensor->mutable_tensor_shape();
  tensor->add_float_val(0);
  return result;
}

V1Value SetItem(V1Builder& b, const std::string& name, const ListSpec& spec,
                V1Value list, V1Value index, V1Value item) {
  if (spec.adds) {
    const V1Value shape = b.Add(absl::StrCat(name, "/shape"), "Shape", {item});
    b.Type("T", spec.element_type).Type("out_type", kInt32);
    const V1Value before = b.Add(absl::StrCat(name, "/before"),
                                 "TensorListGetItem", {list, index, shape});
    b.Type("element_dtype", spec.element_type);
    item = Sum(b, absl::StrCat(name, "/sum"), before, item, spec.element_type);
  }
  const V1Value set = b.Add(absl::StrCat(name, "/item"), "TensorListSetItem",
                            {list, index, item});
  b.Type("element_dtype", spec.element_type);
  b.Attr("resize_if_index_out_of_bounds").set_b(spec.grows);
  return set;
}

V1Value SetItems(V1Builder& b, const std::string& name, const ListSpec& spec,
                 V1Value list, V1Value indices, V1Value rows) {
  const V1Value number = SizeOf(b, name, indices, kInt32);
  const std::vector<int> types = {kVariant, kInt32, spec.element_type};
  const V1Value loop = ForEach(
      b, name, number, list.node, {list, indices, rows}, types,
      [&](V1Builder& inner) -> std::vector<V1Value> {
        const V1Value index = Row(inner, "index", Arg(3), kInt32, Arg(0));
        const V1Value row =
            Row(inner, "row", Arg(4), spec.element_type, Arg(0));
        return {SetItem(inner, name, spec, Arg(2), index, row), Arg(3), Arg(4)};
      });
  return {loop.node, 2};
}

V1Value SetPieces(V1Builder& b, const std::string& name, const ListSpec& spec,
                  V1Value list, V1Value lengths, V1Value values) {
  const V1Value number = SizeOf(b, name, lengths, kInt64);
  const V1Value offset = b.Ints(absl::StrCat(name, "/offset"), {0},
                                /*is_vector=*/false, kInt64, list.node);
  const std::vector<int> types = {kVariant, kInt64, kInt64, spec.element_type};
  const V1Value loop = ForEach(
      b, name, number, list.node, {list, offset, lengths, values}, types,
      [&](V1Builder& inner) -> std::vector<V1Value> {
        const V1Value length = Row(inner, "length", Arg(4), kInt64, Arg(0));
        const V1Value end = Sum(inner, "end", Arg(3), length, kInt64);
        const V1Value from = AsVector(inner, "from", Arg(3));
        const V1Value to = AsVector(inner, "to", end);
        const V1Value strides =
            inner.Ints("strides", {1}, /*is_vector=*/true, kInt64);
        const V1Value piece =
            inner.Add("piece", "StridedSlice", {Arg(5), from, to, strides});
        inner.Type("T", spec.element_type).Type("Index", kInt64);
        return {SetItem(inner, name, spec, Arg(2), Arg(0), piece), end, Arg(4),
                Arg(5)};
      });
  return {loop.node, 2};
}

}  // namespace weft
