// SpaceToBatchND, BatchToSpaceND, MirrorPad and LinSpace.
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "core/kernel.h"
#include "core/status.h"
#include "kernels/array_copy.h"
#include "kernels/elementwise.h"
#include "kernels/shape_args.h"

namespace weft {
namespace {

// ---- SpaceToBatchND, BatchToSpaceND -----------------------------------------

// Blocks of a space, and what is around it: from inputs 1 and 2.
struct Blocks {
  IntVector size;
  IntVector before, after;
  int64_t product = 1;
};

// InvalidArgument unless all sizes are allowed. `what` is input 2's name.
absl::Status Read(const TensorRef& block_shape, const TensorRef& pads,
                  absl::string_view what, Blocks* blocks) {
  blocks->size = ReadInts(block_shape);
  const IntVector around = ReadInts(pads);
  for (size_t i = 0; i < blocks->size.size(); ++i) {
    if (blocks->size[i] < 1) {
      return InvalidArgument("block_shape[", i, "] is ", blocks->size[i],
                             " but must be 1 or more");
    }
    if (MultiplyOverflows(blocks->product, blocks->size[i], &blocks->product))
      return InvalidArgument("block_shape is too large");
    for (int k = 0; k < 2; ++k) {
      const int64_t pad = around[2 * i + k];
      if (pad < 0) {
        return InvalidArgument(what, "[", i, "][", k, "] is ", pad,
                               " but must be 0 or more");
      }
      (k == 0 ? blocks->before : blocks->after).push_back(pad);
    }
  }
  return absl::OkStatus();
}

TensorRef RefOf(const Tensor& t) {
  return {const_cast<void*>(t.raw_data()), t.num_elements(), &t.shape(),
          t.dtype()};
}

int64_t CeilDiv(int64_t a, int64_t b) {  // b > 0.
  return a / b + (a % b > 0 ? 1 : 0);
}

template <bool to_batch>
class BlocksKernel : public Kernel {
 public:
  explicit BlocksKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& input = c.input_shape(0);
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 1, 1, "block_shape"));
    const int64_t space = c.input_shape(1).dim(0);
    const TensorShape pads = {space, 2};
    if (c.input_shape(2) != pads) {
      return InvalidArgument(kPads, " is ", c.input_shape(2).ToString(),
                             " but must be ", pads.ToString());
    }
    if (input.rank() < 1 + space) {
      return InvalidArgument("input is ", input.ToString(),
                             " but must have rank ", 1 + space, " or more");
    }
    const Tensor* block_shape = c.NeedValue(1);
    const Tensor* around = c.NeedValue(2);
    if (block_shape == nullptr || around == nullptr) return c.Defer();
    Blocks blocks;
    WEFT_RETURN_IF_ERROR(
        Read(RefOf(*block_shape), RefOf(*around), kPads, &blocks));
    WEFT_ASSIGN_OR_RETURN(TensorShape shape, ShapeOf(input, blocks));
    c.SetOutput(0, std::move(shape));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    Blocks blocks;
    WEFT_RETURN_IF_ERROR(Read(c.input(1), c.input(2), kPads, &blocks));
    const TensorRef& in = c.input(0);
    const TensorRef& out = c.output(0);
    if (out.size == 0) return absl::OkStatus();
    if (to_batch) ClearElements(out.dtype, out.data, out.size);
    if (in.size == 0) return absl::OkStatus();
    for (int64_t k = 0; k < blocks.product; ++k) CopyEntry(c, blocks, k);
    return absl::OkStatus();
  }

 private:
  static constexpr absl::string_view kPads = to_batch ? "paddings" : "crops";

  static absl::StatusOr<TensorShape> ShapeOf(const TensorShape& input,
                                             const Blocks& blocks) {
    IntVector dims(input.dims().begin(), input.dims().end());
    for (size_t i = 0; i < blocks.size.size(); ++i) {
      int64_t& dim = dims[i + 1];
      if (to_batch) {
        if (__builtin_add_overflow(dim, blocks.before[i], &dim) ||
            __builtin_add_overflow(dim, blocks.after[i], &dim))
          return InvalidArgument("paddings[", i, "] is too large");
        if (dim % blocks.size[i] != 0) {
          return InvalidArgument("the padded size of axis ", i + 1, " is ", dim,
                                 " but must be a multiple of block_shape[", i,
                                 "] = ", blocks.size[i]);
        }
        dim /= blocks.size[i];
      } else {
        if (MultiplyOverflows(dim, blocks.size[i], &dim))
          return InvalidArgument("block_shape[", i, "] is too large");
        if (blocks.before[i] > dim ||
            blocks.after[i] > dim - blocks.before[i]) {
          return InvalidArgument("crops[", i, "] is [", blocks.before[i], ", ",
                                 blocks.after[i], "] but there are only ", dim,
                                 " elements");
        }
        dim -= blocks.before[i] + blocks.after[i];
      }
    }
    if (to_batch) {
      if (MultiplyOverflows(dims[0], blocks.product, &dims[0]))
        return InvalidArgument("block_shape is too large");
    } else {
      if (dims[0] % blocks.product != 0) {
        return InvalidArgument("batch is ", dims[0],
                               " but must be a multiple of the product of "
                               "block_shape, ",
                               blocks.product);
      }
      dims[0] /= blocks.product;
    }
    return ShapeOfSizes(dims);
  }

  // Copies entry k of all blocks, between the large space and part k of the
  // large batch.
  static void CopyEntry(KernelContext& c, const Blocks& blocks, int64_t k) {
    const TensorRef& spread = to_batch ? c.input(0) : c.output(0);
    const TensorRef& packed = to_batch ? c.output(0) : c.input(0);
    const IntVector spread_steps = Steps(*spread.shape);
    const IntVector packed_steps = Steps(*packed.shape);
    const int rank = spread.shape->rank();
    const int space = static_cast<int>(blocks.size.size());
    CopyAxes axes(rank);
    int64_t spread_at = 0;
    const int64_t batch = spread.shape->dim(0);
    int64_t packed_at = k * batch * packed_steps[0];
    for (int i = rank - 1; i >= 0; --i) {
      int64_t size = spread.shape->dim(i);
      int64_t spread_step = spread_steps[i];
      if (i >= 1 && i <= space) {
        const int64_t block = blocks.size[i - 1];
        // Where entry k of a block stands in the space, without its padding.
        const int64_t offset = k % block - blocks.before[i - 1];
        k /= block;
        const int64_t begin = offset < 0 ? CeilDiv(-offset, block) : 0;
        const int64_t end =
            std::min(packed.shape->dim(i),
                     size > offset ? CeilDiv(size - offset, block) : 0);
        if (begin >= end) return;
        spread_at += (begin * block + offset) * spread_steps[i];
        packed_at += begin * packed_steps[i];
        size = end - begin;
        spread_step *= block;
      }
      axes[i] = to_batch ? CopyAxis{size, spread_step, packed_steps[i]}
                         : CopyAxis{size, packed_steps[i], spread_step};
    }
    const void* from = c.input(0).data;
    void* to = c.output(0).data;
    const DataType dtype = c.output(0).dtype;
    CopyBox(c.pool(), dtype, At(from, dtype, to_batch ? spread_at : packed_at),
            At(to, dtype, to_batch ? packed_at : spread_at), std::move(axes));
  }
};
using SpaceToBatchKernel = BlocksKernel<true>;
using BatchToSpaceKernel = BlocksKernel<false>;
WEFT_KERNEL(SpaceToBatchND, SpaceToBatchKernel, {});
WEFT_KERNEL(BatchToSpaceND, BatchToSpaceKernel, {});

// ---- MirrorPad --------------------------------------------------------------

// How far from the edge the mirror stands: it repeats the edge if symmetric.
int MirrorOffset(const KernelInit& init) {
  return init.attrs.Get<std::string>("mode") == "SYMMETRIC" ? 0 : 1;
}

// `paddings` of a tensor of shape `inner`. InvalidArgument if there is less to
// mirror.
absl::StatusOr<IntVector> MirrorPaddings(const IntVector& pads,
                                         const IntVector& inner, int offset) {
  for (size_t i = 0; i < inner.size(); ++i) {
    const int64_t limit = std::max<int64_t>(inner[i] - offset, 0);
    for (int k = 0; k < 2; ++k) {
      if (pads[2 * i + k] >= 0 && pads[2 * i + k] <= limit) continue;
      return InvalidArgument("paddings[", i, "][", k, "] is ", pads[2 * i + k],
                             " but must be in [0, ", limit, "] for an axis of ",
                             inner[i]);
    }
  }
  return pads;
}

// Calls use(outer place, inner place) for each element of the padded tensor.
template <typename Use>
void ForEachMirrored(const TensorShape& outer, const TensorShape& inner,
                     const IntVector& pads, int offset, const Use& use) {
  const int rank = outer.rank();
  const IntVector steps = Steps(inner);
  IntVector at(rank, 0);
  const auto source = [&](int i) {
    const int64_t size = inner.dim(i);
    int64_t place = at[i] - pads[2 * i];
    if (place < 0) place = -place - 1 + offset;
    if (place >= size) place = 2 * size - place - 1 - offset;
    return place * steps[i];
  };
  const int64_t n = outer.num_elements();
  for (int64_t k = 0; k < n; ++k) {
    int64_t place = 0;
    for (int i = 0; i < rank; ++i) place += source(i);
    use(k, place);
    for (int i = rank - 1; i >= 0 && ++at[i] == outer.dim(i); --i) at[i] = 0;
  }
}

absl::Status ExpectPaddings(const LayoutContext& c) {
  const TensorShape wanted = {c.input_shape(0).rank(), 2};
  if (c.input_shape(1) == wanted) return absl::OkStatus();
  return InvalidArgument("paddings is ", c.input_shape(1).ToString(),
                         " but must be ", wanted.ToString());
}

class MirrorPadKernel : public Kernel {
 public:
  explicit MirrorPadKernel(const KernelInit& init)
      : offset_(MirrorOffset(init)) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectPaddings(c));
    const Tensor* value = c.NeedValue(1);
    if (value == nullptr) return c.Defer();
    const TensorShape& input = c.input_shape(0);
    IntVector dims(input.dims().begin(), input.dims().end());
    WEFT_ASSIGN_OR_RETURN(const IntVector pads,
                          MirrorPaddings(ReadInts(*value), dims, offset_));
    for (size_t i = 0; i < pads.size(); ++i) dims[i / 2] += pads[i];
    WEFT_ASSIGN_OR_RETURN(TensorShape shape, ShapeOfSizes(dims));
    c.SetOutput(0, std::move(shape));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorRef& in = c.input(0);
    const TensorRef& out = c.output(0);
    ForEachMirrored(*out.shape, *in.shape, ReadInts(c.input(1)), offset_,
                    [&](int64_t outer, int64_t inner) {
                      const void* from = in.data;
                      CopyElements(out.dtype, At(from, in.dtype, inner),
                                   At(out.data, out.dtype, outer), 1);
                    });
    return absl::OkStatus();
  }

 private:
  const int offset_;
};
WEFT_KERNEL(MirrorPad, MirrorPadKernel, {});

template <typename T>
class MirrorPadGradKernel : public Kernel {
 public:
  explicit MirrorPadGradKernel(const KernelInit& init)
      : offset_(MirrorOffset(init)) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectPaddings(c));
    const Tensor* value = c.NeedValue(1);
    if (value == nullptr) return c.Defer();
    const IntVector pads = ReadInts(*value);
    const TensorShape& input = c.input_shape(0);
    IntVector dims(input.dims().begin(), input.dims().end());
    for (size_t i = 0; i < pads.size(); ++i) {
      if (pads[i] < 0 || pads[i] > dims[i / 2]) {
        return InvalidArgument("paddings[", i / 2, "][", i % 2, "] is ",
                               pads[i], " but input is ", input.ToString());
      }
      dims[i / 2] -= pads[i];
    }
    WEFT_RETURN_IF_ERROR(MirrorPaddings(pads, dims, offset_).status());
    WEFT_ASSIGN_OR_RETURN(TensorShape shape, ShapeOfSizes(dims));
    c.SetOutput(0, std::move(shape));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const absl::Span<const T> in = c.in<T>(0);
    const absl::Span<T> out = c.out<T>(0);
    std::fill(out.begin(), out.end(), T{0});
    ForEachMirrored(c.input_shape(0), c.output_shape(0), ReadInts(c.input(1)),
                    offset_, [&](int64_t outer, int64_t inner) {
                      out[inner] = WrappingAdd(out[inner], in[outer]);
                    });
    return absl::OkStatus();
  }

 private:
  const int offset_;
};
WEFT_KERNEL_NUMBERS(MirrorPadGrad, MirrorPadGradKernel);

// ---- LinSpace ---------------------------------------------------------------

template <typename T>
class LinSpaceKernel : public Kernel {
 public:
  explicit LinSpaceKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 0, 0, "start"));
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 1, 0, "stop"));
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 2, 0, "num"));
    const Tensor* num = c.NeedValue(2);
    if (num == nullptr) return c.Defer();
    if (ReadInt(*num) < 1)
      return InvalidArgument("num is ", ReadInt(*num),
                             " but must be 1 or more");
    WEFT_ASSIGN_OR_RETURN(TensorShape shape, ShapeOfSizes({ReadInt(*num)}));
    c.SetOutput(0, std::move(shape));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const T start = c.in<T>(0)[0], stop = c.in<T>(1)[0];
    const absl::Span<T> out = c.out<T>(0);
    const T step = (stop - start) / static_cast<T>(out.size() - 1);
    for (size_t i = 1; i + 1 < out.size(); ++i)
      out[i] = start + step * static_cast<T>(i);
    if (out.size() > 1) out[out.size() - 1] = stop;
    out[0] = start;
    return absl::OkStatus();
  }
};
WEFT_KERNEL_FLOATS(LinSpace, LinSpaceKernel);

}  // namespace
}  // namespace weft
