// Initial values of weights.
#ifndef WEFT_LAYERS_INITIALIZERS_H_
#define WEFT_LAYERS_INITIALIZERS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "layers/arguments.h"

namespace weft::initializers {

// Without a seed it follows from the graph's seed and the weight's name.
struct UniformOptions {
  double minval = -0.05;
  double maxval = 0.05;
  std::optional<int64_t> seed = {};
};
struct NormalOptions {
  double mean = 0;
  double stddev = 0.05;
  std::optional<int64_t> seed = {};
};
struct VarianceScalingOptions {
  double scale = 1;
  std::string mode = "fan_in";          // fan_in, fan_out, fan_avg
  std::string distribution = "normal";  // normal (truncated), uniform
  std::optional<int64_t> seed = {};
};
struct SeedOptions {
  std::optional<int64_t> seed = {};
};
struct OrthogonalOptions {
  double gain = 1;
  std::optional<int64_t> seed = {};
};
struct IdentityOptions {
  double gain = 1;
};

Initializer Zeros();
Initializer Ones();
Initializer Constant(double value);
// In [minval, maxval).
Initializer Uniform(const UniformOptions& options = {});
Initializer Normal(const NormalOptions& options = {});
// Redrawn where beyond two deviations of the mean.
Initializer TruncatedNormal(const NormalOptions& options = {});
// Deviation sqrt(scale / n), where n is the fan-in, the fan-out, or their mean.
// The fans of a matrix are its rows and columns; of [h, w, in, out], times h*w.
Initializer VarianceScaling(const VarianceScalingOptions& options = {});
// Uniform in +-sqrt(3 / product of all dims but the last).
Initializer UniformScaling(const SeedOptions& options = {});
// Glorot and Bengio, 2010.
Initializer GlorotUniform(const SeedOptions& options = {});
Initializer GlorotNormal(const SeedOptions& options = {});
// He et al., 2015.
Initializer HeUniform(const SeedOptions& options = {});
Initializer HeNormal(const SeedOptions& options = {});
Initializer LecunUniform(const SeedOptions& options = {});
Initializer LecunNormal(const SeedOptions& options = {});

// gain times a random matrix with orthonormal rows or columns, whichever are
// fewer (Saxe et al., 2013); all axes but the last make the rows. Computed
// while building, and part of the graph.
Initializer Orthogonal(const OrthogonalOptions& options = {});
// gain times the identity: of square matrices alone.
Initializer Identity(const IdentityOptions& options = {});

}  // namespace weft::initializers

#endif  // WEFT_LAYERS_INITIALIZERS_H_
