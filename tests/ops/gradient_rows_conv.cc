#include "ops/array.h"
#include "ops/conv.h"
#include "tests/testing/gradient_check.h"

namespace weft {
namespace {

using Xs = const Outputs&;

const std::vector<TensorShape> kConv = {{2, 4, 5, 2}, {3, 2, 2, 3}};

const GradientRows kConvRows({
    {.op = "Conv2D",
     .inputs = kConv,
     .build = [](Xs x) { return Conv2D(x[0], x[1]); }},
    {.op = "Conv2D",
     .name = "NCHW",
     .inputs = {{2, 2, 5, 4}, {2, 2, 2, 3}},
     .build =
         [](Xs x) {
           return Conv2D(x[0], x[1],
                         {.strides = {2, 1},
                          .padding = "VALID",
                          .data_format = "NCHW",
                          .dilations = {1, 2}});
         }},
    {.op = "Conv2D",
     .name = "groups, explicit padding",
     .inputs = {{1, 4, 3, 4}, {2, 2, 2, 4}},
     .build =
         [](Xs x) {
           return Conv2D(
               x[0], x[1],
               {.padding = "EXPLICIT", .explicit_paddings = {0, 2, 1, 0}});
         }},
    {.op = "Conv2DBackpropInput",
     .inputs = {{3, 2, 2, 3}, {2, 4, 5, 3}},
     .build =
         [](Xs x) {
           return Conv2DBackpropInput({2, 4, 5, 2}, x[0], x[1]);
         }},
    {.op = "Conv2DBackpropFilter",
     .inputs = {{2, 4, 5, 2}, {2, 2, 3, 3}},
     .build =
         [](Xs x) {
           return Conv2DBackpropFilter(x[0], {3, 2, 2, 3}, x[1],
                                       {.strides = {2, 2}});
         }},
    {.op = "DepthwiseConv2dNative",
     .inputs = kConv,
     .build = [](Xs x) { return DepthwiseConv2dNative(x[0], x[1]); }},
    {.op = "DepthwiseConv2dNativeBackpropInput",
     .inputs = {{3, 2, 2, 3}, {2, 4, 5, 6}},
     .build =
         [](Xs x) {
           return DepthwiseConv2dNativeBackpropInput({2, 4, 5, 2}, x[0], x[1]);
         }},
    {.op = "DepthwiseConv2dNativeBackpropFilter",
     .inputs = {{2, 4, 5, 2}, {2, 2, 3, 6}},
     .build =
         [](Xs x) {
           return DepthwiseConv2dNativeBackpropFilter(x[0], {3, 2, 2, 3}, x[1],
                                                      {.strides = {2, 2}});
         }},
});

}  // namespace
}  // namespace weft
