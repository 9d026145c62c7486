#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/kernel.h"
#include "core/status.h"

namespace weft {
namespace {

// Every output is the input of the same number.
class IdentityKernel : public Kernel {
 public:
  explicit IdentityKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    for (int i = 0; i < c.num_outputs(); ++i) {
      c.SetOutputView(i, i, c.input_shape(i));
      if (c.input_dtype(i) == DataType::kVariant)
        c.SetOutputList(i, c.input_list(i));
      if (const Tensor* value = c.KnownValue(i)) c.SetOutputValue(i, *value);
    }
    return absl::OkStatus();
  }
  absl::Status Compute(KernelContext&) const override {
    return absl::OkStatus();
  }
};
WEFT_KERNEL(Identity, IdentityKernel, {});
WEFT_KERNEL(IdentityN, IdentityKernel, {});
WEFT_KERNEL(StopGradient, IdentityKernel, {});
WEFT_KERNEL(PreventGradient, IdentityKernel, {});

// What a run is given may differ from the default, so nothing of its value is
// known while laying out.
class PlaceholderWithDefaultKernel : public Kernel {
 public:
  explicit PlaceholderWithDefaultKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    c.SetOutputView(0, 0, c.input_shape(0));
    return absl::OkStatus();
  }
  absl::Status Compute(KernelContext&) const override {
    return absl::OkStatus();
  }
};
WEFT_KERNEL(PlaceholderWithDefault, PlaceholderWithDefaultKernel, {});

class AssertKernel : public Kernel {
 public:
  explicit AssertKernel(const KernelInit& init)
      : summarize_(init.attrs.Get<int64_t>("summarize")) {}

  absl::Status Layout(LayoutContext&) const override {
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    if (c.in<bool>(0)[0]) return absl::OkStatus();
    std::string text = "assertion failed:";
    const int max_elements = static_cast<int>(
        summarize_ < 0 ? kMaxElements : std::min(summarize_, kMaxElements));
    for (int i = 1; i < c.num_inputs(); ++i) {
      absl::StrAppend(&text, i == 1 ? " " : ", ",
                      Describe(c.BorrowInput(i), max_elements));
    }
    return absl::InvalidArgumentError(text);
  }

 private:
  static constexpr int64_t kMaxElements = 1000;  // A message, not a dump.

  // A string that was meant as the message stands there without its type.
  static std::string Describe(const Tensor& t, int max_elements) {
    if (t.dtype() == DataType::kString && t.num_elements() == 1) {
      return Printable(t.scalar<std::string>());
    }
    return t.ToString(max_elements);
  }

  const int64_t summarize_;
};
WEFT_KERNEL(Assert, AssertKernel, {});

template <typename T>
class CheckNumericsKernel : public Kernel {
 public:
  explicit CheckNumericsKernel(const KernelInit& init)
      : message_(init.attrs.Get<std::string>("message")) {}

  absl::Status Layout(LayoutContext& c) const override {
    c.SetOutput(0, c.input_shape(0));
    c.AllowInPlace(/*input=*/0, /*output=*/0);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const absl::Span<const T> x = c.in<T>(0);
    const absl::Span<T> y = c.out<T>(0);
    for (size_t i = 0; i < x.size(); ++i) {
      if (!std::isfinite(x[i])) {
        return InvalidArgument(Printable(message_), ": element ", i, " of ",
                               c.input_shape(0).ToString(), " is ",
                               std::isnan(x[i]) ? "NaN" : "infinite");
      }
      y[i] = x[i];
    }
    return absl::OkStatus();
  }

 private:
  const std::string message_;
};
WEFT_KERNEL_FLOATS(CheckNumerics, CheckNumericsKernel);

}  // namespace
}  // namespace weft
