// Choosing elements: Select, SelectV2, ClipByValue, and constants like a
// tensor.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "kernels/broadcast.h"

namespace weft {
namespace {

// T stands for any type of its size: elements are only moved.
template <typename T>
class SelectKernel : public Kernel {
 public:
  explicit SelectKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& condition = c.input_shape(0);
    const TensorShape& t = c.input_shape(1);
    if (t != c.input_shape(2)) {
      return InvalidArgument("t is ", t.ToString(), " and e is ",
                             c.input_shape(2).ToString(),
                             " but they must have one shape");
    }
    const bool by_row =
        condition.rank() == 1 && t.rank() >= 1 && condition.dim(0) == t.dim(0);
    if (!condition.IsScalar() && condition != t && !by_row) {
      return InvalidArgument("condition is ", condition.ToString(),
                             " but must be a scalar, like t, ", t.ToString(),
                             ", or a vector with one element per row of t");
    }
    c.SetOutput(0, t);
    c.AllowInPlace(1, 0);
    c.AllowInPlace(2, 0);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const bool* condition = c.in<bool>(0).data();
    const T* t = static_cast<const T*>(c.input(1).data);
    const T* e = static_cast<const T*>(c.input(2).data);
    T* y = static_cast<T*>(c.output(0).data);
    const int64_t n = c.output(0).size;
    const int64_t rows = c.input(0).size;
    if (n == 0) return absl::OkStatus();
    if (rows == n) {
      WEFT_VECTORIZE
      for (int64_t i = 0; i < n; ++i) y[i] = condition[i] ? t[i] : e[i];
      return absl::OkStatus();
    }
    const int64_t row_size = n / rows;
    for (int64_t row = 0; row < rows; ++row) {
      const T* from = (condition[row] ? t : e) + row * row_size;
      T* to = y + row * row_size;
      if (to != from) std::memcpy(to, from, row_size * sizeof(T));
    }
    return absl::OkStatus();
  }
};

template <typename T>
class SelectV2Kernel : public Kernel {
 public:
  explicit SelectV2Kernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_ASSIGN_OR_RETURN(
        Broadcast broadcast,
        Broadcast::Create(
            {&c.input_shape(0), &c.input_shape(1), &c.input_shape(2)}));
    c.SetOutput(0, broadcast.shape());
    c.SetState(std::make_shared<Broadcast>(std::move(broadcast)));
    const int64_t n = c.outputs()[0].shape.num_elements();
    for (int i = 1; i < 3; ++i) {
      if (c.input_shape(i).num_elements() == n) c.AllowInPlace(i, 0);
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    if (c.output(0).size == 0) return absl::OkStatus();
    const bool* condition = c.in<bool>(0).data();
    const T* t = static_cast<const T*>(c.input(1).data);
    const T* e = static_cast<const T*>(c.input(2).data);
    T* y = static_cast<T*>(c.output(0).data);
    const Broadcast& b = c.state<Broadcast>();
    const Broadcast::Offsets& d = b.row_strides();
    const int64_t size = b.row_size();
    b.ForEachRow(0, b.num_rows(),
                 [&](int64_t row, const Broadcast::Offsets& at) {
                   T* to = y + row * size;
                   WEFT_VECTORIZE
                   for (int64_t i = 0; i < size; ++i) {
                     to[i] = condition[at[0] + i * d[0]] ? t[at[1] + i * d[1]]
                                                         : e[at[2] + i * d[2]];
                   }
                 });
    return absl::OkStatus();
  }
};

template <typename T>
class ClipByValueKernel : public Kernel {
 public:
  explicit ClipByValueKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    for (int i = 1; i < 3; ++i) {
      if (c.input_shape(i).IsScalar() || c.input_shape(i) == c.input_shape(0))
        continue;
      return InvalidArgument(
          i == 1 ? "clip_value_min is " : "clip_value_max is ",
          c.input_shape(i).ToString(), " but must be a scalar or like t, ",
          c.input_shape(0).ToString());
    }
    c.SetOutput(0, c.input_shape(0));
    c.AllowInPlace(0, 0);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const T* t = c.in<T>(0).data();
    const T* low = c.in<T>(1).data();
    const T* high = c.in<T>(2).data();
    T* y = c.out<T>(0).data();
    const int64_t low_stride = c.input_shape(1).IsScalar() ? 0 : 1;
    const int64_t high_stride = c.input_shape(2).IsScalar() ? 0 : 1;
    const int64_t n = c.output(0).size;
    for (int64_t i = 0; i < n; ++i) {
      // NaN passes both.
      const T a = t[i] < low[i * low_stride] ? low[i * low_stride] : t[i];
      y[i] = a > high[i * high_stride] ? high[i * high_stride] : a;
    }
    return absl::OkStatus();
  }
};

template <typename T, int value>
class FilledLikeKernel : public Kernel {
 public:
  explicit FilledLikeKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    c.SetOutput(0, c.input_shape(0));
    c.AllowInPlace(0, 0);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    T* y = static_cast<T*>(c.output(0).data);
    std::fill_n(y, c.output(0).size, Value());
    return absl::OkStatus();
  }

 private:
  static T Value() {
    if constexpr (std::is_same_v<T, Half>) {
      return ToHalf(value);
    } else if constexpr (std::is_same_v<T, Bfloat16>) {
      return ToBfloat16(value);
    } else {
      return static_cast<T>(value);
    }
  }
};

template <typename T>
using ZerosLikeKernel = FilledLikeKernel<T, 0>;
template <typename T>
using OnesLikeKernel = FilledLikeKernel<T, 1>;

}  // namespace

#define WEFT_KERNEL_PLAIN(op, kernel)                                    \
  WEFT_KERNEL_NUMBERS(op, kernel);                                       \
  WEFT_KERNEL(op, kernel<bool>, {{"T", ::weft::DataType::kBool}});       \
  WEFT_KERNEL(op, kernel<uint8_t>, {{"T", ::weft::DataType::kUint8}});   \
  WEFT_KERNEL(op, kernel<int8_t>, {{"T", ::weft::DataType::kInt8}});     \
  WEFT_KERNEL(op, kernel<int16_t>, {{"T", ::weft::DataType::kInt16}});   \
  WEFT_KERNEL(op, kernel<uint16_t>, {{"T", ::weft::DataType::kUint16}}); \
  WEFT_KERNEL(op, kernel<uint32_t>, {{"T", ::weft::DataType::kUint32}}); \
  WEFT_KERNEL(op, kernel<uint64_t>, {{"T", ::weft::DataType::kUint64}}); \
  WEFT_KERNEL(op, kernel<Half>, {{"T", ::weft::DataType::kHalf}});       \
  WEFT_KERNEL(op, kernel<Bfloat16>, {{"T", ::weft::DataType::kBfloat16}})

// Elements are only moved: one kernel per size of the element.
#define WEFT_KERNEL_MOVING(op, kernel)                                   \
  WEFT_KERNEL(op, kernel<uint32_t>, {{"T", ::weft::DataType::kFloat}});  \
  WEFT_KERNEL(op, kernel<uint64_t>, {{"T", ::weft::DataType::kDouble}}); \
  WEFT_KERNEL(op, kernel<uint32_t>, {{"T", ::weft::DataType::kInt32}});  \
  WEFT_KERNEL(op, kernel<uint64_t>, {{"T", ::weft::DataType::kInt64}});  \
  WEFT_KERNEL(op, kernel<uint8_t>, {{"T", ::weft::DataType::kBool}});    \
  WEFT_KERNEL(op, kernel<uint8_t>, {{"T", ::weft::DataType::kUint8}});   \
  WEFT_KERNEL(op, kernel<uint8_t>, {{"T", ::weft::DataType::kInt8}});    \
  WEFT_KERNEL(op, kernel<uint16_t>, {{"T", ::weft::DataType::kInt16}});  \
  WEFT_KERNEL(op, kernel<uint16_t>, {{"T", ::weft::DataType::kUint16}}); \
  WEFT_KERNEL(op, kernel<uint32_t>, {{"T", ::weft::DataType::kUint32}}); \
  WEFT_KERNEL(op, kernel<uint64_t>, {{"T", ::weft::DataType::kUint64}}); \
  WEFT_KERNEL(op, kernel<uint16_t>, {{"T", ::weft::DataType::kHalf}});   \
  WEFT_KERNEL(op, kernel<uint16_t>, {{"T", ::weft::DataType::kBfloat16}})

WEFT_KERNEL_MOVING(Select, SelectKernel);
WEFT_KERNEL_MOVING(SelectV2, SelectV2Kernel);
WEFT_KERNEL_NUMBERS(ClipByValue, ClipByValueKernel);
WEFT_KERNEL_PLAIN(ZerosLike, ZerosLikeKernel);
WEFT_KERNEL_PLAIN(OnesLike, OnesLikeKernel);

}  // namespace weft
