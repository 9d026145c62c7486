#include <algorithm>
#include <limits>
#include <utility>

#include "core/kernel.h"
#include "core/status.h"
#include "kernels/shape_args.h"

namespace weft {
namespace {

// A vector or scalar of `dtype`, int32 or int64, with these values.
absl::StatusOr<Tensor> IntTensor(DataType dtype, const TensorShape& shape,
                                 absl::Span<const int64_t> values) {
  WEFT_ASSIGN_OR_RETURN(Tensor t, Tensor::Create(dtype, shape));
  for (size_t i = 0; i < values.size(); ++i) {
    if (dtype == DataType::kInt64) {
      t.mutable_data<int64_t>()[i] = values[i];
    } else if (values[i] <= std::numeric_limits<int32_t>::max()) {
      t.mutable_data<int32_t>()[i] = static_cast<int32_t>(values[i]);
    } else {
      return InvalidArgument(values[i], " does not fit an int32");
    }
  }
  return t;
}

absl::Status SetInts(LayoutContext& c, int output, const TensorShape& shape,
                     absl::Span<const int64_t> values) {
  const DataType dtype = c.outputs()[output].dtype;
  WEFT_ASSIGN_OR_RETURN(Tensor t, IntTensor(dtype, shape, values));
  c.SetOutputValue(output, std::move(t));
  return absl::OkStatus();
}

absl::Status SetVector(LayoutContext& c, int output,
                       absl::Span<const int64_t> values) {
  return SetInts(c, output, {static_cast<int64_t>(values.size())}, values);
}

// What follows from shapes, or from values that Layout asks for, is known when
// the layout is made.
class LayoutOnlyKernel : public Kernel {
 public:
  absl::Status Compute(KernelContext&) const override {
    return absl::OkStatus();
  }
};

class ShapeKernel : public LayoutOnlyKernel {
 public:
  explicit ShapeKernel(const KernelInit&) {}

  bool TakesStrides(int) const override { return true; }

  absl::Status Layout(LayoutContext& c) const override {
    for (int i = 0; i < c.num_inputs(); ++i) {
      WEFT_RETURN_IF_ERROR(SetVector(c, i, c.input_shape(i).dims()));
    }
    return absl::OkStatus();
  }
};
WEFT_KERNEL(Shape, ShapeKernel, {});
WEFT_KERNEL(ShapeN, ShapeKernel, {});

class SizeKernel : public LayoutOnlyKernel {
 public:
  explicit SizeKernel(const KernelInit&) {}

  bool TakesStrides(int) const override { return true; }

  absl::Status Layout(LayoutContext& c) const override {
    return SetInts(c, 0, {}, {c.input_shape(0).num_elements()});
  }
};
WEFT_KERNEL(Size, SizeKernel, {});

class RankKernel : public LayoutOnlyKernel {
 public:
  explicit RankKernel(const KernelInit&) {}

  bool TakesStrides(int) const override { return true; }

  absl::Status Layout(LayoutContext& c) const override {
    return SetInts(c, 0, {}, {c.input_shape(0).rank()});
  }
};
WEFT_KERNEL(Rank, RankKernel, {});

// ---- Broadcasting -----------------------------------------------------------

// Two shapes, aligned at their last axes: the shorter with leading ones.
struct AlignedShapes {
  IntVector s0, s1;
};

absl::StatusOr<AlignedShapes> Align(const Tensor& t0, const Tensor& t1) {
  AlignedShapes a = {ReadInts(t0), ReadInts(t1)};
  const size_t rank = std::max(a.s0.size(), a.s1.size());
  a.s0.insert(a.s0.begin(), rank - a.s0.size(), 1);
  a.s1.insert(a.s1.begin(), rank - a.s1.size(), 1);
  for (size_t i = 0; i < rank; ++i) {
    if (a.s0[i] != a.s1[i] && a.s0[i] != 1 && a.s1[i] != 1) {
      return InvalidArgument("shapes [", absl::StrJoin(a.s0, ", "), "] and [",
                             absl::StrJoin(a.s1, ", "),
                             "] do not broadcast: ", a.s0[i], " and ", a.s1[i],
                             " differ");
    }
  }
  return a;
}

absl::Status ExpectTwoVectors(const LayoutContext& c) {
  WEFT_RETURN_IF_ERROR(ExpectRank(c, 0, 1, "s0"));
  return ExpectRank(c, 1, 1, "s1");
}

class BroadcastArgsKernel : public Kernel {
 public:
  explicit BroadcastArgsKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectTwoVectors(c));
    c.SetOutput(0,
                {std::max(c.input_shape(0).dim(0), c.input_shape(1).dim(0))});
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    WEFT_ASSIGN_OR_RETURN(const AlignedShapes a,
                          Align(c.BorrowInput(0), c.BorrowInput(1)));
    for (size_t i = 0; i < a.s0.size(); ++i) {
      const int64_t size = a.s0[i] == 1 ? a.s1[i] : a.s0[i];
      if (c.output(0).dtype == DataType::kInt64) {
        c.out<int64_t>(0)[i] = size;
      } else {
        c.out<int32_t>(0)[i] = static_cast<int32_t>(size);
      }
    }
    return absl::OkStatus();
  }
};
WEFT_KERNEL(BroadcastArgs, BroadcastArgsKernel, {});

// How many axes a shape has been repeated along depends on the values.
class BroadcastGradientArgsKernel : public LayoutOnlyKernel {
 public:
  explicit BroadcastGradientArgsKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectTwoVectors(c));
    const Tensor* s0 = c.NeedValue(0);
    const Tensor* s1 = c.NeedValue(1);
    if (s0 == nullptr || s1 == nullptr) return c.Defer();
    WEFT_ASSIGN_OR_RETURN(const AlignedShapes a, Align(*s0, *s1));
    const int64_t rank = static_cast<int64_t>(a.s0.size());
    IntVector r0, r1;
    for (int64_t i = 0; i < rank; ++i) {
      // Where both are 1 an axis is summed only if the shape does not have it.
      if (a.s0[i] == 1 && (a.s1[i] != 1 || i < rank - s0->num_elements()))
        r0.push_back(i);
      if (a.s1[i] == 1 && (a.s0[i] != 1 || i < rank - s1->num_elements()))
        r1.push_back(i);
    }
    WEFT_RETURN_IF_ERROR(SetVector(c, 0, r0));
    return SetVector(c, 1, r1);
  }
};
WEFT_KERNEL(BroadcastGradientArgs, BroadcastGradientArgsKernel, {});

// ---- ConcatOffset -----------------------------------------------------------

class ConcatOffsetKernel : public Kernel {
 public:
  explicit ConcatOffsetKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 0, 0, "concat_dim"));
    for (int i = 1; i < c.num_inputs(); ++i) {
      WEFT_RETURN_IF_ERROR(ExpectRank(c, i, 1, "shape"));
      WEFT_RETURN_IF_ERROR(
          ExpectVector(c, i, c.input_shape(1).dim(0), "shape"));
      c.SetOutput(i - 1, c.input_shape(i));
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const int rank = static_cast<int>(c.input(1).size);
    WEFT_ASSIGN_OR_RETURN(const int axis,
                          NormalizeAxis(ReadInt(c.input(0)), rank));
    int64_t offset = 0;
    for (int i = 0; i < c.num_outputs(); ++i) {
      const IntVector shape = ReadInts(c.input(i + 1));
      for (int k = 0; k < rank; ++k) {
        const int64_t begin = k == axis ? offset : 0;
        if (c.output(i).dtype == DataType::kInt64) {
          c.out<int64_t>(i)[k] = begin;
        } else {
          c.out<int32_t>(i)[k] = static_cast<int32_t>(begin);
        }
      }
      if (__builtin_add_overflow(offset, shape[axis], &offset)) {
        return InvalidArgument("the sizes along axis ", axis, " overflow");
      }
    }
    return absl::OkStatus();
  }
};
WEFT_KERNEL(ConcatOffset, ConcatOffsetKernel, {});

}  // namespace
}  // namespace weft
