// Variables: named tensors that outlive a run.
//
//   Variable w(g, {.name = "W", .shape = {28, 10},
//                  .initial_value = Zeros(g, DataType::kFloat, {28, 10})});
//   Output y = MatMul(x, w.read());
//   Node* step = AssignSub(w, gradient * 0.1f);
//
// A read sees the value at the start of the run, unless a control edge puts it
// behind a write of that run.
//
// While building, the shape of a handle (an Output of dtype kResource) is the
// shape of the variable's value.
#ifndef WEFT_OPS_VARIABLE_H_
#define WEFT_OPS_VARIABLE_H_

#include <functional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "core/data_type.h"
#include "core/tensor_shape.h"
#include "graph/graph.h"
#include "graph/output.h"

namespace weft {

// The value a variable starts with: an Output, or a function that makes one,
// called within the name scope "<variable>/Initializer".
class InitialValue {
 public:
  InitialValue() = default;  // None: the variable is restored or set by hand.
  InitialValue(Output value) : make_([value](Graph&) { return value; }) {}
  InitialValue(Operand value) : InitialValue(value.output) {}
  template <typename F>
  requires std::is_invocable_r_v<Output, F, Graph&> InitialValue(F make)
      : make_(std::move(make)) {}

  bool given() const { return make_ != nullptr; }
  Output Make(Graph& graph) const { return make_(graph); }

 private:
  std::function<Output(Graph&)> make_;
};

struct VariableOptions {
  std::string name = "Variable";  // Under the open name scope.
  TensorShape shape;              // Fully defined.
  DataType dtype = DataType::kFloat;
  InitialValue initial_value;
  bool trainable = true;
  bool restore = true;  // False: saved, but left out of restoring.
};

// A handle of one variable; copies mean the same variable.
class Variable {
 public:
  Variable() = default;  // None: not valid.
  // Adds a variable to `g`, the outermost graph. Fails the graph within a body,
  // if the name is taken, or if the initial value has another dtype or shape.
  Variable(GraphRef g, const VariableOptions& options);

  bool valid() const { return handle_.valid(); }
  const std::string& name() const { return name_; }
  DataType dtype() const { return dtype_; }
  const TensorShape& shape() const { return handle_.shape(); }
  // Of dtype kResource; what ops that change the variable take.
  Output handle() const { return handle_; }
  // The value at the start of the run: one node, of the outermost graph.
  // Loops that use it take it as an invariant.
  Output read() const { return read_; }
  // The same, read inside the body `g` of a loop or branch: one node per body.
  Output read(GraphRef g) const;
  // Assigns the initial value; null if there is none.
  Node* initializer() const;

 private:
  friend Variable GetVariable(GraphRef g, absl::string_view name);
  void MakeInitializer(GraphRef g, const VariableOptions& options,
                       VariableInfo* info);

  std::string name_;
  DataType dtype_ = DataType::kInvalid;
  Output handle_;
  Output read_;
};

// The variable of that full name. Fails the graph if there is none.
Variable GetVariable(GraphRef g, absl::string_view name);

// A read of its own: behind the control edges that are open, thus behind a
// write if the caller has put it there.
Output ReadVariable(Operand handle, DataType dtype,
                    absl::string_view name = "ReadVariableOp");

// var = value, var += value, var -= value. `value` has the variable's dtype and
// shape; the change is made when the run ends well.
Node* Assign(const Variable& var, Operand value,
             absl::string_view name = "AssignVariableOp");
Node* AssignAdd(const Variable& var, Operand value,
                absl::string_view name = "AssignAddVariableOp");
Node* AssignSub(const Variable& var, Operand value,
                absl::string_view name = "AssignSubVariableOp");

// Scalar bool: has the variable a value?
Output VarIsInitialized(const Variable& var,
                        absl::string_view name = "VarIsInitializedOp");

// Rows of the variable: indices.shape + var.shape[1:], as of the start of the
// run. Reads only these rows; the gradient is as large as the variable.
Output ResourceGather(const Variable& var, Operand indices,
                      absl::string_view name = "ResourceGather");
// var[indices[i]] += updates[i] for all i, in their order.
Node* ResourceScatterAdd(const Variable& var, Operand indices, Operand updates,
                         absl::string_view name = "ResourceScatterAdd");

}  // namespace weft

#endif  // WEFT_OPS_VARIABLE_H_
