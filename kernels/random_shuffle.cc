// Rows in an order that is drawn.
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "core/kernel.h"
#include "core/philox.h"
#include "core/status.h"
#include "kernels/array_copy.h"
#include "kernels/random_stream.h"

namespace weft {
namespace {

class RandomShuffleKernel : public Kernel {
 public:
  explicit RandomShuffleKernel(const KernelInit& init)
      : stream_(StreamOf(init)) {}

  absl::Status Layout(LayoutContext& c) const override {
    c.SetOutput(0, c.input_shape(0));
    return absl::OkStatus();
  }

  // Fisher and Yates' shuffle with one word of the stream per row.
  absl::Status Compute(KernelContext& c) const override {
    const TensorShape& shape = c.input_shape(0);
    const int64_t rows = shape.IsScalar() ? 1 : shape.dim(0);
    std::vector<int64_t> order(rows);
    std::iota(order.begin(), order.end(), 0);
    if (rows > 1) {
      const uint64_t first = c.TakeRandomBlocks((rows + 3) / 4);
      for (int64_t i = 0; i + 1 < rows; ++i) {
        const uint32_t word = stream_.At(first + i / 4)[i % 4];
        const uint32_t left = static_cast<uint32_t>(rows - i);
        std::swap(order[i], order[i + word % left]);
      }
    }
    const TensorRef& in = c.input(0);
    const int64_t row = rows == 0 ? 0 : in.size / rows;
    for (int64_t i = 0; i < rows; ++i) {
      CopyElements(in.dtype, At(in.data, in.dtype, order[i] * row),
                   At(c.output(0).data, in.dtype, i * row), row);
    }
    return absl::OkStatus();
  }

 private:
  const Philox stream_;
};
WEFT_KERNEL(RandomShuffle, RandomShuffleKernel, {});

}  // namespace
}  // namespace weft
