// The one dropout mask that layers and cells share.
#ifndef WEFT_LAYERS_DROPOUT_H_
#define WEFT_LAYERS_DROPOUT_H_

#include <optional>
#include <string>

#include "graph/output.h"
#include "layers/arguments.h"

namespace weft {

// `keep` as it is used: one that is fed becomes a scalar of x's dtype behind an
// assertion that it lies in (0, 1].
Prob CheckedKeepProb(const Prob& keep, Output x);

// Two int64 values, drawn anew in every run: the seed of stateless masks. Their
// stream follows from `seed` alone, or else from the graph's seed and `name`,
// the full name of what asks; never from the order of construction.
Output DrawDropoutSeed(GraphRef g, const std::string& name,
                       std::optional<int64_t> seed);

// The same for all steps of a sequence: where it comes in chunks, a Stream
// gives later ones the seed of the first.
Output DrawSequenceSeed(GraphRef g, const std::string& name,
                        std::optional<int64_t> seed);

// How many steps of the sequence came before `x` [batch, time, ...], or the one
// step x [batch, ...]: a scalar int32 "first_step" under the open scope. 0,
// unless a Stream says otherwise.
Output FirstStep(Output x);

// x with each element kept with probability `keep` and divided by it, or else
// 0. The mask is the one numbered `number`, a scalar int64, of `seed`.
Output ApplyDropout(Output x, const Prob& keep, Output seed, Output number);

}  // namespace weft

#endif  // WEFT_LAYERS_DROPOUT_H_
