#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "core/kernel.h"
#include "core/status.h"

namespace weft {
namespace {

constexpr int64_t kGrain = 16384;  // Elements; below, handing over costs more.

absl::Status ExpectShape(const LayoutContext& c, int input,
                         const TensorShape& shape) {
  if (c.input_shape(input) == shape) return absl::OkStatus();
  return InvalidArgument("input ", input, " is ",
                         c.input_shape(input).ToString(), " but must be ",
                         shape.ToString());
}

// The output is the variable's memory: its value at the start of the run,
// unless the plan puts a write before.
class ReadVariableOpKernel : public Kernel {
 public:
  explicit ReadVariableOpKernel(const KernelInit&) {}
  absl::Status Layout(LayoutContext& c) const override {
    c.SetOutputView(0, 0, c.input_shape(0));
    return absl::OkStatus();
  }
  absl::Status Compute(KernelContext&) const override {
    return absl::OkStatus();
  }
};
WEFT_KERNEL(ReadVariableOp, ReadVariableOpKernel, {});

class AssignVariableOpKernel : public Kernel {
 public:
  explicit AssignVariableOpKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    return ExpectShape(c, 1, c.input_shape(0));
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorRef& value = c.input(1);
    if (value.dtype == DataType::kString) {
      const absl::Span<const std::string> from = c.in<std::string>(1);
      std::copy(from.begin(), from.end(), c.var<std::string>(0).begin());
      return absl::OkStatus();
    }
    const size_t bytes = value.size * DataTypeSize(value.dtype);
    if (bytes > 0 && value.data != c.input(0).data) {
      std::memcpy(c.input(0).data, value.data, bytes);
    }
    return absl::OkStatus();
  }
};
WEFT_KERNEL(AssignVariableOp, AssignVariableOpKernel, {});

// Wraps around for integers, as TensorFlow does, without undefined behaviour.
template <typename T>
T WrappingAdd(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
  } else {
    return a + b;
  }
}

template <typename T>
T WrappingSub(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(a) - static_cast<U>(b));
  } else {
    return a - b;
  }
}

template <typename T, T (*Combine)(T, T)>
class UpdateKernel : public Kernel {
 public:
  explicit UpdateKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    return ExpectShape(c, 1, c.input_shape(0));
  }

  absl::Status Compute(KernelContext& c) const override {
    const absl::Span<T> var = c.var<T>(0);
    const absl::Span<const T> value = c.in<T>(1);
    c.pool().ParallelFor(var.size(), kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) var[i] = Combine(var[i], value[i]);
    });
    return absl::OkStatus();
  }
};
template <typename T>
using AssignAddVariableOpKernel = UpdateKernel<T, WrappingAdd<T>>;
template <typename T>
using AssignSubVariableOpKernel = UpdateKernel<T, WrappingSub<T>>;

WEFT_KERNEL(AssignAddVariableOp, AssignAddVariableOpKernel<float>,
            {{"dtype", DataType::kFloat}});
WEFT_KERNEL(AssignAddVariableOp, AssignAddVariableOpKernel<double>,
            {{"dtype", DataType::kDouble}});
WEFT_KERNEL(AssignAddVariableOp, AssignAddVariableOpKernel<int32_t>,
            {{"dtype", DataType::kInt32}});
WEFT_KERNEL(AssignAddVariableOp, AssignAddVariableOpKernel<int64_t>,
            {{"dtype", DataType::kInt64}});
WEFT_KERNEL(AssignSubVariableOp, AssignSubVariableOpKernel<float>,
            {{"dtype", DataType::kFloat}});
WEFT_KERNEL(AssignSubVariableOp, AssignSubVariableOpKernel<double>,
            {{"dtype", DataType::kDouble}});
WEFT_KERNEL(AssignSubVariableOp, AssignSubVariableOpKernel<int32_t>,
            {{"dtype", DataType::kInt32}});
WEFT_KERNEL(AssignSubVariableOp, AssignSubVariableOpKernel<int64_t>,
            {{"dtype", DataType::kInt64}});

// A variable without a value has no memory.
class VarIsInitializedOpKernel : public Kernel {
 public:
  explicit VarIsInitializedOpKernel(const KernelInit&) {}
  absl::Status Layout(LayoutContext& c) const override {
    c.SetOutput(0, TensorShape{});
    return absl::OkStatus();
  }
  absl::Status Compute(KernelContext& c) const override {
    c.out<bool>(0)[0] = c.input(0).data != nullptr;
    return absl::OkStatus();
  }
};
WEFT_KERNEL(VarIsInitializedOp, VarIsInitializedOpKernel, {});

// The shape of `indices`, then that of a row of the variable in input 0.
absl::StatusOr<TensorShape> RowsShape(const LayoutContext& c) {
  const TensorShape& var = c.input_shape(0);
  if (var.rank() < 1)
    return InvalidArgument("the variable is a scalar and has no rows");
  std::vector<int64_t> dims(c.input_shape(1).dims().begin(),
                            c.input_shape(1).dims().end());
  dims.insert(dims.end(), var.dims().begin() + 1, var.dims().end());
  return TensorShape::Create(dims);
}

template <typename Index>
absl::Status CheckIndex(absl::Span<const Index> indices, size_t i,
                        int64_t rows) {
  if (indices[i] >= 0 && indices[i] < rows) return absl::OkStatus();
  return OutOfRange("indices[", i, "] is ", indices[i],
                    " but the variable has ", rows, " rows");
}

// Elements of one row of the variable in input 0.
int64_t RowSize(const KernelContext& c) {
  int64_t size = 1;
  for (int i = 1; i < c.input_shape(0).rank(); ++i)
    size *= c.input_shape(0).dim(i);
  return size;
}

template <typename Index>
class ResourceGatherKernel : public Kernel {
 public:
  explicit ResourceGatherKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_ASSIGN_OR_RETURN(TensorShape shape, RowsShape(c));
    c.SetOutput(0, std::move(shape));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const absl::Span<const Index> indices = c.in<Index>(1);
    const int64_t rows = c.input_shape(0).dim(0);
    for (size_t i = 0; i < indices.size(); ++i) {
      WEFT_RETURN_IF_ERROR(CheckIndex(indices, i, rows));
    }
    const TensorRef& out = c.output(0);
    if (!IsPlain(out.dtype))
      return Unimplemented("rows of ", DataTypeName(out.dtype));
    const size_t row_bytes = RowSize(c) * DataTypeSize(out.dtype);
    if (row_bytes == 0) return absl::OkStatus();
    const char* from = static_cast<const char*>(c.input(0).data);
    char* to = static_cast<char*>(out.data);
    const int64_t grain = std::max<int64_t>(1, kGrain * 4 / row_bytes);
    c.pool().ParallelFor(
        indices.size(), grain, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            std::memcpy(to + i * row_bytes, from + indices[i] * row_bytes,
                        row_bytes);
          }
        });
    return absl::OkStatus();
  }
};
WEFT_KERNEL(ResourceGather, ResourceGatherKernel<int32_t>,
            {{"Tindices", DataType::kInt32}});
WEFT_KERNEL(ResourceGather, ResourceGatherKernel<int64_t>,
            {{"Tindices", DataType::kInt64}});

template <typename T>
struct AddRow {
  static void Apply(T* row, T update) { *row = WrappingAdd(*row, update); }
};
template <typename T>
struct SubRow {
  static void Apply(T* row, T update) { *row = WrappingSub(*row, update); }
};
template <typename T>
struct SetRow {
  static void Apply(T* row, T update) { *row = update; }
};

template <typename T, typename Index, typename Change>
class ScatterKernel : public Kernel {
 public:
  explicit ScatterKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_ASSIGN_OR_RETURN(const TensorShape shape, RowsShape(c));
    return ExpectShape(c, 2, shape);
  }

  absl::Status Compute(KernelContext& c) const override {
    const absl::Span<const Index> indices = c.in<Index>(1);
    const int64_t rows = c.input_shape(0).dim(0);
    // All are checked first: a failed run must not have changed a row.
    for (size_t i = 0; i < indices.size(); ++i) {
      WEFT_RETURN_IF_ERROR(CheckIndex(indices, i, rows));
    }
    const absl::Span<T> var = c.var<T>(0);
    const absl::Span<const T> updates = c.in<T>(2);
    const int64_t row_size = RowSize(c);
    // Split along the columns: rows may occur twice, and change in order.
    const int64_t grain =
        std::max<int64_t>(16, kGrain / std::max<int64_t>(1, indices.size()));
    c.pool().ParallelFor(row_size, grain, [&](int64_t begin, int64_t end) {
      for (size_t i = 0; i < indices.size(); ++i) {
        T* row = var.data() + indices[i] * row_size;
        const T* update = updates.data() + i * row_size;
        for (int64_t k = begin; k < end; ++k) Change::Apply(row + k, update[k]);
      }
    });
    return absl::OkStatus();
  }
};

template <template <typename> typename Change, typename T, typename Index>
void RegisterOne(const char* op) {
  KernelRegistry::Global().Register(
      op, {{"dtype", DataTypeOf<T>()}, {"Tindices", DataTypeOf<Index>()}},
      FactoryOf<ScatterKernel<T, Index, Change<T>>>());
}

template <template <typename> typename Change, typename... Types>
bool Register(const char* op) {
  (RegisterOne<Change, Types, int32_t>(op), ...);
  (RegisterOne<Change, Types, int64_t>(op), ...);
  return true;
}

[[maybe_unused]] const bool kRegistered =
    Register<AddRow, float, double, int32_t, int64_t>("ResourceScatterAdd") &&
    Register<SubRow, float, double, int32_t, int64_t>("ResourceScatterSub") &&
    Register<SetRow, float, double, int32_t, int64_t>("ResourceScatterUpdate");

}  // namespace
}  // namespace weft
