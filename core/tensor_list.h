// TensorList: the value of a variant tensor; a list of tensors of one dtype.
#ifndef WEFT_CORE_TENSOR_LIST_H_
#define WEFT_CORE_TENSOR_LIST_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/allocator.h"
#include "core/data_type.h"
#include "core/tensor.h"
#include "core/tensor_shape.h"

namespace weft {

// A value: a copy is another list, which shares storage until one of the two is
// changed. A list that alone holds its storage is changed in place, so a loop
// that writes one element per step copies nothing.
//
// While all elements have one shape they stand one after another in ONE buffer,
// so that stacking is a copy, or, for the sole owner, free.
class TensorList {
 public:
  TensorList() = default;  // Empty, of dtype kInvalid.

  // A list of `size` elements that are not set yet, with room for `capacity`.
  // InvalidArgument for a negative size or a dtype that has no tensors. Lists
  // that follow each other may share `room`: each begins with as much as those
  // before it had to make, so that only the first ever moves its elements.
  static absl::StatusOr<TensorList> Create(
      DataType element_dtype, const TensorShape& element_shape, int64_t size,
      int64_t capacity, std::shared_ptr<Allocator> allocator,
      std::shared_ptr<std::atomic<int64_t>> room = nullptr);
  // The rows of `tensor`; shares its memory until changed.
  static absl::StatusOr<TensorList> FromTensor(
      const Tensor& tensor, std::shared_ptr<Allocator> allocator);

  DataType element_dtype() const;
  // What is known of the elements' shape: as declared, refined by what is set.
  const TensorShape& element_shape() const;
  int64_t size() const;
  // Has element i been set? False for a wrong i.
  bool IsSet(int64_t i) const;

  // Element i; shares the list's memory, and keeps its value when the list is
  // changed. An element never set is zeros if the element shape is known, else
  // InvalidArgument. OutOfRange for a wrong i.
  absl::StatusOr<Tensor> Get(int64_t i) const;
  // Copies `value` in. InvalidArgument if dtype or shape do not fit, or if
  // lists are nested too deep. A list is unchanged after any error.
  absl::Status Set(int64_t i, const Tensor& value);
  absl::Status PushBack(const Tensor& value);
  absl::Status PopBack();  // InvalidArgument if empty.
  absl::Status Resize(int64_t size);

  // All elements along a new axis 0: [size] + element shape. InvalidArgument if
  // shapes differ, or nothing is set and the element shape is not known. May
  // share the list's memory.
  absl::StatusOr<Tensor> Stack(
      const std::shared_ptr<Allocator>& allocator) const;

  // Is the storage held by this list alone?
  bool IsSoleOwner() const;
  // Of the elements' memory, without that of lists in lists.
  size_t bytes() const;

 private:
  struct Storage;
  absl::Status CheckIndex(int64_t i) const;
  absl::Status MakeWritable();

  std::shared_ptr<Storage> storage_;
};

}  // namespace weft

#endif  // WEFT_CORE_TENSOR_LIST_H_
