// Connectionist temporal classification: labels without times.
#ifndef WEFT_TRAIN_CTC_H_
#define WEFT_TRAIN_CTC_H_

#include <cstdint>
#include <optional>
#include <string>

#include "graph/output.h"

namespace weft {

struct CtcOptions {
  std::optional<int64_t> blank = {};  // The class of it; the last one.
  std::string name = "ctc_loss";
};

// -log p(labels | logits) of each row, in nats: [batch] (Graves et al., 2006).
//
// `logits` [batch, time, classes], of which softmax makes the probabilities of
// the classes at each step; `labels` int32 [batch, max_labels], of which the
// first label_lengths[b] count; `logit_lengths` are the steps that count. Both
// lengths are int32 [batch], and may be 0. The probability is the sum over all
// paths of classes that become the labels when repetitions are joined and
// blanks left out.
//
// Labels that do not fit into their steps give infinity, without a gradient. A
// run fails if a length is out of range, or a label that counts is the blank or
// no class. Computed by a loop over the steps, in logarithms; memory for the
// gradient is [time, batch, 2 * max_labels + 1].
Output CtcLoss(Operand logits, Operand labels, Operand label_lengths,
               Operand logit_lengths, const CtcOptions& options = {});

}  // namespace weft

#endif  // WEFT_TRAIN_CTC_H_
