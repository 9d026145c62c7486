// _Pointwise: a fused program, by generated code or interpreted.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/kernel.h"
#include "core/status.h"
#include "kernels/pointwise_generated.h"
#include "kernels/pointwise_interpreter.h"
#include "kernels/pointwise_program.h"

namespace weft {
namespace {

struct PointwiseState : public KernelState {
  std::shared_ptr<const PointwiseLayout> layout;
  std::vector<GeneratedDomain> generated;  // By domain.
};

template <typename T>
class PointwiseKernel : public Kernel {
 public:
  explicit PointwiseKernel(const KernelInit& init)
      : program_(PointwiseProgram::FromAttrs(
            init.attrs, static_cast<int>(init.input_types.size()))),
        why_not_generated_(
            WhyNotGenerated(program_, init.attrs.Get<DataType>("T"))) {
    for (const PointwiseInstruction& i : program_.instructions)
      loops_.push_back(FindPointwiseLoop<T>(i.op));
  }

  bool TakesStrides(int) const override { return true; }

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_CHECK(program_.num_registers() <= kMaxPointwisePlaces);
    auto state = std::make_shared<PointwiseState>();
    WEFT_ASSIGN_OR_RETURN(state->layout,
                          LayOutPointwise(program_, sizeof(T), c));
    for (const PointwiseDomain& d : state->layout->domains) {
      state->generated.push_back(
          why_not_generated_.empty()
              ? GenerateDomain(program_, d)
              : GeneratedDomain{.reason = why_not_generated_});
    }
    c.SetState(std::move(state));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const PointwiseState& state = c.state<PointwiseState>();
    for (size_t i = 0; i < state.generated.size(); ++i) {
      const PointwiseDomain& d = state.layout->domains[i];
      if (d.size == 0) continue;
      if (state.generated[i].function != nullptr) {
        RunGenerated(state.generated[i], c);
      } else {
        InterpretPointwise(program_, loops_, d, c);
      }
    }
    return absl::OkStatus();
  }

 private:
  const PointwiseProgram program_;
  const std::string why_not_generated_;
  std::vector<PointwiseLoop<T>> loops_;  // By instruction.
};

WEFT_KERNEL_FLOATS(_Pointwise, PointwiseKernel);

}  // namespace
}  // namespace weft
