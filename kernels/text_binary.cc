// Equal, NotEqual and Add of strings.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "core/kernel.h"
#include "core/status.h"
#include "kernels/broadcast.h"

namespace weft {
namespace {

struct IsEqual {
  using Result = bool;
  static bool Of(const std::string& x, const std::string& y) { return x == y; }
};
struct IsNotEqual {
  using Result = bool;
  static bool Of(const std::string& x, const std::string& y) { return x != y; }
};
struct Joined {
  using Result = std::string;
  static std::string Of(const std::string& x, const std::string& y) {
    return x + y;
  }
};

template <typename F>
class StringsKernel : public Kernel {
 public:
  explicit StringsKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_ASSIGN_OR_RETURN(
        Broadcast broadcast,
        Broadcast::Create({&c.input_shape(0), &c.input_shape(1)}));
    c.SetOutput(0, broadcast.shape());
    c.SetState(std::make_shared<Broadcast>(std::move(broadcast)));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const Broadcast& b = c.state<Broadcast>();
    const std::string* x = c.in<std::string>(0).data();
    const std::string* y = c.in<std::string>(1).data();
    auto* z = c.out<typename F::Result>(0).data();
    if (c.output(0).size == 0) return absl::OkStatus();
    b.ForEachRow(0, b.num_rows(),
                 [&](int64_t row, const Broadcast::Offsets& at) {
                   for (int64_t i = 0; i < b.row_size(); ++i) {
                     z[row * b.row_size() + i] =
                         F::Of(x[at[0] + i * b.row_strides()[0]],
                               y[at[1] + i * b.row_strides()[1]]);
                   }
                 });
    return absl::OkStatus();
  }
};
WEFT_KERNEL(Equal, StringsKernel<IsEqual>, {{"T", DataType::kString}});
WEFT_KERNEL(NotEqual, StringsKernel<IsNotEqual>, {{"T", DataType::kString}});
WEFT_KERNEL(Add, StringsKernel<Joined>, {{"T", DataType::kString}});

}  // namespace
}  // namespace weft
