// Shapes: of tensors, and of values that are known in part only.
#ifndef WEFT_CORE_TENSOR_SHAPE_H_
#define WEFT_CORE_TENSOR_SHAPE_H_

#include <cstdint>
#include <initializer_list>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace weft {

// The dimensions of a tensor, outermost first. A dimension may be unknown
// (-1), and so may the rank.
//
// A TensorShape is always valid: dimensions are -1 or more, the rank is at
// most kMaxRank, and the product of the known dimensions, zeros left out, fits
// an int64_t. Dims from outside go through Create.
class TensorShape {
 public:
  static constexpr int kMaxRank = 32;
  static constexpr int64_t kUnknownDim = -1;

  TensorShape() = default;  // A scalar.
  TensorShape(
      std::initializer_list<int64_t> dims);  // For dims known to be valid.
  // Moved by copying: short dims are inline, and gcc 12 gives false alarms for
  // the move of an empty vector of them.
  TensorShape(const TensorShape& other)
      : has_rank_(other.has_rank_),
        dims_(other.dims_.begin(), other.dims_.end()) {}
  TensorShape& operator=(const TensorShape& other) {
    has_rank_ = other.has_rank_;
    dims_ = other.dims_;
    return *this;
  }
  static TensorShape UnknownRank();
  // InvalidArgument if a dim is below -1, the rank above kMaxRank, or the
  // product of the known dims overflows.
  static absl::StatusOr<TensorShape> Create(absl::Span<const int64_t> dims);

  bool has_rank() const { return has_rank_; }
  int rank() const { return has_rank_ ? static_cast<int>(dims_.size()) : -1; }
  // The i-th dim; negative i count from the end. kUnknownDim if the rank is
  // unknown.
  int64_t dim(int i) const;
  absl::Span<const int64_t> dims() const { return dims_; }
  bool IsFullyDefined() const;
  bool IsScalar() const { return has_rank_ && dims_.empty(); }
  // Product of the dims; -1 unless fully defined.
  int64_t num_elements() const;

  // Sets the i-th dim of a shape with a rank. The result must be valid.
  void set_dim(int i, int64_t size);
  void AddDim(int64_t size);
  void InsertDim(int i, int64_t size);
  void RemoveDim(int i);

  // May a value have both shapes? Unknown dims and ranks agree with all.
  bool IsCompatibleWith(const TensorShape& other) const;
  // What is known from both; they must be compatible.
  TensorShape MergedWith(const TensorShape& other) const;
  // What holds for values of either shape: dims that differ become unknown, and
  // so does the rank if ranks differ.
  TensorShape Union(const TensorShape& other) const;

  // "[?, 28]", "[]" for a scalar, "<unknown>" without a rank.
  std::string ToString() const;

  friend bool operator==(const TensorShape& a, const TensorShape& b) {
    return a.has_rank_ == b.has_rank_ && a.dims_ == b.dims_;
  }
  friend bool operator!=(const TensorShape& a, const TensorShape& b) {
    return !(a == b);
  }
  template <typename H>
  friend H AbslHashValue(H h, const TensorShape& s) {
    return H::combine(std::move(h), s.has_rank_, s.dims_);
  }

 private:
  bool has_rank_ = true;
  absl::InlinedVector<int64_t, 4> dims_;
};

// Does a * b overflow? Else *product is set. For a, b >= 0.
bool MultiplyOverflows(int64_t a, int64_t b, int64_t* product);

}  // namespace weft

#endif  // WEFT_CORE_TENSOR_SHAPE_H_
