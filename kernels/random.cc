#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "core/kernel.h"
#include "core/philox.h"
#include "core/status.h"
#include "kernels/random_stream.h"
#include "kernels/random_uniform.h"
#include "kernels/shape_args.h"

namespace weft {
namespace {

// Each value may use up to this many blocks, whatever it is drawn from: how
// TensorFlow counts, so that its streams are met in every run.
constexpr uint64_t kBlocksPerValue = 256;
constexpr int64_t kGrainElements = 1 << 12;

// The stream of a stateless op with the two seeds of input 1.
Philox StatelessStreamOf(const KernelContext& c) {
  const TensorRef& seed = c.input(1);
  return Philox::Stateless(IntAt(seed.data, seed.dtype, 0),
                           IntAt(seed.data, seed.dtype, 1));
}

// Output 0 has the shape that input 0 says.
absl::Status LayOutShaped(LayoutContext& c) {
  WEFT_RETURN_IF_ERROR(ExpectRank(c, 0, 1, "shape"));
  const Tensor* sizes = c.NeedValue(0);
  if (sizes == nullptr) return c.Defer();
  WEFT_ASSIGN_OR_RETURN(TensorShape shape, ShapeOfSizes(ReadInts(*sizes)));
  c.SetOutput(0, std::move(shape));
  return absl::OkStatus();
}

absl::Status LayOutStateless(LayoutContext& c) {
  WEFT_RETURN_IF_ERROR(ExpectVector(c, 1, 2, "seed"));
  return LayOutShaped(c);
}

// ---- Distributions ----------------------------------------------------------

// Values of which a block gives kPerBlock; a part that begins at such a
// multiple begins kBlocks blocks further for each.
template <typename T>
struct Uniform {
  static constexpr int64_t kPerBlock = sizeof(T) == 8 ? 2 : 4;
  static constexpr uint64_t kBlocks = 1;
  static void Fill(const Philox& stream, uint64_t block, absl::Span<T> out) {
    if constexpr (std::is_same_v<T, float>) {
      FillUniformFast(stream, block, out);
    } else {
      FillUniform(stream, block, out);
    }
  }
};

template <typename T>
struct Normal {
  static constexpr int64_t kPerBlock = sizeof(T) == 8 ? 2 : 4;
  static constexpr uint64_t kBlocks = 1;
  static void Fill(const Philox& stream, uint64_t block, absl::Span<T> out) {
    FillNormal(stream, block, out);
  }
};

template <typename T>
struct Truncated {
  static constexpr int64_t kPerBlock = sizeof(T) == 8 ? 2 : 4;
  static constexpr uint64_t kBlocks = sizeof(T) == 8 ? 128 : 256;
  static void Fill(const Philox& stream, uint64_t block, absl::Span<T> out) {
    FillTruncatedNormal(stream, block, out);
  }
};

// Calls fill(block, part) for parts of `out`, from several threads.
template <typename T, typename FillPart>
void FillInParts(ThreadPool& pool, absl::Span<T> out, int64_t per_block,
                 uint64_t blocks, uint64_t first_block, const FillPart& fill) {
  const int64_t size = static_cast<int64_t>(out.size());
  const auto fill_range = [&](int64_t begin, int64_t end) {
    fill(first_block + begin / per_block * blocks,
         out.subspan(begin, end - begin));
  };
  if (size <= kGrainElements) return fill_range(0, size);
  pool.ParallelFor(size, kGrainElements, fill_range);
}

template <typename D, typename T>
void FillAll(ThreadPool& pool, const Philox& stream, uint64_t first_block,
             absl::Span<T> out) {
  FillInParts(pool, out, D::kPerBlock, D::kBlocks, first_block,
              [&](uint64_t block, absl::Span<T> part) {
                D::Fill(stream, block, part);
              });
}

template <template <typename> typename D, typename T>
class RandomKernel : public Kernel {
 public:
  explicit RandomKernel(const KernelInit& init) : stream_(StreamOf(init)) {}

  absl::Status Layout(LayoutContext& c) const override {
    return LayOutShaped(c);
  }

  absl::Status Compute(KernelContext& c) const override {
    absl::Span<T> out = c.out<T>(0);
    FillAll<D<T>>(c.pool(), stream_,
                  c.TakeRandomBlocks(out.size() * kBlocksPerValue), out);
    return absl::OkStatus();
  }

 private:
  const Philox stream_;
};

template <template <typename> typename D, typename T>
class StatelessRandomKernel : public Kernel {
 public:
  explicit StatelessRandomKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    return LayOutStateless(c);
  }

  absl::Status Compute(KernelContext& c) const override {
    FillAll<D<T>>(c.pool(), StatelessStreamOf(c), 0, c.out<T>(0));
    return absl::OkStatus();
  }
};

#define WEFT_RANDOM_KERNELS(op, kernel, distribution)              \
  using op##Half = kernel<distribution, Half>;                     \
  using op##Bfloat16 = kernel<distribution, Bfloat16>;             \
  using op##Float = kernel<distribution, float>;                   \
  using op##Double = kernel<distribution, double>;                 \
  WEFT_KERNEL(op, op##Half, {{"dtype", DataType::kHalf}});         \
  WEFT_KERNEL(op, op##Bfloat16, {{"dtype", DataType::kBfloat16}}); \
  WEFT_KERNEL(op, op##Float, {{"dtype", DataType::kFloat}});       \
  WEFT_KERNEL(op, op##Double, {{"dtype", DataType::kDouble}})

WEFT_RANDOM_KERNELS(RandomUniform, RandomKernel, Uniform);
WEFT_RANDOM_KERNELS(RandomStandardNormal, RandomKernel, Normal);
WEFT_RANDOM_KERNELS(TruncatedNormal, RandomKernel, Truncated);
WEFT_RANDOM_KERNELS(StatelessRandomUniform, StatelessRandomKernel, Uniform);
WEFT_RANDOM_KERNELS(StatelessRandomNormal, StatelessRandomKernel, Normal);
WEFT_RANDOM_KERNELS(StatelessTruncatedNormal, StatelessRandomKernel, Truncated);

// ---- Integers ---------------------------------------------------------------

// Fills `out` with integers in [inputs `first`, `first` + 1).
template <typename T>
absl::Status FillInts(KernelContext& c, const Philox& stream,
                      uint64_t first_block, int first) {
  const T minval = c.in<T>(first)[0], maxval = c.in<T>(first + 1)[0];
  if (minval >= maxval) {
    return InvalidArgument("minval is ", minval,
                           " but must be below maxval = ", maxval);
  }
  FillInParts(c.pool(), c.out<T>(0), Uniform<T>::kPerBlock, 1, first_block,
              [&](uint64_t block, absl::Span<T> part) {
                FillUniformInt(stream, block, minval, maxval, part);
              });
  return absl::OkStatus();
}

absl::Status ExpectBounds(const LayoutContext& c, int first) {
  WEFT_RETURN_IF_ERROR(ExpectRank(c, first, 0, "minval"));
  return ExpectRank(c, first + 1, 0, "maxval");
}

template <typename T>
class RandomUniformIntKernel : public Kernel {
 public:
  explicit RandomUniformIntKernel(const KernelInit& init)
      : stream_(StreamOf(init)) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectBounds(c, 1));
    return LayOutShaped(c);
  }

  absl::Status Compute(KernelContext& c) const override {
    const uint64_t block =
        c.TakeRandomBlocks(c.output(0).size * kBlocksPerValue);
    return FillInts<T>(c, stream_, block, 1);
  }

 private:
  const Philox stream_;
};
WEFT_KERNEL(RandomUniformInt, RandomUniformIntKernel<int32_t>,
            {{"Tout", DataType::kInt32}});
WEFT_KERNEL(RandomUniformInt, RandomUniformIntKernel<int64_t>,
            {{"Tout", DataType::kInt64}});

template <typename T>
class StatelessRandomUniformIntKernel : public Kernel {
 public:
  explicit StatelessRandomUniformIntKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectBounds(c, 2));
    return LayOutStateless(c);
  }

  absl::Status Compute(KernelContext& c) const override {
    return FillInts<T>(c, StatelessStreamOf(c), 0, 2);
  }
};
WEFT_KERNEL(StatelessRandomUniformInt, StatelessRandomUniformIntKernel<int32_t>,
            {{"dtype", DataType::kInt32}});
WEFT_KERNEL(StatelessRandomUniformInt, StatelessRandomUniformIntKernel<int64_t>,
            {{"dtype", DataType::kInt64}});

// ---- Multinomial ------------------------------------------------------------

template <typename T>
class MultinomialKernel : public Kernel {
 public:
  explicit MultinomialKernel(const KernelInit& init)
      : stream_(StreamOf(init)) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 0, 2, "logits"));
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 1, 0, "num_samples"));
    const Tensor* samples = c.NeedValue(1);
    if (samples == nullptr) return c.Defer();
    const TensorShape& logits = c.input_shape(0);
    WEFT_ASSIGN_OR_RETURN(TensorShape shape,
                          ShapeOfSizes({logits.dim(0), ReadInt(*samples)}));
    if (logits.dim(1) == 0 && shape.num_elements() > 0) {
      return InvalidArgument("logits is ", logits.ToString(),
                             " but must have a class");
    }
    // The cumulated probabilities of one row, and one draw per sample.
    int64_t bytes = 0;
    if (MultiplyOverflows(shape.dim(1) + logits.dim(1), sizeof(double),
                          &bytes)) {
      return ResourceExhausted(shape.dim(1), " samples are too many");
    }
    c.SetScratch(bytes);
    c.SetOutput(0, std::move(shape));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const int64_t batch = c.output_shape(0).dim(0),
                  samples = c.output_shape(0).dim(1);
    const int64_t classes = c.input_shape(0).dim(1);
    // As TensorFlow reserves them: rows of a multiple of 4 samples, of 2 words.
    const uint64_t reserved =
        static_cast<uint64_t>(batch) * ((samples + 3) / 4 * 4) * 2;
    const uint64_t first_block = c.TakeRandomBlocks(reserved * kBlocksPerValue);
    double* scratch = static_cast<double*>(c.scratch());
    const absl::Span<double> cumulated(scratch, classes);
    const absl::Span<double> draws(scratch + classes, samples);
    for (int64_t row = 0; row < batch && samples > 0; ++row) {
      if (!Cumulate(c.in<T>(0).subspan(row * classes, classes), cumulated)) {
        return InvalidArgument("row ", row, " of logits has no finite entry");
      }
      Draw(first_block, row * samples, draws);
      for (int64_t j = 0; j < samples; ++j) {
        Store(c, row * samples + j,
              ClassAt(cumulated, draws[j] * cumulated.back()));
      }
    }
    return absl::OkStatus();
  }

 private:
  // Running sums of exp(logits), scaled; classes that are not finite have
  // probability 0. False if all are.
  static bool Cumulate(absl::Span<const T> logits,
                       absl::Span<double> cumulated) {
    double largest = -std::numeric_limits<double>::infinity();
    for (T logit : logits) {
      const double x = static_cast<double>(logit);
      if (std::isfinite(x)) largest = std::max(largest, x);
    }
    double total = 0;
    for (size_t i = 0; i < logits.size(); ++i) {
      const double x = static_cast<double>(logits[i]);
      if (std::isfinite(x)) total += std::exp(x - largest);
      cumulated[i] = total;
    }
    return std::isfinite(largest);
  }

  // Draws `begin`, `begin` + 1, ... of a stream of doubles, two from each
  // block.
  void Draw(uint64_t first_block, int64_t begin,
            absl::Span<double> draws) const {
    if (begin % 2 != 0 && !draws.empty()) {
      double pair[2];
      FillUniform(stream_, first_block + begin / 2, absl::MakeSpan(pair));
      draws[0] = pair[1];
      draws.remove_prefix(1);
      ++begin;
    }
    FillUniform(stream_, first_block + begin / 2, draws);
  }

  // The first class beyond `x`; the last that is possible if rounding leaves
  // none.
  static int64_t ClassAt(absl::Span<const double> cumulated, double x) {
    auto found = std::upper_bound(cumulated.begin(), cumulated.end(), x);
    if (found == cumulated.end()) {
      found = std::lower_bound(cumulated.begin(), cumulated.end(),
                               cumulated.back());
    }
    return found - cumulated.begin();
  }

  static void Store(KernelContext& c, int64_t i, int64_t value) {
    if (c.output(0).dtype == DataType::kInt64) {
      c.out<int64_t>(0)[i] = value;
    } else {
      c.out<int32_t>(0)[i] = static_cast<int32_t>(value);
    }
  }

  const Philox stream_;
};
WEFT_KERNEL_NUMBERS(Multinomial, MultinomialKernel);

}  // namespace
}  // namespace weft
