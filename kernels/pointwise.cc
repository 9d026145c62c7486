// _Pointwise: a fused program, by generated code or interpreted.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/describes.h"
#include "core/kernel.h"
#include "core/status.h"
#include "kernels/pointwise_generated.h"
#include "kernels/pointwise_interpreter.h"
#include "kernels/pointwise_program.h"

namespace weft {
namespace {

std::string DescribeDomain(const std::string& why_interpreted) {
  return why_interpreted.empty()
             ? absl::StrCat("generated for ", VectorSetName())
             : absl::StrCat("interpreted: ", why_interpreted);
}

struct PointwiseState : public KernelState, public Describes {
  std::shared_ptr<const PointwiseLayout> layout;
  std::vector<GeneratedDomain> generated;  // By domain.

  std::string Describe() const override {
    std::vector<std::string> texts;
    for (const GeneratedDomain& d : generated)
      texts.push_back(DescribeDomain(d.reason));
    texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
    return absl::StrJoin(texts, "; ");
  }
};

template <typename T>
class PointwiseKernel : public Kernel, public Describes {
 public:
  explicit PointwiseKernel(const KernelInit& init)
      : program_(PointwiseProgram::FromAttrs(
            init.attrs, static_cast<int>(init.input_types.size()))),
        why_not_generated_(
            init.attrs.Find("interpreted") != nullptr
                ? "generated code is switched off"
                : WhyNotGenerated(program_, init.attrs.Get<DataType>("T"))) {
    for (const PointwiseInstruction& i : program_.instructions)
      loops_.push_back(FindPointwiseLoop<T>(i.op));
  }

  bool TakesStrides(int) const override { return true; }

  std::string Describe() const override {
    return DescribeDomain(why_not_generated_);
  }

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_CHECK(program_.num_registers() <= kMaxPointwisePlaces);
    auto state = std::make_shared<PointwiseState>();
    WEFT_ASSIGN_OR_RETURN(state->layout,
                          LayOutPointwise(program_, sizeof(T), c));
    if (state->layout == nullptr) return c.Defer();
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
    for (const PointwiseRowPlace& row : state.layout->rows)
      WEFT_RETURN_IF_ERROR(PlaceInRow(row, c));
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
