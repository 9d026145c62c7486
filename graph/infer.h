// Shape inference by named dimensions.
//
//   .Infer([](InferContext& c) {
//     Dim batch("batch"), depth("depth"), units("units");
//     c.Expect(0, {batch, depth});
//     c.Expect(1, {depth, units});
//     c.SetOutput(0, {batch, units});
//   })
//
// The first Expect that sees a dim's size binds it, the others check it:
// "b is [64, 10] but must be [depth = 28, units]".
#ifndef WEFT_GRAPH_INFER_H_
#define WEFT_GRAPH_INFER_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "core/attr.h"
#include "core/tensor_shape.h"
#include "graph/node.h"

namespace weft {

// A dimension that several shapes share. Lives in an inference function.
class Dim {
 public:
  explicit Dim(const char* name, int64_t size = TensorShape::kUnknownDim)
      : name_(name), size_(size) {}
  Dim(const Dim&) = delete;
  Dim& operator=(const Dim&) = delete;
  int64_t size() const { return size_; }  // -1 while not known.
  const char* name() const { return name_; }

 private:
  friend class InferContext;
  const char* name_;
  mutable int64_t size_;
};

// A Dim or a size, in a list of dims.
class DimRef {
 public:
  DimRef(const Dim& dim) : dim_(&dim) {}
  DimRef(int64_t size) : size_(size) {}
  DimRef(int size) : size_(size) {}
  int64_t size() const { return dim_ != nullptr ? dim_->size() : size_; }

 private:
  friend class InferContext;
  const Dim* dim_ = nullptr;
  int64_t size_ = -1;
};

// What inference sees of a node and says of its outputs. After the first
// mistake the rest is ignored.
class InferContext {
 public:
  explicit InferContext(const Node& node);

  const Node& node() const { return node_; }
  int num_inputs() const { return node_.num_inputs(); }
  int num_outputs() const { return static_cast<int>(outputs_.size()); }
  const TensorShape& input(int i) const { return node_.input(i).shape(); }
  DataType input_dtype(int i) const { return node_.input(i).dtype(); }
  template <typename T>
  const T& attr(absl::string_view name) const {
    return node_.attrs().Get<T>(name);
  }

  // The elements of a small integer input as far as they are known; null if
  // not even their number is.
  const PartialValue* value(int i) const;
  // A scalar input's value, if known.
  std::optional<int64_t> scalar(int i) const;
  // The shape that a vector input spells; its unknown elements and -1 are
  // unknown dims. Unknown rank if nothing is known.
  TensorShape ValueAsShape(int i);

  // Checks input i against these dims and binds those not yet known.
  void Expect(int i, std::initializer_list<DimRef> dims);
  void ExpectRank(int i, int rank);
  void ExpectRankAtLeast(int i, int rank);
  // `axis` normalised for `rank`; Fails if it is out of range.
  int Axis(int64_t axis, int rank);

  void SetOutput(int i, std::initializer_list<DimRef> dims);
  void SetOutput(int i, TensorShape shape);
  void SetOutputValue(int i, PartialValue value);

  // Records a mistake: InvalidArgument with the node's description in front.
  template <typename... Args>
  void Fail(const Args&... args) {
    FailWith(absl::StrCat(args...));
  }
  bool ok() const { return status_.ok(); }

  // For Graph.
  const absl::Status& status() const { return status_; }
  std::vector<TensorShape>& output_shapes() { return outputs_; }
  std::vector<std::unique_ptr<PartialValue>>& output_values() {
    return values_;
  }

 private:
  void FailWith(std::string message);
  // "b" for the input arg, "values[2]" for one of a list.
  std::string InputName(int i) const;

  const Node& node_;
  std::vector<TensorShape> outputs_;
  std::vector<std::unique_ptr<PartialValue>> values_;
  absl::Status status_;
};

// Inference functions that many ops share.
namespace infer {
void Scalar(InferContext& c);       // All outputs are scalars.
void Unknown(InferContext& c);      // Nothing is known.
void SameAsInput(InferContext& c);  // Every output is like input 0.
void Broadcast(InferContext& c);    // Numpy broadcasting of inputs 0 and 1.
void Nothing(InferContext& c);      // No outputs.
}  // namespace infer

// Numpy's broadcast of two shapes with unknown dims; InvalidArgument if they do
// not fit.
absl::StatusOr<TensorShape> BroadcastShapes(const TensorShape& a,
                                            const TensorShape& b);

}  // namespace weft

#endif  // WEFT_GRAPH_INFER_H_
