// Initial values by the names of Keras 0.x.
#ifndef WEFT_LAYERS_KERAS0_INITIALIZERS_H_
#define WEFT_LAYERS_KERAS0_INITIALIZERS_H_

#include "layers/arguments.h"

namespace weft::keras0 {

// uniform (in [-0.05, 0.05)), normal (deviation 0.05), lecun_uniform,
// glorot_uniform, glorot_normal, he_uniform, he_normal, orthogonal (scale 1.1),
// identity, zero, one. Unlike Keras 2's, no normal is cut off.
InitializerNames Keras0InitializerNames();

// The matrix P of JZS1 and JZS2, [depth, units]: the identity if both are the
// same, else random signs divided by sqrt(depth).
Initializer Projection();

}  // namespace weft::keras0

#endif  // WEFT_LAYERS_KERAS0_INITIALIZERS_H_
