// Random ops: TensorFlow's Philox streams.
//
// Stateful ops give other numbers in every run. Their stream follows from two
// seeds; how far it is belongs to the session. Stateless ops give the same
// numbers whenever `seed`, two int32 or int64 values, is the same.
#ifndef WEFT_OPS_RANDOM_H_
#define WEFT_OPS_RANDOM_H_

#include <cstdint>
#include <string>

#include "core/data_type.h"
#include "graph/output.h"

namespace weft {

// Of the stateful ops.
struct RandomOptions {
  DataType dtype = DataType::kFloat;
  // Both 0: from the graph's seed and the node's full name.
  int64_t seed = 0;
  int64_t seed2 = 0;
  std::string name = {};  // Of the node; empty: the op.
};

// ---- Stateful ---------------------------------------------------------------

// Uniform in [0, 1), of a shape that a vector says.
Output RandomUniform(Operand shape, const RandomOptions& options = {});
// Normal with mean 0 and deviation 1.
Output RandomStandardNormal(Operand shape, const RandomOptions& options = {});
// The same, redrawn where beyond two deviations.
Output TruncatedNormal(Operand shape, const RandomOptions& options = {});
// Integers in [minval, maxval), scalars of the type of the result, int32 or
// int64. InvalidArgument unless minval < maxval. options.dtype is not used.
Output RandomUniformInt(Operand shape, Operand minval, Operand maxval,
                        const RandomOptions& options = {});
// `num_samples` classes per row of logits [batch, classes], drawn with
// probabilities softmax(logits): [batch, num_samples] of options.dtype, int32
// or int64; int64 if that is a floating type.
Output Multinomial(Operand logits, Operand num_samples,
                   const RandomOptions& options = {});

// ---- Stateless --------------------------------------------------------------

Output StatelessRandomUniform(Operand shape, Operand seed,
                              DataType dtype = DataType::kFloat);
Output StatelessRandomNormal(Operand shape, Operand seed,
                             DataType dtype = DataType::kFloat);
Output StatelessTruncatedNormal(Operand shape, Operand seed,
                                DataType dtype = DataType::kFloat);
Output StatelessRandomUniformInt(Operand shape, Operand seed, Operand minval,
                                 Operand maxval);

// The rows of `value` in another order, as TensorFlow draws it.
Output RandomShuffle(Operand value, int64_t seed = 0, int64_t seed2 = 0,
                     absl::string_view name = {});

}  // namespace weft

#endif  // WEFT_OPS_RANDOM_H_
