#include "train/schedules.h"

#include <cmath>
#include <numbers>

#include "absl/strings/string_view.h"
#include "core/status.h"
#include "graph/graph.h"
#include "ops/math.h"
#include "ops/source.h"

namespace weft {
namespace {

// Checks the numbers of a schedule on behalf of the graph that it becomes part
// of.
class Checker {
 public:
  Checker(absl::string_view schedule, Output step)
      : schedule_(schedule), graph_(step.graph()) {}

  const Checker& Steps(absl::string_view what, int64_t given) const {
    return Expect(given >= 1, what, given, "at least 1");
  }
  const Checker& Rate(absl::string_view what, double given) const {
    return Expect(std::isfinite(given) && given >= 0, what, given,
                  "finite and at least 0");
  }
  template <typename T>
  const Checker& Expect(bool right, absl::string_view what, const T& given,
                        absl::string_view allowed) const {
    if (!right) {
      graph_.Fail(InvalidArgument(schedule_, ": ", what, " is ", given,
                                  " but must be ", allowed));
    }
    return *this;
  }

 private:
  absl::string_view schedule_;
  Graph& graph_;
};

// step / steps, as a double scalar.
Output Fraction(Output step, int64_t steps, bool whole) {
  Output fraction = Cast(step, DataType::kDouble) / static_cast<double>(steps);
  return whole ? Floor(fraction) : fraction;
}

// From 0 to 1 in `steps` steps; then 1.
Output Progress(Output step, int64_t steps) {
  Output fraction = Fraction(step, steps, /*whole=*/false);
  return Minimum(fraction, ScalarLike(fraction, 1));
}

}  // namespace

LearningRate ExponentialDecay(const ExponentialDecayOptions& options) {
  return LearningRate([options](Output step) {
    Checker("ExponentialDecay", step)
        .Rate("initial_rate", options.initial_rate)
        .Steps("decay_steps", options.decay_steps)
        .Rate("decay_rate", options.decay_rate);
    Output times = Fraction(step, options.decay_steps, options.staircase);
    Output factor = Pow(ScalarLike(times, options.decay_rate), times);
    return factor * options.initial_rate;
  });
}

LearningRate InverseTimeDecay(const InverseTimeDecayOptions& options) {
  return LearningRate([options](Output step) {
    Checker("InverseTimeDecay", step)
        .Rate("initial_rate", options.initial_rate)
        .Steps("decay_steps", options.decay_steps)
        .Rate("decay_rate", options.decay_rate);
    Output times = Fraction(step, options.decay_steps, options.staircase);
    return options.initial_rate / (times * options.decay_rate + 1.0);
  });
}

LearningRate PolynomialDecay(const PolynomialDecayOptions& options) {
  return LearningRate([options](Output step) {
    Checker("PolynomialDecay", step)
        .Rate("initial_rate", options.initial_rate)
        .Steps("decay_steps", options.decay_steps)
        .Rate("end_rate", options.end_rate)
        .Expect(options.power > 0, "power", options.power, "above 0");
    Output left = 1.0 - Progress(step, options.decay_steps);
    Output factor = Pow(left, ScalarLike(left, options.power));
    return factor * (options.initial_rate - options.end_rate) +
           options.end_rate;
  });
}

LearningRate CosineDecay(const CosineDecayOptions& options) {
  return LearningRate([options](Output step) {
    Checker("CosineDecay", step)
        .Rate("initial_rate", options.initial_rate)
        .Steps("decay_steps", options.decay_steps)
        .Rate("end_fraction", options.end_fraction);
    Output angle =
        Progress(step, options.decay_steps) * std::numbers::pi_v<double>;
    Output factor = (Cos(angle) + 1.0) * (0.5 * (1 - options.end_fraction));
    return (factor + options.end_fraction) * options.initial_rate;
  });
}

LearningRate PiecewiseConstant(const PiecewiseConstantOptions& options) {
  return LearningRate([options](Output step) {
    const std::vector<int64_t>& boundaries = options.boundaries;
    const Checker check("PiecewiseConstant", step);
    check.Expect(options.rates.size() == boundaries.size() + 1,
                 "the number of rates", options.rates.size(),
                 "one more than that of boundaries");
    Output rate = Const(step.graph(),
                        options.rates.empty() ? 0.0 : options.rates.front());
    for (size_t i = 0; i < boundaries.size() && i + 1 < options.rates.size();
         ++i) {
      if (i > 0) {
        check.Expect(boundaries[i] > boundaries[i - 1], "a boundary",
                     boundaries[i], "above the one before");
      }
      check.Rate("a rate", options.rates[i + 1]);
      Output boundary = Const(step.graph(), boundaries[i]);
      Output next = Const(step.graph(), options.rates[i + 1]);
      rate = Select(Less(step, boundary), rate, next);
    }
    return rate;
  });
}

LearningRate WarmUp(int64_t steps, const LearningRate& rate) {
  return LearningRate([steps, rate](Output step) {
    Checker("WarmUp", step).Steps("steps", steps);
    Output share = Progress(step + 1.0, steps);
    const LearningRate now = rate.is_schedule() ? rate.At(step) : rate;
    return now.Like(share) * share;
  });
}

}  // namespace weft
