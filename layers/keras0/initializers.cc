#include "layers/keras0/initializers.h"

#include <cmath>
#include <cstdint>

#include "layers/initializers.h"
#include "ops/math.h"
#include "ops/source.h"

namespace weft::keras0 {
namespace {

struct Fans {
  double in = 1;
  double out = 1;
};

// Of a matrix its rows and columns; of a vector its size, twice.
Fans FansOf(const TensorShape& shape) {
  if (shape.rank() == 0) return {};
  return {static_cast<double>(shape.dim(0)),
          static_cast<double>(shape.dim(-1))};
}

// Normal, with a deviation that follows from the fans.
Initializer NormalBy(double (*deviation)(const Fans& fans)) {
  return Initializer(
      [deviation](Graph& g, const TensorShape& shape, DataType dtype) {
        return initializers::Normal({.stddev = deviation(FansOf(shape))})
            .Make(g, shape, dtype);
      });
}

constexpr NamedInitializer kNames[] = {
    {"uniform", [] { return initializers::Uniform(); }},
    {"normal", [] { return initializers::Normal(); }},
    {"lecun_uniform", [] { return initializers::LecunUniform(); }},
    {"glorot_uniform", [] { return initializers::GlorotUniform(); }},
    {"glorot_normal",
     [] {
       return NormalBy([](const Fans& fans) {
         return std::sqrt(2 / (fans.in + fans.out));
       });
     }},
    {"he_uniform", [] { return initializers::HeUniform(); }},
    {"he_normal",
     [] {
       return NormalBy([](const Fans& fans) { return std::sqrt(2 / fans.in); });
     }},
    {"orthogonal", [] { return initializers::Orthogonal({.gain = 1.1}); }},
    {"identity", [] { return initializers::Identity(); }},
    {"zero", [] { return initializers::Zeros(); }},
    {"one", [] { return initializers::Ones(); }},
};

}  // namespace

InitializerNames Keras0InitializerNames() { return kNames; }

Initializer Projection() {
  return Initializer([](Graph& g, const TensorShape& shape, DataType dtype) {
    if (shape.dim(0) == shape.dim(1)) {
      return initializers::Identity().Make(g, shape, dtype);
    }
    Output uniform = initializers::Uniform({.minval = -1, .maxval = 1})
                         .Make(g, shape, dtype);
    Output positive = GreaterEqual(uniform, ScalarLike(uniform, 0));
    const double size = 1 / std::sqrt(static_cast<double>(shape.dim(0)));
    Output plus = ZerosLike(uniform) + size;
    return Select(positive, plus, -plus);
  });
}

}  // namespace weft::keras0
