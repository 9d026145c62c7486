#include "layers/initializers.h"

#include <cmath>

#include "ops/array.h"
#include "ops/math.h"
#include "ops/random.h"
#include "ops/source.h"

namespace weft::initializers {
namespace {

RandomOptions Random(DataType dtype, const std::optional<int64_t>& seed) {
  // Seeds that are both 0 are derived from the graph's seed and the name.
  constexpr int64_t kGivenSeed = 87654321;
  RandomOptions options{.dtype = dtype};
  if (seed.has_value()) {
    options.seed = kGivenSeed;
    options.seed2 = *seed;
  }
  return options;
}

Output ShapeOf(Graph& g, const TensorShape& shape) {
  return Const(g, Tensor::Vector<int64_t>(shape.dims()), "shape");
}

struct Fans {
  double in = 1;
  double out = 1;
};

Fans FansOf(const TensorShape& shape) {
  if (shape.rank() < 2) {
    const double n = shape.rank() == 0 ? 1 : static_cast<double>(shape.dim(0));
    return {n, n};
  }
  double receptive_field = 1;
  for (int i = 0; i < shape.rank() - 2; ++i) {
    receptive_field *= static_cast<double>(shape.dim(i));
  }
  return {receptive_field * static_cast<double>(shape.dim(-2)),
          receptive_field * static_cast<double>(shape.dim(-1))};
}

Output MakeUniform(Graph& g, const TensorShape& shape, DataType dtype,
                   double minval, double maxval,
                   const std::optional<int64_t>& seed) {
  return RandomUniform(ShapeOf(g, shape), Random(dtype, seed)) *
             (maxval - minval) +
         minval;
}

Output MakeScaled(Graph& g, const TensorShape& shape, DataType dtype,
                  const VarianceScalingOptions& options) {
  const Fans fans = FansOf(shape);
  double n = 0;
  if (options.mode == "fan_in") n = fans.in;
  if (options.mode == "fan_out") n = fans.out;
  if (options.mode == "fan_avg") n = (fans.in + fans.out) / 2;
  const bool uniform = options.distribution == "uniform";
  if (n == 0 || (!uniform && options.distribution != "normal")) {
    return Output(g.Fail(InvalidArgument(
        "'", g.name_scope(), "': VarianceScaling has mode '",
        Printable(options.mode), "' and distribution '",
        Printable(options.distribution),
        "' but takes fan_in, fan_out, fan_avg and normal, uniform")));
  }
  if (uniform) {
    const double limit = std::sqrt(3 * options.scale / n);
    return MakeUniform(g, shape, dtype, -limit, limit, options.seed);
  }
  return TruncatedNormal(
             {.stddev = std::sqrt(options.scale / n), .seed = options.seed})
      .Make(g, shape, dtype);
}

}  // namespace

Initializer Zeros() { return Constant(0); }
Initializer Ones() { return Constant(1); }

Initializer Constant(double value) {
  return Initializer(
      [value](Graph& g, const TensorShape& shape, DataType dtype) {
        Output scalar = Cast(Const(g, value), dtype);
        return Fill(ShapeOf(g, shape), scalar);
      });
}

Initializer Uniform(const UniformOptions& options) {
  return Initializer(
      [options](Graph& g, const TensorShape& shape, DataType dtype) {
        return MakeUniform(g, shape, dtype, options.minval, options.maxval,
                           options.seed);
      });
}

Initializer Normal(const NormalOptions& options) {
  return Initializer([options](Graph& g, const TensorShape& shape,
                               DataType dtype) {
    Output unit =
        RandomStandardNormal(ShapeOf(g, shape), Random(dtype, options.seed));
    return unit * options.stddev + options.mean;
  });
}

Initializer TruncatedNormal(const NormalOptions& options) {
  return Initializer([options](Graph& g, const TensorShape& shape,
                               DataType dtype) {
    Output unit =
        weft::TruncatedNormal(ShapeOf(g, shape), Random(dtype, options.seed));
    return unit * options.stddev + options.mean;
  });
}

Initializer VarianceScaling(const VarianceScalingOptions& options) {
  return Initializer(
      [options](Graph& g, const TensorShape& shape, DataType dtype) {
        return MakeScaled(g, shape, dtype, options);
      });
}

Initializer UniformScaling(const SeedOptions& options) {
  return Initializer(
      [options](Graph& g, const TensorShape& shape, DataType dtype) {
        double inputs = 1;
        for (int i = 0; i + 1 < shape.rank(); ++i)
          inputs *= static_cast<double>(shape.dim(i));
        const double limit = std::sqrt(3 / inputs);
        return MakeUniform(g, shape, dtype, -limit, limit, options.seed);
      });
}

Initializer GlorotUniform(const SeedOptions& options) {
  return VarianceScaling({.scale = 1,
                          .mode = "fan_avg",
                          .distribution = "uniform",
                          .seed = options.seed});
}
Initializer GlorotNormal(const SeedOptions& options) {
  return VarianceScaling({.scale = 1, .mode = "fan_avg", .seed = options.seed});
}
Initializer HeUniform(const SeedOptions& options) {
  return VarianceScaling(
      {.scale = 2, .distribution = "uniform", .seed = options.seed});
}
Initializer HeNormal(const SeedOptions& options) {
  return VarianceScaling({.scale = 2, .seed = options.seed});
}
Initializer LecunUniform(const SeedOptions& options) {
  return VarianceScaling(
      {.scale = 1, .distribution = "uniform", .seed = options.seed});
}
Initializer LecunNormal(const SeedOptions& options) {
  return VarianceScaling({.scale = 1, .seed = options.seed});
}

}  // namespace weft::initializers
