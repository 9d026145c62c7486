// Matrix products.
#ifndef WEFT_OPS_MATMUL_H_
#define WEFT_OPS_MATMUL_H_

#include <string>

#include "graph/output.h"

namespace weft {

struct MatMulOptions {
  bool transpose_a = false;  // a is [k, m].
  bool transpose_b = false;  // b is [n, k].
  std::string name = {};
};

// a [m, k] times b [k, n]: [m, n]. Floating types and int32, int64.
Output MatMul(Operand a, Operand b, const MatMulOptions& options = {});

struct BatchMatMulOptions {
  bool adj_x = false;  // x is [..., k, m].
  bool adj_y = false;  // y is [..., n, k].
  std::string name = {};
};

// x [..., m, k] times y [..., k, n], matrix by matrix: [..., m, n]. The leading
// axes are the same.
Output BatchMatMul(Operand x, Operand y,
                   const BatchMatMulOptions& options = {});
// The same; the leading axes broadcast.
Output BatchMatMulV2(Operand x, Operand y,
                     const BatchMatMulOptions& options = {});

}  // namespace weft

#endif  // WEFT_OPS_MATMUL_H_
