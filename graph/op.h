// Op schemas: what an op takes, gives and means.
//
//   WEFT_OP(MatMul)
//       .Input("a: T")
//       .Input("b: T")
//       .Output("product: T")
//       .Attr("transpose_a", false)
//       .Attr("transpose_b", false)
//       .Type("T", {DataType::kFloat, DataType::kDouble})
//       .Infer([](InferContext& c) { ... })
//       .Gradient([](const GradContext& g) -> Outputs { ... });
//
// Arguments are written as in tf_ops tables: "x: T" has the type that attr T
// says, "x: int32" is always int32, "values: N*T" are N arguments in a row,
// "input: Tin[]" one argument per entry of the type list Tin.
#ifndef WEFT_GRAPH_OP_H_
#define WEFT_GRAPH_OP_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/attr.h"
#include "core/data_type.h"
#include "graph/infer.h"
#include "graph/output.h"

namespace weft {

class GradContext;
using InferFn = std::function<void(InferContext&)>;
// The gradients of the inputs, in their order; an invalid Output where none
// flows.
using GradientFn = std::function<Outputs(const GradContext&)>;

struct ArgSpec {
  std::string name;
  DataType type = DataType::kInvalid;  // If fixed.
  std::string type_attr = {};          // Else from this attr,
  std::string type_list_attr = {};     // or one per entry of this one,
  std::string number_attr = {};        // or this many of the type.
};

struct AttrSpec {
  std::string name;
  AttrKind kind = AttrKind::kInt;
  std::optional<AttrValue> default_value = {};
  std::vector<AttrValue> allowed =
      {};  // Empty: any. Of lists: of the elements.
  std::optional<int64_t> minimum = {};  // Of an int; of a list: its length.
};

// What passes and the runtime must know of an op without knowing its name.
enum class OpRole {
  kCompute,  // Has a kernel.
  kConst,
  kPlaceholder,
  kPlaceholderWithDefault,
  kVariable,  // A handle; its name is attr shared_name, else the node's.
  kArg,
  kIdentity,  // Output is the input.
  kNoOp,
  kWhile,
  kIf,
  kCall,
};

// How an op accesses the variable behind a resource input.
enum class VariableAccess {
  kRead,
  kWrite,
  kUpdate
};  // kUpdate reads and writes.

// The elementwise operation of a pointwise op, for fusion.
struct PointwiseTrait {
  std::string micro_op;  // "add", "tanh", ...: see core/pointwise.h.
};

// What an op is to the passes that rewrite loops.
enum class OpForm : uint8_t {
  kOther,
  kMatMul,          // (a, b), with attrs transpose_a and transpose_b.
  kConcat,          // (parts..., axis).
  kBiasAdd,         // (value, bias), bias along the last axis of a matrix.
  kListFromTensor,  // (tensor, element_shape): the rows of a tensor.
  kListGet,         // (list, index, element_shape).
  kListReserve,     // (element_shape, num_elements).
  kListSet,         // (list, index, item).
  kListStack,       // (list, element_shape).
  kTranspose,       // (value, perm).
  kPack,            // (values...), with attr axis.
  kUnpack,          // (value), with attr axis.
  kSplit,           // (axis, value): parts of equal size.
  kStridedSlice,    // (input, begin, end, strides), with TensorFlow's masks.
  kSqueeze,         // (input), with attr squeeze_dims.
};

struct OpTraits {
  OpRole role = OpRole::kCompute;
  // Not a function of its inputs alone: never folded or shared, and kept in
  // the order of its control edges.
  bool stateful = false;
  bool commutative = false;
  bool random_stream = false;   // Draws from a counter that the session keeps.
  bool asserts = false;         // Exists to fail: runs if its consumers do.
  bool fallible_write = false;  // Its Compute may fail: writes into a copy.
  OpForm form = OpForm::kOther;
  std::optional<PointwiseTrait> pointwise;
  std::vector<std::pair<int, VariableAccess>> variables;  // By input.
};

class OpSchema {
 public:
  explicit OpSchema(std::string name) : name_(std::move(name)) {}

  // ---- Declaration -------------------------------------------------------
  OpSchema& Input(absl::string_view spec);
  OpSchema& Output(absl::string_view spec);
  // A type attr. `allowed` empty: any. Without a default it must be given or
  // follow from an input.
  OpSchema& Type(absl::string_view name, std::vector<DataType> allowed = {},
                 std::optional<DataType> default_value = std::nullopt);
  OpSchema& TypeList(absl::string_view name, int64_t min_size = 0);
  // An int attr that counts arguments.
  OpSchema& Number(absl::string_view name, int64_t minimum = 1);
  // An attr with a default, whose kind is the default's.
  OpSchema& Attr(absl::string_view name, AttrValue default_value,
                 std::vector<AttrValue> allowed = {});
  // An attr that must be given.
  OpSchema& RequiredAttr(absl::string_view name, AttrKind kind,
                         std::vector<AttrValue> allowed = {});
  OpSchema& Infer(InferFn fn);
  OpSchema& Gradient(GradientFn fn);
  OpSchema& NotDifferentiable();
  // The op has no kernel, for this reason: it is compiled away, or refused.
  OpSchema& NoKernel(absl::string_view reason);

  OpSchema& Role(OpRole role);
  OpSchema& Stateful();
  OpSchema& Commutative();
  OpSchema& RandomStream();  // Implies Stateful.
  OpSchema& Asserts();       // Implies Stateful.
  OpSchema& Pointwise(absl::string_view micro_op);
  OpSchema& Form(OpForm form);
  OpSchema& ReadsVariable(int input);
  OpSchema& WritesVariable(int input);   // Implies Stateful.
  OpSchema& UpdatesVariable(int input);  // Implies Stateful.
  // A write whose Compute may fail with the values of its inputs, e.g. an index
  // that is out of range. The others must not fail once they are laid out.
  OpSchema& FallibleWrite();

  // ---- Reading -----------------------------------------------------------
  const std::string& name() const { return name_; }
  const std::vector<ArgSpec>& inputs() const { return inputs_; }
  const std::vector<ArgSpec>& outputs() const { return outputs_; }
  const std::vector<AttrSpec>& attrs() const { return attrs_; }
  const AttrSpec* FindAttr(absl::string_view name) const;
  const InferFn& infer() const { return infer_; }
  const GradientFn& gradient() const { return gradient_; }
  bool not_differentiable() const { return not_differentiable_; }
  const std::string& no_kernel_reason() const { return no_kernel_reason_; }
  const OpTraits& traits() const { return traits_; }

  // Completes `attrs` for a node with inputs of these types: type attrs and
  // numbers follow from the inputs where they are not given, defaults are
  // filled in, all is checked. `*output_types` becomes the outputs' types.
  // InvalidArgument says which attr or input, what was given and what is
  // allowed.
  absl::Status Complete(absl::Span<const DataType> input_types, AttrMap* attrs,
                        std::vector<DataType>* output_types) const;

 private:
  absl::Status BindInputs(absl::Span<const DataType> input_types,
                          AttrMap* attrs) const;
  absl::Status CheckAttrs(const AttrMap& attrs) const;

  std::string name_;
  std::vector<ArgSpec> inputs_;
  std::vector<ArgSpec> outputs_;
  std::vector<AttrSpec> attrs_;
  InferFn infer_;
  GradientFn gradient_;
  bool not_differentiable_ = false;
  std::string no_kernel_reason_;
  OpTraits traits_;
};

// All schemas by name. Filled before main; read-only afterwards.
class OpRegistry {
 public:
  static OpRegistry& Global();
  OpSchema& Add(std::string name);
  const OpSchema* Find(absl::string_view name) const;  // Null if unknown.
  std::vector<const OpSchema*> All() const;            // By name.

 private:
  std::map<std::string, std::unique_ptr<OpSchema>, std::less<>> schemas_;
};

// What a gradient function sees: the node, and the gradients of its outputs.
class GradContext {
 public:
  GradContext(Node* node, Outputs dys) : node_(node), dys_(std::move(dys)) {}

  Node* node() const { return node_; }
  int num_inputs() const;
  Output in(int i) const;
  Output out(int i) const;
  // The gradient of output i; zeros like it if none flows.
  Output dy(int i = 0) const;
  bool has_dy(int i) const { return dys_[i].valid(); }
  // As it flows: invalid if none does.
  Output raw_dy(int i) const { return dys_[i]; }
  template <typename T>
  const T& attr(absl::string_view name) const;

 private:
  Node* node_;
  Outputs dys_;
};

template <typename T>
const T& GradContext::attr(absl::string_view name) const {
  return node_->attrs().Get<T>(name);
}

}  // namespace weft

#define WEFT_OP(name)                                                      \
  [[maybe_unused]] static ::weft::OpSchema& WEFT_CONCAT_(weft_op_, name) = \
      ::weft::OpRegistry::Global().Add(#name)

#endif  // WEFT_GRAPH_OP_H_
