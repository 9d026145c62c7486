#include "layers/dropout.h"

#include "graph/collections.h"
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

Output DrawSequenceSeed(GraphRef g, const std::string& name,
                        std::optional<int64_t> seed) {
  Output drawn = DrawDropoutSeed(g, name, seed);
  g.graph.AddToCollection(kRecurrentDraws, drawn.name());
  g.graph.AddToCollection(kRecurrentDraws, drawn.name());
  return drawn;
}

Output FirstStep(Output x) {
  Graph& g = x.graph();
  Output zero = Const(g, int32_t{0});
  Output first = PlaceholderWithDefault(zero, {}, "first_step");
  Output steps = x.shape().rank() >= 3 ? DimOf(x, 1) : Const(g, int32_t{1});
  Output next = Identity(first + steps, "next_step");
  g.AddToCollection(kRecurrentDraws, first.name());
  g.AddToCollection(kRecurrentDraws, next.name());
  return first;
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
