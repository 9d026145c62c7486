// Steps a cell through sequences: unrolled, or as a loop.
#ifndef WEFT_LAYERS_STEP_THROUGH_H_
#define WEFT_LAYERS_STEP_THROUGH_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "graph/mode_keys.h"
#include "graph/output.h"
#include "layers/cell.h"

namespace weft {

// Which of the outputs are wanted.
enum class Keep {
  kAll,    // [batch, time] + the cell's output.
  kLast,   // [batch] + the cell's output: of each row's last step.
  kFirst,  // Of the first step.
};

struct StepThroughOptions {
  absl::string_view kind;  // "lstm", for messages.
  std::optional<ModeKeys> mode = {};
  Keep keep = Keep::kLast;
  bool dynamic = false;  // A loop; else unrolled, and time must be known.
  Output lengths = {};   // int32 [batch], in [0, time]; none: all steps count.
  // Instead of lengths, and at any place: bool [batch, time], false where a
  // step does not count. Its output is then the first of the states.
  Output mask = {};
  // One per state of the cell, or one tensor with all of them joined by
  // columns; none: zeros.
  absl::string_view initial_state_name = "initial_state";  // For messages.
  Outputs initial_state = {};
  Outputs constants = {};  // Handed to every step.
  // Does someone want the states? With kFirst alone one step is enough.
  bool wants_state = true;
  // Are the states those of a sequence that runs forward in time, and can be
  // continued?
  bool streams = true;
};

struct Steps {
  Output output;
  Outputs state;  // Final, one per state of the cell.
};

// The outputs of `cell` for the sequences `x` [batch, time, ...], within the
// open scope.
//
// Steps at or past a row's length give zeros and carry the state; the last (and
// the first) output of length 0 is zeros. A loop runs to the longest row. Steps
// where the mask is false carry the states, and give the first one of them,
// which is the output of the step before.
//
// The initial states are PlaceholderWithDefault nodes "initial_state_<k>", the
// final ones Identity nodes "final_state_<k>"; both names go into the
// collection "recurrent_state", one after the other. Without `streams` the
// scope goes into "recurrent_backward" instead. Nodes that update variables
// (moving statistics) go into "update_ops", and run when an output or a state
// is wanted.
Steps StepThrough(RNNCell& cell, Operand x, const StepThroughOptions& options);

// The lengths of the rows of `x` [batch, time, ...] as int32 [batch]: `given`,
// behind an assertion that each lies in [0, time], which names the row; or, if
// it is not valid and `zero_padded` is set, LengthsOfZeroPadded(x); or none.
// Fails the graph if `given` is not int32 or int64 [batch].
Output LengthsOf(absl::string_view kind, Operand x, Output given,
                 bool zero_padded);

// The number of steps of each row of `x` [batch, time, depth] before the first
// whose features are all 0: int32 [batch].
Output LengthsOfZeroPadded(Operand x);

}  // namespace weft

#endif  // WEFT_LAYERS_STEP_THROUGH_H_
