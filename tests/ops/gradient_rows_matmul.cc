#include "ops/matmul.h"
#include "tests/testing/gradient_check.h"

namespace weft {
namespace {

using Xs = const Outputs&;

const GradientRows kRows({
    {.op = "MatMul",
     .inputs = {{2, 3}, {3, 4}},
     .build = [](Xs x) { return MatMul(x[0], x[1]); }},
    {.op = "MatMul",
     .name = "transposed_a",
     .inputs = {{3, 2}, {3, 4}},
     .build = [](Xs x) { return MatMul(x[0], x[1], {.transpose_a = true}); }},
    {.op = "MatMul",
     .name = "transposed_b",
     .inputs = {{2, 3}, {4, 3}},
     .build = [](Xs x) { return MatMul(x[0], x[1], {.transpose_b = true}); }},
    {.op = "MatMul",
     .name = "transposed_both",
     .inputs = {{3, 2}, {4, 3}},
     .build =
         [](Xs x) {
           return MatMul(x[0], x[1],
                         {.transpose_a = true, .transpose_b = true});
         }},
    {.op = "MatMul",
     .name = "nothing_summed",
     .inputs = {{2, 0}, {0, 4}},
     .build = [](Xs x) { return MatMul(x[0], x[1]); }},
    {.op = "BatchMatMul",
     .inputs = {{2, 2, 3}, {2, 3, 4}},
     .build = [](Xs x) { return BatchMatMul(x[0], x[1]); }},
    {.op = "BatchMatMul",
     .name = "adj_x",
     .inputs = {{2, 3, 2}, {2, 3, 4}},
     .build = [](Xs x) { return BatchMatMul(x[0], x[1], {.adj_x = true}); }},
    {.op = "BatchMatMul",
     .name = "adj_y",
     .inputs = {{2, 2, 3}, {2, 4, 3}},
     .build = [](Xs x) { return BatchMatMul(x[0], x[1], {.adj_y = true}); }},
    {.op = "BatchMatMul",
     .name = "adj_both",
     .inputs = {{2, 3, 2}, {2, 4, 3}},
     .build =
         [](Xs x) {
           return BatchMatMul(x[0], x[1], {.adj_x = true, .adj_y = true});
         }},
    {.op = "BatchMatMulV2",
     .inputs = {{2, 1, 2, 3}, {5, 3, 4}},
     .build = [](Xs x) { return BatchMatMulV2(x[0], x[1]); }},
    {.op = "BatchMatMulV2",
     .name = "matrix",
     .inputs = {{2, 2, 3}, {4, 3}},
     .build = [](Xs x) { return BatchMatMulV2(x[0], x[1], {.adj_y = true}); }},
});

}  // namespace
}  // namespace weft
