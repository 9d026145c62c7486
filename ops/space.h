// Moving what lies along the axes of space: blocks into the batch and back, and
// mirrored borders.
#ifndef WEFT_OPS_SPACE_H_
#define WEFT_OPS_SPACE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "graph/output.h"
#include "ops/array.h"

namespace weft {

// `input` [batch, space..., rest...] padded with zeros and cut into blocks of
// `block_shape` along the axes of space: element k of all blocks becomes entry
// k of a batch that is that much larger, [batch * product(block_shape), space /
// block_shape..., rest...].
Output SpaceToBatchND(Operand input, const IntsArg& block_shape,
                      const Paddings& paddings, absl::string_view name = {});
// The reverse; `crops` are cut off.
Output BatchToSpaceND(Operand input, const IntsArg& block_shape,
                      const Paddings& crops, absl::string_view name = {});

struct MirrorPadOptions {
  std::string mode = "REFLECT";  // "SYMMETRIC": the border is repeated, too.
  std::string name = {};
};

// `input` with what is next to its borders, mirrored, around it.
Output MirrorPad(Operand input, const Paddings& paddings,
                 const MirrorPadOptions& options = {});
// Its gradient: what came from one element is summed.
Output MirrorPadGrad(Operand input, const Paddings& paddings,
                     const MirrorPadOptions& options = {});

// `num` values, an integer scalar, from `start` to `stop`, evenly apart.
Output LinSpace(Operand start, Operand stop, Operand num,
                absl::string_view name = {});

}  // namespace weft

#endif  // WEFT_OPS_SPACE_H_
