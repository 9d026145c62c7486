// Arrays of objects whose memory counts against an allocator's budget.
#ifndef WEFT_CORE_OBJECT_ARRAY_H_
#define WEFT_CORE_OBJECT_ARRAY_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "core/allocator.h"
#include "core/status.h"

namespace weft {

// `size` objects made by T(); they go with the last pointer to them. What they
// allocate themselves is not counted.
template <typename T>
absl::StatusOr<std::shared_ptr<T>> MakeObjects(
    int64_t size, const std::shared_ptr<Allocator>& allocator) {
  static_assert(alignof(T) <= kAlignment);
  if (size < 0 || static_cast<uint64_t>(size) >
                      std::numeric_limits<ptrdiff_t>::max() / sizeof(T)) {
    return InvalidArgument(size, " elements are too many");
  }
  WEFT_ASSIGN_OR_RETURN(std::shared_ptr<Buffer> buffer,
                        allocator->Allocate(size * sizeof(T)));
  T* objects = static_cast<T*>(buffer->data());
  std::uninitialized_value_construct_n(objects, size);
  const auto destroy = [buffer = std::move(buffer), size](T* first) {
    std::destroy_n(first, size);
  };
  return std::shared_ptr<T>(objects, destroy);
}

}  // namespace weft

#endif  // WEFT_CORE_OBJECT_ARRAY_H_
