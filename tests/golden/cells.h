// The cells of TFLearn and Polyaxon, as golden cases describe them.
#ifndef WEFT_TESTS_GOLDEN_CELLS_H_
#define WEFT_TESTS_GOLDEN_CELLS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "layers/arguments.h"
#include "layers/cell.h"
#include "tests/golden/adapter.h"
#include "tests/golden/config.h"

namespace weft::golden {

// A cell and the names of its states: {"c", "h"}, {"cell_0/h", "cell_1/h"}.
struct NamedCell {
  AnyCell cell;
  std::vector<std::string> state_names;
};

// The cell of class `class_name`. A config's own "class_name" is left alone.
absl::StatusOr<NamedCell> MakeCell(const std::string& class_name,
                                   Config config);
// The cell that config[key] describes, with its class.
absl::StatusOr<NamedCell> MakeCell(Config config);

// The inputs "<prefix><state name>", if the case has them; else none.
Outputs StateInputs(const CaseGraph& built, const std::string& prefix,
                    const std::vector<std::string>& state_names);
// Makes `state` the outputs "<prefix><state name>" as far as the case has them.
void SetStates(const GoldenCase& c, const std::string& prefix,
               const std::vector<std::string>& state_names,
               const Outputs& state, CaseGraph* built);

// Dropout by the masks that a case gives: "input_mask" and "output_mask",
// [time, batch, ...].
DropoutMasks GivenMasks(const CaseGraph& built);

}  // namespace weft::golden

#endif  // WEFT_TESTS_GOLDEN_CELLS_H_
