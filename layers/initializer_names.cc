#include "layers/initializers.h"

namespace weft {
namespace {

using initializers::Constant;
using initializers::Normal;
using initializers::TruncatedNormal;
using initializers::Uniform;
using initializers::VarianceScaling;

constexpr NamedInitializer kTFLearn[] = {
    {"zeros", [] { return initializers::Zeros(); }},
    {"ones", [] { return initializers::Ones(); }},
    {"uniform", [] { return Uniform({.minval = 0, .maxval = 1}); }},
    {"normal", [] { return Normal({.stddev = 0.02}); }},
    {"truncated_normal", [] { return TruncatedNormal({.stddev = 0.02}); }},
    {"uniform_scaling", [] { return initializers::UniformScaling(); }},
    // Deviation sqrt(1.3 * factor / fan_in) with factor 2, as in TensorFlow's
    // contrib initializer: 1.3 makes up for the cut tails.
    {"variance_scaling", [] { return VarianceScaling({.scale = 2.6}); }},
    {"xavier", [] { return initializers::GlorotUniform(); }},
    {"glorot_uniform", [] { return initializers::GlorotUniform(); }},
    {"glorot_normal", [] { return initializers::GlorotNormal(); }},
    {"he_uniform", [] { return initializers::HeUniform(); }},
    {"he_normal", [] { return initializers::HeNormal(); }},
    {"lecun_uniform", [] { return initializers::LecunUniform(); }},
    {"lecun_normal", [] { return initializers::LecunNormal(); }},
    {"orthogonal", [] { return initializers::Orthogonal(); }},
    {"identity", [] { return initializers::Identity(); }},
};

constexpr NamedInitializer kKeras[] = {
    {"zeros", [] { return initializers::Zeros(); }},
    {"ones", [] { return initializers::Ones(); }},
    {"zero", [] { return initializers::Zeros(); }},
    {"one", [] { return initializers::Ones(); }},
    {"constant", [] { return Constant(0); }},
    {"uniform", [] { return Uniform(); }},
    {"random_uniform", [] { return Uniform(); }},
    {"normal", [] { return Normal(); }},
    {"random_normal", [] { return Normal(); }},
    {"truncated_normal", [] { return TruncatedNormal(); }},
    {"variance_scaling", [] { return VarianceScaling(); }},
    {"glorot_uniform", [] { return initializers::GlorotUniform(); }},
    {"glorot_normal", [] { return initializers::GlorotNormal(); }},
    {"he_uniform", [] { return initializers::HeUniform(); }},
    {"he_normal", [] { return initializers::HeNormal(); }},
    {"lecun_uniform", [] { return initializers::LecunUniform(); }},
    {"lecun_normal", [] { return initializers::LecunNormal(); }},
    {"orthogonal", [] { return initializers::Orthogonal(); }},
    {"identity", [] { return initializers::Identity(); }},
};

}  // namespace

InitializerNames TFLearnInitializerNames() { return kTFLearn; }

InitializerNames KerasInitializerNames() { return kKeras; }

}  // namespace weft
