// Kernels of ops whose results are as large as the values say.
#include <cstring>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "core/kernel.h"
#include "core/status.h"
#include "kernels/array_copy.h"
#include "kernels/shape_args.h"

namespace weft {
namespace {

// Is the number whose bytes begin at `data` 0? The sign of a floating 0 does
// not matter.
bool IsZero(const unsigned char* data, size_t size, bool is_floating) {
  for (size_t i = 0; i + 1 < size; ++i) {
    if (data[i] != 0) return false;
  }
  return (data[size - 1] & (is_floating ? 0x7f : 0xff)) == 0;
}

// Calls use(i) for each element that is not 0.
template <typename Use>
void ForEachNonZero(const void* data, DataType dtype, int64_t n,
                    const Use& use) {
  const size_t size = DataTypeSize(dtype);
  const unsigned char* bytes = static_cast<const unsigned char*>(data);
  for (int64_t i = 0; i < n; ++i) {
    if (!IsZero(bytes + i * size, size, IsFloating(dtype))) use(i);
  }
}

class WhereKernel : public Kernel {
 public:
  explicit WhereKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    const Tensor* x = c.NeedValue(0);
    if (x == nullptr) return c.Defer();
    int64_t count = 0;
    ForEachNonZero(x->raw_data(), x->dtype(), x->num_elements(),
                   [&](int64_t) { ++count; });
    WEFT_ASSIGN_OR_RETURN(TensorShape shape,
                          ShapeOfSizes({count, x->shape().rank()}));
    c.SetOutput(0, std::move(shape));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorRef& x = c.input(0);
    const int rank = x.shape->rank();
    int64_t* out = c.out<int64_t>(0).data();
    ForEachNonZero(x.data, x.dtype, x.size, [&](int64_t i) {
      for (int axis = rank - 1; axis >= 0; --axis) {
        out[axis] = i % x.shape->dim(axis);
        i /= x.shape->dim(axis);
      }
      out += rank;
    });
    return absl::OkStatus();
  }
};
WEFT_KERNEL(Where, WhereKernel, {});

// The bytes by which element i is told from others.
absl::string_view KeyOf(const void* data, DataType dtype, int64_t i) {
  if (dtype == DataType::kString)
    return static_cast<const std::string*>(data)[i];
  const size_t size = DataTypeSize(dtype);
  const char* bytes = static_cast<const char*>(data) + i * size;
  static constexpr char kZero[8] = {};
  if (IsFloating(dtype) &&
      IsZero(reinterpret_cast<const unsigned char*>(bytes), size, true)) {
    return {kZero, size};
  }
  return {bytes, size};
}

// Calls found(i, index, is_new) for each element: `index` is its number among
// the distinct ones. Returns how many of those there are.
template <typename Found>
int64_t ForEachIndex(const void* data, DataType dtype, int64_t n,
                     const Found& found) {
  absl::flat_hash_map<absl::string_view, int64_t> indices;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t next = static_cast<int64_t>(indices.size());
    const auto [it, is_new] = indices.try_emplace(KeyOf(data, dtype, i), next);
    found(i, it->second, is_new);
  }
  return static_cast<int64_t>(indices.size());
}

class UniqueKernel : public Kernel {
 public:
  explicit UniqueKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 0, 1, "x"));
    const Tensor* x = c.NeedValue(0);
    if (x == nullptr) return c.Defer();
    const int64_t count =
        ForEachIndex(x->raw_data(), x->dtype(), x->num_elements(),
                     [](int64_t, int64_t, bool) {});
    c.SetOutput(0, {count});
    c.SetOutput(1, x->shape());
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorRef& x = c.input(0);
    const TensorRef& y = c.output(0);
    const bool wide = c.output(1).dtype == DataType::kInt64;
    ForEachIndex(
        x.data, x.dtype, x.size, [&](int64_t i, int64_t index, bool is_new) {
          if (wide) {
            c.out<int64_t>(1)[i] = index;
          } else {
            c.out<int32_t>(1)[i] = static_cast<int32_t>(index);
          }
          if (!is_new) return;
          CopyElements(x.dtype,
                       At(static_cast<const void*>(x.data), x.dtype, i),
                       At(y.data, y.dtype, index), 1);
        });
    return absl::OkStatus();
  }
};
WEFT_KERNEL(Unique, UniqueKernel, {});

}  // namespace
}  // namespace weft
