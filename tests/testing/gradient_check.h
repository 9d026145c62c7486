// Gradients against finite differences.
//
// Each differentiable op has rows in the gradient table. A family of ops adds
// its own in a file tests/ops/gradient_rows_FAMILY.cc:
//
//   const GradientRows kRows({
//       {.op = "Tanh", .build = [](const Outputs& x) { return Tanh(x[0]); }},
//       {.op = "MatMul", .name = "transposed", .inputs = {{2, 3}, {2, 4}},
//        .build = [](const Outputs& x) {
//          return MatMul(x[0], x[1], {.transpose_a = true});
//        }},
//   });
#ifndef WEFT_TESTS_TESTING_GRADIENT_CHECK_H_
#define WEFT_TESTS_TESTING_GRADIENT_CHECK_H_

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "core/tensor_shape.h"
#include "graph/output.h"

namespace weft {

// What a builder returns: one result or several, all double.
struct Built {
  Built(Output y) : ys({y}) {}
  Built(Outputs ys) : ys(std::move(ys)) {}
  Outputs ys;
};

struct GradientCase {
  std::string op;         // Whose row this is.
  std::string name = {};  // Tells rows of one op apart.
  std::vector<TensorShape> inputs = {
      {2, 3}};      // Random doubles of these shapes,
  double low = -1;  // from [low, high),
  double high = 1;
  double away_from_zero = 0;  // and at least this far from 0.
  // The function: of inputs with known shapes, with unknown dims, and as a part
  // of second derivatives.
  std::function<Built(const Outputs& x)> build;
  // Are unknown dims and ranks tried, too?
  bool dynamic = true;
  // Is the gradient's gradient tried, too?
  bool second_order = true;
  double step = 1e-5;
  double tolerance = 1e-6;  // Of derivatives, times (1 + their size).
};

// What a failing case is called: "MatMul/transposed".
std::string FullName(const GradientCase& row);
void PrintTo(const GradientCase& row, std::ostream* out);

// Compares the derivative of a random weighted sum of the results in a random
// direction of all inputs with a central difference, in double.
void ExpectGradients(const GradientCase& row);

// All rows, in the order of their names.
std::vector<GradientCase> GradientTable();

// Adds rows to the table, before main.
struct GradientRows {
  GradientRows(std::initializer_list<GradientCase> rows);
};

}  // namespace weft

#endif  // WEFT_TESTS_TESTING_GRADIENT_CHECK_H_
