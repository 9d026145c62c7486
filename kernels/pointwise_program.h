// A fused program of micro-operations, and how it is laid out.
//
// Registers are numbered: the inputs first, then the result of each
// instruction. A register has the shape that its instruction gives it; results
// that leave the program are its outputs.
#ifndef WEFT_KERNELS_POINTWISE_PROGRAM_H_
#define WEFT_KERNELS_POINTWISE_PROGRAM_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/attr.h"
#include "core/kernel.h"
#include "core/pointwise.h"
#include "kernels/pointwise_rows.h"

namespace weft {

// More would not fit the memory that one thread has for them.
inline constexpr int kMaxPointwisePlaces = 96;
// Rows shorter than this are worked on several at a time.
inline constexpr int64_t kShortPointwiseRow = 64;

struct PointwiseInstruction {
  MicroOp op;
  std::array<int, 3> arguments = {-1, -1, -1};  // Registers.
  float parameter = 0;
};

// An output that is the sum, or the mean, along the last axis of a register.
// Its elements are added up as those of a row of Sum are.
struct PointwiseSum {
  int output = -1;
  bool is_mean = false;
  bool keep_dims = false;
};

struct PointwiseProgram {
  int num_inputs = 0;
  std::vector<PointwiseInstruction> instructions;
  std::vector<int> outputs;  // Registers.
  // Registers, each with the shape that it must have: an input behind those of
  // numbers, whose value has to be known.
  std::vector<std::pair<int, int>> checks;
  std::vector<PointwiseRow> rows;  // Outputs that are parts of rows.
  std::vector<PointwiseSum> sums;
  // For messages: "Add 'y'" by instruction, "x:0" by register.
  std::vector<std::string> names;
  std::vector<std::string> registers;

  int num_registers() const {
    return num_inputs + static_cast<int>(instructions.size());
  }
  // From what the fusion pass has written:
  //
  //   program    op and three registers (-1: none) for each instruction
  //   parameters one for each instruction
  //   checks     registers and numbers of shapes, in turn
  //   rows       output, column, axis and whether swapped for each
  //   row_names  one for each
  //   sums       output, whether the mean, whether it keeps the axis for each
  //   outputs, names, registers
  //
  // The kernel's `num_inputs` are those of the program, the shapes of checks,
  // and for each row the rows and an index.
  static PointwiseProgram FromAttrs(const AttrMap& attrs, int num_inputs);
};

// How one input is read along the axes of a domain.
struct PointwiseLoad {
  int input = -1;
  bool is_truth = false;      // Of bytes.
  bool in_one_piece = false;  // Element i of the domain is element i.
  bool is_single = false;     // One element for all of the domain.
  int first_use = 0;          // Steps of the domain.
  int last_use = 0;
  std::vector<int64_t> strides = {};  // Per axis, innermost first.
};

// The program for the outputs of one shape.
struct PointwiseDomain {
  struct Step {
    int instruction = -1;
    std::array<int, 3> arguments = {0, 0, 0};  // Places.
    int result = 0;
  };
  // What is not the place itself.
  struct Store {
    int place = 0;
    int output = 0;
    bool is_truth = false;
    bool is_sum = false;  // Of a row.
    bool is_mean = false;
    std::vector<int64_t> strides = {};  // Per axis, innermost first.
  };

  bool has_sums() const {
    return std::any_of(stores.begin(), stores.end(),
                       [](const Store& store) { return store.is_sum; });
  }

  // Along the axes, of a tensor in one piece.
  std::vector<int64_t> DenseStrides() const;

  TensorShape shape;
  // Neighbouring axes that all loads and stores go along alike are one;
  // innermost first.
  std::vector<int64_t> axes;
  int64_t size = 1;
  std::vector<PointwiseLoad> loads;  // Place i is load i.
  std::vector<Step> steps;
  std::vector<Store> stores;
  // Places: of loads, then of results. What can be read where it is, and
  // results that are outputs of numbers, need no temporary.
  int num_places = 0;
  std::vector<int> temporary;  // By place; -1: none.
  std::vector<int> direct;     // By place: the output that it is; -1: none.
  int num_temporaries = 0;
  int64_t tile = 0;  // Elements that are worked on at a time.
};

struct PointwiseLayout {
  std::vector<PointwiseDomain> domains;
  std::vector<PointwiseRowPlace> rows;
};

// Lays `program` out for the inputs of `c`: sets its outputs and what may
// happen in place. Null if the shape of a check is not known. InvalidArgument
// names the instruction whose arguments, or whose result, do not fit.
absl::StatusOr<std::shared_ptr<const PointwiseLayout>> LayOutPointwise(
    const PointwiseProgram& program, size_t element_bytes, LayoutContext& c);

}  // namespace weft

#endif  // WEFT_KERNELS_POINTWISE_PROGRAM_H_
