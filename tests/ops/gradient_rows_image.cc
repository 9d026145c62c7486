#include "ops/array.h"
#include "ops/list.h"
#include "ops/list_concat.h"
#include "ops/math.h"
#include "ops/pool.h"
#include "ops/source.h"
#include "ops/space.h"
#include "ops/sparse.h"
#include "ops/text.h"
#include "tests/testing/gradient_check.h"

namespace weft {
namespace {

using Xs = const Outputs&;

const PoolOptions kSame = {
    .ksize = {2, 3}, .strides = {2, 1}, .padding = "SAME"};

Output Int(Xs x, int32_t value) { return Const(x[0].graph(), value); }

const GradientRows kPoolRows({
    {.op = "MaxPool",
     .inputs = {{2, 3, 4, 2}},
     .build = [](Xs x) { return MaxPool(x[0], kSame); }},
    {.op = "MaxPool",
     .name = "NCHW",
     .inputs = {{2, 2, 4, 4}},
     .build = [](Xs x) { return MaxPool(x[0], {.data_format = "NCHW"}); }},
    {.op = "MaxPoolGrad",
     .inputs = {{1, 4, 4, 2}, {1, 2, 2, 2}},
     .build = [](Xs x) { return MaxPoolGrad(x[0], MaxPool(x[0]), x[1]); }},
    {.op = "MaxPoolGradGrad",
     .inputs = {{1, 4, 4, 2}, {1, 4, 4, 2}},
     .build = [](Xs x) { return MaxPoolGradGrad(x[0], MaxPool(x[0]), x[1]); }},
    {.op = "AvgPool",
     .inputs = {{2, 3, 4, 2}},
     .build = [](Xs x) { return AvgPool(x[0], kSame); }},
    {.op = "AvgPoolGrad",
     .inputs = {{2, 2, 4, 2}},
     .build =
         [](Xs x) {
           return AvgPoolGrad({2, 3, 4, 2}, x[0], kSame);
         }},
});

const GradientRows kSpaceRows({
    {.op = "SpaceToBatchND",
     .inputs = {{2, 3, 4, 2}},
     .build =
         [](Xs x) {
           return SpaceToBatchND(x[0], {2, 2}, {{1, 0}, {0, 2}});
         }},
    {.op = "BatchToSpaceND",
     .inputs = {{8, 2, 3, 2}},
     .build =
         [](Xs x) {
           return BatchToSpaceND(x[0], {2, 2}, {{1, 0}, {0, 2}});
         }},
    {.op = "MirrorPad",
     .inputs = {{3, 4}},
     .build =
         [](Xs x) {
           return MirrorPad(x[0], {{1, 2}, {0, 3}});
         }},
    {.op = "MirrorPadGrad",
     .inputs = {{6, 7}},
     .build =
         [](Xs x) {
           return MirrorPadGrad(x[0], {{1, 2}, {0, 3}}, {.mode = "SYMMETRIC"});
         }},
    {.op = "LinSpace",
     .inputs = {{}, {}},
     .build = [](Xs x) { return LinSpace(x[0], x[1], Int(x, 5)); }},
});

const GradientRows kSparseRows({
    {.op = "SparseToDense",
     .inputs = {{2}, {}},
     .build =
         [](Xs x) {
           Graph& g = x[0].graph();
           return SparseToDense(Const<int32_t>(g, {2, 2}, {0, 1, 2, 0}),
                                Const<int32_t>(g, {3, 2}), x[0], x[1]);
         }},
    {.op = "SparseToDense",
     .name = "one value",
     .inputs = {{}, {}},
     .build =
         [](Xs x) {
           Graph& g = x[0].graph();
           return SparseToDense(Const<int32_t>(g, {0, 2}),
                                Const<int32_t>(g, {3}), x[0], x[1]);
         }},
    {.op = "DynamicPartition",
     .inputs = {{3, 2}},
     .build =
         [](Xs x) {
           return DynamicPartition(x[0],
                                   Const<int32_t>(x[0].graph(), {1, 0, 1}), 2);
         }},
});

Output Lengths(Xs x) {
  return Const(x[0].graph(), Tensor::Vector<int64_t>({1, 2}));
}

Output Split(Xs x) {
  return TensorListSplit(x[0], ElementShape(x[0].graph(), {-1, 2}), Lengths(x));
}

const GradientRows kListConcatRows({
    {.op = "TensorListConcatV2",
     .inputs = {{3, 2}},
     .build =
         [](Xs x) {
           const Output list = Split({x[0] * x[0]});
           return TensorListConcat(list, DataType::kDouble, {-1, 2}).tensor;
         }},
    {.op = "TensorListSplit",
     .inputs = {{3, 2}},
     .build =
         [](Xs x) {
           return TensorListGetItem(Split(x), Int(x, 1), DataType::kDouble,
                                    {2, 2});
         }},
});

const GradientRows kPrintRows({
    {.op = "Print",
     .build = [](Xs x) { return Print(x[0], {x[0]}, {.first_n = 0}); }},
});

}  // namespace
}  // namespace weft
