#include <cmath>
#include <cstdint>

#include "core/kernel.h"
#include "core/status.h"

namespace weft {
namespace {

constexpr int64_t kGrain = 8192;  // Elements; below, handing over costs more.

// A step that changes each element of the variables on its own.
class ApplyKernel : public Kernel {
 public:
  // Inputs: variables, scalars, and one tensor `grad`, all but the scalars of
  // one shape.
  ApplyKernel(int num_variables, int grad)
      : num_variables_(num_variables), grad_(grad) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& shape = c.input_shape(0);
    for (int i = 0; i < c.num_inputs(); ++i) {
      const bool is_scalar = i >= num_variables_ && i != grad_;
      const TensorShape& wanted = is_scalar ? kScalar : shape;
      if (c.input_shape(i) == wanted) continue;
      return InvalidArgument("input ", i, " is ", c.input_shape(i).ToString(),
                             " but must be ", wanted.ToString());
    }
    return absl::OkStatus();
  }

 protected:
  // Splits the elements: bits do not depend on the number of threads, since no
  // element depends on another.
  template <typename Body>
  static absl::Status ForEach(const KernelContext& c, const Body& body) {
    c.pool().ParallelFor(c.input(0).size, kGrain,
                         [&](int64_t begin, int64_t end) {
                           for (int64_t i = begin; i < end; ++i) body(i);
                         });
    return absl::OkStatus();
  }

 private:
  static inline const TensorShape kScalar;
  const int num_variables_;
  const int grad_;
};

template <typename T>
class ResourceApplyGradientDescentKernel : public ApplyKernel {
 public:
  explicit ResourceApplyGradientDescentKernel(const KernelInit&)
      : ApplyKernel(1, 2) {}

  absl::Status Compute(KernelContext& c) const override {
    T* var = c.var<T>(0).data();
    const T alpha = c.in<T>(1)[0];
    const T* delta = c.in<T>(2).data();
    return ForEach(c, [=](int64_t i) { var[i] -= alpha * delta[i]; });
  }
};
WEFT_KERNEL_FLOATS(ResourceApplyGradientDescent,
                   ResourceApplyGradientDescentKernel);

template <typename T>
class ResourceApplyMomentumKernel : public ApplyKernel {
 public:
  explicit ResourceApplyMomentumKernel(const KernelInit& init)
      : ApplyKernel(2, 3),
        use_nesterov_(init.attrs.Get<bool>("use_nesterov")) {}

  absl::Status Compute(KernelContext& c) const override {
    T* var = c.var<T>(0).data();
    T* accum = c.var<T>(1).data();
    const T lr = c.in<T>(2)[0];
    const T* grad = c.in<T>(3).data();
    const T momentum = c.in<T>(4)[0];
    if (use_nesterov_) {
      return ForEach(c, [=](int64_t i) {
        accum[i] = momentum * accum[i] + grad[i];
        var[i] -= lr * (grad[i] + momentum * accum[i]);
      });
    }
    return ForEach(c, [=](int64_t i) {
      accum[i] = momentum * accum[i] + grad[i];
      var[i] -= lr * accum[i];
    });
  }

 private:
  const bool use_nesterov_;
};
WEFT_KERNEL_FLOATS(ResourceApplyMomentum, ResourceApplyMomentumKernel);

template <typename T>
class ResourceApplyAdamKernel : public ApplyKernel {
 public:
  explicit ResourceApplyAdamKernel(const KernelInit& init)
      : ApplyKernel(3, 9),
        use_nesterov_(init.attrs.Get<bool>("use_nesterov")) {}

  absl::Status Compute(KernelContext& c) const override {
    T* var = c.var<T>(0).data();
    T* m = c.var<T>(1).data();
    T* v = c.var<T>(2).data();
    const T beta1 = c.in<T>(6)[0];
    const T beta2 = c.in<T>(7)[0];
    const T epsilon = c.in<T>(8)[0];
    const T* grad = c.in<T>(9).data();
    const T lr_t = c.in<T>(5)[0] * std::sqrt(T(1) - c.in<T>(4)[0]) /
                   (T(1) - c.in<T>(3)[0]);
    const bool use_nesterov = use_nesterov_;
    return ForEach(c, [=](int64_t i) {
      m[i] += (grad[i] - m[i]) * (T(1) - beta1);
      v[i] += (grad[i] * grad[i] - v[i]) * (T(1) - beta2);
      const T step =
          use_nesterov ? beta1 * m[i] + (T(1) - beta1) * grad[i] : m[i];
      var[i] -= lr_t * step / (std::sqrt(v[i]) + epsilon);
    });
  }

 private:
  const bool use_nesterov_;
};
WEFT_KERNEL_FLOATS(ResourceApplyAdam, ResourceApplyAdamKernel);

template <typename T>
class ResourceApplyRMSPropKernel : public ApplyKernel {
 public:
  explicit ResourceApplyRMSPropKernel(const KernelInit&) : ApplyKernel(3, 7) {}

  absl::Status Compute(KernelContext& c) const override {
    T* var = c.var<T>(0).data();
    T* ms = c.var<T>(1).data();
    T* mom = c.var<T>(2).data();
    const T lr = c.in<T>(3)[0];
    const T rho = c.in<T>(4)[0];
    const T momentum = c.in<T>(5)[0];
    const T epsilon = c.in<T>(6)[0];
    const T* grad = c.in<T>(7).data();
    return ForEach(c, [=](int64_t i) {
      ms[i] += (grad[i] * grad[i] - ms[i]) * (T(1) - rho);
      mom[i] = momentum * mom[i] + lr * grad[i] / std::sqrt(ms[i] + epsilon);
      var[i] -= mom[i];
    });
  }
};
WEFT_KERNEL_FLOATS(ResourceApplyRMSProp, ResourceApplyRMSPropKernel);

template <typename T>
class ResourceApplyAdagradKernel : public ApplyKernel {
 public:
  explicit ResourceApplyAdagradKernel(const KernelInit& init)
      : ApplyKernel(2, 3),
        update_slots_(init.attrs.Get<bool>("update_slots")) {}

  absl::Status Compute(KernelContext& c) const override {
    T* var = c.var<T>(0).data();
    T* accum = c.var<T>(1).data();
    const T lr = c.in<T>(2)[0];
    const T* grad = c.in<T>(3).data();
    const bool update_slots = update_slots_;
    return ForEach(c, [=](int64_t i) {
      if (update_slots) accum[i] += grad[i] * grad[i];
      var[i] -= lr * grad[i] / std::sqrt(accum[i]);
    });
  }

 private:
  const bool update_slots_;
};
WEFT_KERNEL_FLOATS(ResourceApplyAdagrad, ResourceApplyAdagradKernel);

template <typename T>
class ResourceApplyCenteredRMSPropKernel : public ApplyKernel {
 public:
  explicit ResourceApplyCenteredRMSPropKernel(const KernelInit&)
      : ApplyKernel(4, 8) {}

  absl::Status Compute(KernelContext& c) const override {
    T* var = c.var<T>(0).data();
    T* mg = c.var<T>(1).data();
    T* ms = c.var<T>(2).data();
    T* mom = c.var<T>(3).data();
    const T lr = c.in<T>(4)[0];
    const T rho = c.in<T>(5)[0];
    const T momentum = c.in<T>(6)[0];
    const T epsilon = c.in<T>(7)[0];
    const T* grad = c.in<T>(8).data();
    return ForEach(c, [=](int64_t i) {
      ms[i] += (grad[i] * grad[i] - ms[i]) * (T(1) - rho);
      mg[i] += (grad[i] - mg[i]) * (T(1) - rho);
      const T variance = ms[i] - mg[i] * mg[i] + epsilon;
      mom[i] = momentum * mom[i] + lr * grad[i] / std::sqrt(variance);
      var[i] -= mom[i];
    });
  }
};
WEFT_KERNEL_FLOATS(ResourceApplyCenteredRMSProp,
                   ResourceApplyCenteredRMSPropKernel);

template <typename T>
class ResourceApplyAdadeltaKernel : public ApplyKernel {
 public:
  explicit ResourceApplyAdadeltaKernel(const KernelInit&) : ApplyKernel(3, 6) {}

  absl::Status Compute(KernelContext& c) const override {
    T* var = c.var<T>(0).data();
    T* accum = c.var<T>(1).data();
    T* accum_update = c.var<T>(2).data();
    const T lr = c.in<T>(3)[0];
    const T rho = c.in<T>(4)[0];
    const T epsilon = c.in<T>(5)[0];
    const T* grad = c.in<T>(6).data();
    return ForEach(c, [=](int64_t i) {
      accum[i] = accum[i] * rho + grad[i] * grad[i] * (T(1) - rho);
      const T update = std::sqrt(accum_update[i] + epsilon) /
                       std::sqrt(accum[i] + epsilon) * grad[i];
      accum_update[i] = accum_update[i] * rho + update * update * (T(1) - rho);
      var[i] -= update * lr;
    });
  }
};
WEFT_KERNEL_FLOATS(ResourceApplyAdadelta, ResourceApplyAdadeltaKernel);

}  // namespace
}  // namespace weft
