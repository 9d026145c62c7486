#include "layers/dropout.h"

#include "ops/array.h"
#include "ops/math.h"
#include "ops/random.h"
#include "ops/source.h"

namespace weft {

Prob CheckedKeepProb(const Prob& keep, Output x) {
  if (keep.is_known()) return keep;
  Output p = keep.output();
  Output above = Greater(p, ScalarLike(p, 0));
  Output within = LessEqual(p, ScalarLike(p, 1));
  Output text =
      Const(x.graph(), Tensor::Scalar<std::string>(
                           "the probability to keep must be in (0, 1]:"));
  Node* check =
      Assert(LogicalAnd(above, within), {text, p}, {.name = "check_keep_prob"});
  ControlScope after(x.graph(), {check});
  return Prob(Identity(Cast(p, x.dtype())));
}

Output DrawDropoutSeed(GraphRef g, const std::string& name,
                       std::optional<int64_t> seed) {
  constexpr int64_t kGivenSeed = 87654321;  // The two are not both 0.
  RandomOptions options{.dtype = DataType::kInt64,
                        .seed = kGivenSeed,
                        .seed2 = seed.value_or(g.graph.SeedFor(name)),
                        .name = "dropout_seed"};
  Output shape = Const<int32_t>(g, {2});
  Output minval = Const<int64_t>(g, 0);
  Output maxval = Const<int64_t>(g, int64_t{1} << 62);
  return RandomUniformInt(shape, minval, maxval, options);
}

Output ApplyDropout(Output x, const Prob& keep, Output seed, Output number) {
  // Only the second word counts, so that two masks of a seed never agree.
  Output counter = Pack({Const<int64_t>(x.graph(), 0), number});
  Output uniform = StatelessRandomUniform(Shape(x), seed + counter, x.dtype());
  Output keep_prob = keep.Like(x);
  Output mask = Floor(uniform + keep_prob);
  return x / keep_prob * mask;
}

}  // namespace weft
