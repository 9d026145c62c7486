#include "ops/variable.h"

#include <cstdint>
#include <vector>

#include "core/status.h"
#include "graph/op.h"
#include "ops/array.h"
#include "ops/array_common.h"
#include "ops/emit.h"
#include "ops/math.h"
#include "ops/source.h"
#include "ops/types.h"

namespace weft {
namespace {

// For ops that give the variable in input 0 the value in input 1.
void InferAssign(InferContext& c) {
  if (!c.input(0).IsCompatibleWith(c.input(1))) {
    c.Fail("value is ", c.input(1).ToString(), " but the variable is ",
           c.input(0).ToString());
  }
}

void InferGather(InferContext& c) {
  const int64_t batch_dims = c.attr<int64_t>("batch_dims");
  if (batch_dims != 0) {
    c.Fail("attr 'batch_dims' is ", batch_dims, " but only 0 is supported");
    return;
  }
  c.ExpectRankAtLeast(0, 1);
  if (!c.ok()) return;
  const TensorShape& params = c.input(0);
  const TensorShape& indices = c.input(1);
  if (!params.has_rank() || !indices.has_rank()) return;
  std::vector<int64_t> dims(indices.dims().begin(), indices.dims().end());
  dims.insert(dims.end(), params.dims().begin() + 1, params.dims().end());
  infer::SetDims(c, 0, dims);
}

// The gradient of the handle is a tensor like the variable: rows that were read
// several times get the sum.
Outputs GatherGradient(const GradContext& g) {
  const Output indices = g.in(1);
  const TensorShape& var = g.in(0).shape();
  if (var.rank() < 1 || var.dim(0) < 0) {
    return {g.node()->graph().Fail(
        Unimplemented(g.node()->Describe(),
                      ": the gradient needs to know the number of ",
                      "rows of the variable, which is ", var.ToString()),
        g.node()->location())};
  }
  const Output rows =
      Const(g.node()->graph(), static_cast<int32_t>(var.dim(0)));
  return {UnsortedSegmentSum(g.dy(), indices, rows), {}};
}

WEFT_OP(VarHandleOp)
    .Output("resource: resource")
    .Attr("container", "")
    .Attr("shared_name", "")
    .Attr("debug_name", "")
    .Attr("allowed_devices", std::vector<std::string>{})
    .Type("dtype")
    .RequiredAttr("shape", AttrKind::kShape)
    .Role(OpRole::kVariable)
    .Stateful()
    .Infer([](InferContext& c) {
      c.SetOutput(0, c.attr<TensorShape>("shape"));
    })
    .NotDifferentiable()
    .NoKernel("the session holds variables");

WEFT_OP(ReadVariableOp)
    .Input("resource: resource")
    .Output("value: dtype")
    .Type("dtype")
    .ReadsVariable(0)
    .Infer(infer::SameAsInput)
    .Gradient([](const GradContext& g) -> Outputs { return {g.raw_dy(0)}; });

WEFT_OP(AssignVariableOp)
    .Input("resource: resource")
    .Input("value: dtype")
    .Type("dtype")
    .Attr("validate_shape", false)
    .WritesVariable(0)
    .Infer(InferAssign)
    .NotDifferentiable();

WEFT_OP(AssignAddVariableOp)
    .Input("resource: resource")
    .Input("value: dtype")
    .Type("dtype", types::NativeNumbers())
    .UpdatesVariable(0)
    .Infer(InferAssign)
    .NotDifferentiable();

WEFT_OP(AssignSubVariableOp)
    .Input("resource: resource")
    .Input("value: dtype")
    .Type("dtype", types::NativeNumbers())
    .UpdatesVariable(0)
    .Infer(InferAssign)
    .NotDifferentiable();

WEFT_OP(VarIsInitializedOp)
    .Input("resource: resource")
    .Output("is_initialized: bool")
    .Stateful()
    .Infer(infer::Scalar)
    .NotDifferentiable();

WEFT_OP(ResourceGather)
    .Input("resource: resource")
    .Input("indices: Tindices")
    .Output("output: dtype")
    .Attr("batch_dims", 0)
    .Attr("validate_indices", true)
    .Type("dtype")
    .Type("Tindices", types::Integers())
    .ReadsVariable(0)
    .Infer(InferGather)
    .Gradient(GatherGradient);

Node* EmitAssign(absl::string_view op, const Variable& var, Operand value,
                 absl::string_view name) {
  return EmitNode(op, {{var.handle(), value.location}, value}, {}, name);
}

}  // namespace

Variable::Variable(GraphRef g, const VariableOptions& options)
    : dtype_(options.dtype) {
  Graph& graph = g.graph;
  LocationScope location(graph, g.location);
  const std::string& scope = graph.name_scope();
  name_ = scope.empty() ? options.name : absl::StrCat(scope, "/", options.name);
  absl::Status error;
  if (graph.parent() != nullptr) {
    error = InvalidArgument("variable '", name_,
                            "' is made within the body of a loop or ",
                            "branch; make it before, and use it within");
  } else if (graph.FindVariable(name_) != nullptr ||
             graph.FindNode(name_) != nullptr) {
    error = InvalidArgument("variable '", name_, "': the name is taken");
  } else if (!options.shape.IsFullyDefined()) {
    error = InvalidArgument("variable '", name_, "': the shape ",
                            options.shape.ToString(), " is not fully defined");
  }
  if (!error.ok()) {
    handle_ = read_ = Output(graph.Fail(error, g.location));
    return;
  }
  handle_ = graph.Add(
      "VarHandleOp", {},
      {{"dtype", dtype_}, {"shape", options.shape}, {"shared_name", name_}},
      {.name = options.name, .location = g.location});
  NameScope inside(graph, NameScope::Existing{name_});
  read_ = ReadVariable({handle_, g.location}, dtype_, "Read/ReadVariableOp");
  VariableInfo info = {.name = name_,
                       .handle = handle_,
                       .dtype = dtype_,
                       .shape = options.shape,
                       .trainable = options.trainable,
                       .restore = options.restore};
  if (options.initial_value.given()) MakeInitializer(g, options, &info);
  graph.AddVariable(std::move(info));
}

void Variable::MakeInitializer(GraphRef g, const VariableOptions& options,
                               VariableInfo* info) {
  Output value;
  {
    NameScope scope(g.graph, "Initializer");
    value = options.initial_value.Make(g.graph);
  }
  if (!g.graph.status().ok()) return;
  if (!value.valid() || value.dtype() != dtype_ ||
      !options.shape.IsCompatibleWith(value.shape())) {
    g.graph.Fail(
        InvalidArgument("variable '", name_, "' is ", DataTypeName(dtype_), " ",
                        options.shape.ToString(), " but its initial value is ",
                        value.valid() ? DataTypeName(value.dtype()) : "missing",
                        value.valid() ? " " : "",
                        value.valid() ? value.shape().ToString() : ""),
        g.location);
    return;
  }
  info->initializer = g.graph.Add("AssignVariableOp",
                                  {{handle_, g.location}, {value, g.location}},
                                  {}, {.name = "Assign"});
}

Output Variable::read(GraphRef g) const {
  Graph& body = g.graph;
  if (!valid() || body.parent() == nullptr) return read_;
  const std::string node_name = absl::StrCat(name_, "/Read/ReadVariableOp");
  Node* known = body.FindNode(node_name);
  if (known != nullptr && known->op() == "ReadVariableOp" &&
      known->input(0) == body.Capturing(handle_)) {
    return Output(known);
  }
  const Operand inner(body.Capturing(handle_), g.location);
  NameScope scope(body, NameScope::Existing{""});
  return ReadVariable(inner, dtype_, node_name);
}

Node* Variable::initializer() const {
  if (!valid()) return nullptr;
  const VariableInfo* info = handle_.graph().FindVariable(name_);
  return info == nullptr ? nullptr : info->initializer;
}

Variable GetVariable(GraphRef g, absl::string_view name) {
  Variable v;
  v.name_ = std::string(name);
  const VariableInfo* info = g.graph.FindVariable(name);
  if (info == nullptr) {
    v.handle_ = v.read_ = Output(g.graph.Fail(
        NotFound("there is no variable '", Printable(name), "'"), g.location));
    return v;
  }
  v.dtype_ = info->dtype;
  v.handle_ = info->handle;
  // The read that the constructor made; imported variables may have none.
  Graph& root = g.graph.root();
  Node* read = root.FindNode(absl::StrCat(name, "/Read/ReadVariableOp"));
  if (read != nullptr && read->op() == "ReadVariableOp" &&
      read->input(0) == v.handle_) {
    v.read_ = Output(read);
  } else {
    NameScope scope(root, NameScope::Existing{v.name_});
    v.read_ =
        ReadVariable({v.handle_, g.location}, v.dtype_, "Read/ReadVariableOp");
  }
  return v;
}

Output ReadVariable(Operand handle, DataType dtype, absl::string_view name) {
  return Emit("ReadVariableOp", {handle}, {{"dtype", dtype}}, name);
}

Node* Assign(const Variable& var, Operand value, absl::string_view name) {
  return EmitAssign("AssignVariableOp", var, value, name);
}

Node* AssignAdd(const Variable& var, Operand value, absl::string_view name) {
  return EmitAssign("AssignAddVariableOp", var, value, name);
}

Node* AssignSub(const Variable& var, Operand value, absl::string_view name) {
  return EmitAssign("AssignSubVariableOp", var, value, name);
}

Output VarIsInitialized(const Variable& var, absl::string_view name) {
  return Emit("VarIsInitializedOp", {var.handle()}, {}, name);
}

Output ResourceGather(const Variable& var, Operand indices,
                      absl::string_view name) {
  return Emit("ResourceGather", {{var.handle(), indices.location}, indices},
              {{"dtype", var.dtype()}}, name);
}

}  // namespace weft
