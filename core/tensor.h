// Tensor: a typed n-dimensional array whose memory is shared.
#ifndef WEFT_CORE_TENSOR_H_
#define WEFT_CORE_TENSOR_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/allocator.h"
#include "core/data_type.h"
#include "core/status.h"
#include "core/tensor_shape.h"

namespace weft {

// A handle: copies share the elements. Row-major, dense, 64-byte aligned unless
// it is a slice. Elements of string and variant tensors are std::string and
// TensorList objects.
class Tensor {
 public:
  Tensor() = default;  // dtype kInvalid, no elements.

  // A tensor with elements zero (empty strings and lists). ResourceExhausted
  // if `allocator` has not enough left; InvalidArgument if `shape` is not fully
  // defined or the bytes overflow.
  static absl::StatusOr<Tensor> Create(
      DataType dtype, const TensorShape& shape,
      const std::shared_ptr<Allocator>& allocator = Allocator::Default());
  // The same, with plain elements left as they are in memory.
  static absl::StatusOr<Tensor> CreateUninitialized(
      DataType dtype, const TensorShape& shape,
      const std::shared_ptr<Allocator>& allocator = Allocator::Default());

  // From values: Tensor::Of<float>({2, 2}, {1, 2, 3, 4}). The number of values
  // must be the shape's. For programs and tests; ends the process when the
  // memory is used up.
  template <typename T>
  static Tensor Of(const TensorShape& shape, absl::Span<const T> values) {
    WEFT_CHECK(shape.num_elements() == static_cast<int64_t>(values.size()));
    Tensor t = MustCreate(DataTypeOf<T>(), shape);
    std::copy(values.begin(), values.end(), t.mutable_data<T>().begin());
    return t;
  }
  template <typename T>
  static Tensor Of(const TensorShape& shape, std::initializer_list<T> values) {
    return Of<T>(shape, absl::Span<const T>(values.begin(), values.size()));
  }
  template <typename T>
  static Tensor Scalar(const T& value) {
    return Of<T>(TensorShape{}, absl::Span<const T>(&value, 1));
  }
  template <typename T>
  static Tensor Vector(std::initializer_list<T> values) {
    return Of<T>(TensorShape{static_cast<int64_t>(values.size())}, values);
  }
  template <typename T>
  static Tensor Vector(absl::Span<const T> values) {
    return Of<T>(TensorShape{static_cast<int64_t>(values.size())}, values);
  }

  // A tensor over memory that somebody else keeps alive.
  static Tensor Borrow(DataType dtype, const TensorShape& shape, void* data);

  DataType dtype() const { return dtype_; }
  const TensorShape& shape() const { return shape_; }
  int64_t dim(int i) const { return shape_.dim(i); }
  int64_t num_elements() const { return num_elements_; }
  // Bytes of plain elements; 0 for the others.
  size_t num_bytes() const { return num_elements_ * DataTypeSize(dtype_); }
  bool is_valid() const { return dtype_ != DataType::kInvalid; }

  // The elements. T must be the dtype's type.
  template <typename T>
  absl::Span<const T> data() const {
    WEFT_CHECK(DataTypeOf<T>() == dtype_);
    return absl::Span<const T>(static_cast<const T*>(data_), num_elements_);
  }
  // Writes are seen by all handles that share the elements.
  template <typename T>
  absl::Span<T> mutable_data() {
    WEFT_CHECK(DataTypeOf<T>() == dtype_);
    return absl::Span<T>(static_cast<T*>(data_), num_elements_);
  }
  // The value of a tensor of one element.
  template <typename T>
  const T& scalar() const {
    WEFT_CHECK(num_elements_ == 1);
    return data<T>()[0];
  }
  const void* raw_data() const { return data_; }
  void* mutable_raw_data() { return data_; }

  // Does somebody else keep the memory alive?
  bool IsBorrowed() const { return owner_ == nullptr && data_ != nullptr; }
  // Does no other handle share the elements?
  bool IsSoleOwner() const { return owner_.use_count() == 1; }
  bool SharesMemoryWith(const Tensor& other) const {
    return owner_ != nullptr && owner_ == other.owner_;
  }

  // Rows [begin, begin + size) of axis 0; shares the elements.
  Tensor Rows(int64_t begin, int64_t size) const;
  // The same elements under another shape of as many; shares them.
  Tensor Reshaped(const TensorShape& shape) const;
  // A copy with elements of its own.
  absl::StatusOr<Tensor> Clone(
      const std::shared_ptr<Allocator>& allocator = Allocator::Default()) const;

  // dtype, shape and the first elements: "float32 [2, 2] {1, 2, 3, 4}".
  std::string ToString(int max_elements = 8) const;

 private:
  static Tensor MustCreate(DataType dtype, const TensorShape& shape);

  DataType dtype_ = DataType::kInvalid;
  TensorShape shape_ = {0};
  int64_t num_elements_ = 0;
  void* data_ = nullptr;
  std::shared_ptr<void> owner_;  // The Buffer, or the array of objects.
};

}  // namespace weft

#endif  // WEFT_CORE_TENSOR_H_
