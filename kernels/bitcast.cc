// Bits taken for values of another type.
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/kernel.h"
#include "core/status.h"

namespace weft {
namespace {

class BitcastKernel : public Kernel {
 public:
  explicit BitcastKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& input = c.input_shape(0);
    const int64_t from = static_cast<int64_t>(DataTypeSize(c.input_dtype(0)));
    const int64_t to = static_cast<int64_t>(DataTypeSize(c.outputs()[0].dtype));
    std::vector<int64_t> dims(input.dims().begin(), input.dims().end());
    if (from > to) dims.push_back(from / to);
    if (from < to) {
      if (dims.empty() || dims.back() != to / from) {
        return InvalidArgument("input is ", input.ToString(),
                               " but its last axis must be ", to / from);
      }
      dims.pop_back();
    }
    WEFT_ASSIGN_OR_RETURN(TensorShape shape, TensorShape::Create(dims));
    c.SetOutput(0, std::move(shape));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorRef& in = c.input(0);
    const size_t bytes = static_cast<size_t>(in.size) * DataTypeSize(in.dtype);
    if (bytes > 0) std::memcpy(c.output(0).data, in.data, bytes);
    return absl::OkStatus();
  }
};
WEFT_KERNEL(Bitcast, BitcastKernel, {});

}  // namespace
}  // namespace weft
