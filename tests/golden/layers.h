// What the adapters of TFLearn and Polyaxon share: their layers differ in the
// names of arguments only.
#ifndef WEFT_TESTS_GOLDEN_LAYERS_H_
#define WEFT_TESTS_GOLDEN_LAYERS_H_

#include "absl/status/status.h"
#include "tests/golden/adapter.h"

namespace weft::golden {

// How a vocabulary calls the number of units, and reads a pair "dropout".
struct Vocabulary {
  const char* units;
  bool dropout_is_kept;  // Else it is what is dropped.
};

absl::Status BuildSimpleRNN(const GoldenCase& c, const Vocabulary& vocabulary,
                            CaseGraph* built);
absl::Status BuildLSTM(const GoldenCase& c, const Vocabulary& vocabulary,
                       CaseGraph* built);
absl::Status BuildGRU(const GoldenCase& c, const Vocabulary& vocabulary,
                      CaseGraph* built);
absl::Status BuildBidirectional(const GoldenCase& c, CaseGraph* built);

// A cell over the sequence x [batch, time, depth]; outputs all of y.
absl::Status BuildCellOverSequence(const GoldenCase& c, CaseGraph* built);
// A cell for one step, x [batch, depth]: by hand, or in a loop of one step.
absl::Status BuildCell(const GoldenCase& c, CaseGraph* built);

}  // namespace weft::golden

#endif  // WEFT_TESTS_GOLDEN_LAYERS_H_
