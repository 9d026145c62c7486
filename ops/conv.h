// Convolutions over images.
//
//   Output y = Conv2D(x, kernel, {.strides = {2, 2}, .padding = "VALID"});
#ifndef WEFT_OPS_CONV_H_
#define WEFT_OPS_CONV_H_

#include <cstdint>
#include <string>
#include <vector>

#include "graph/output.h"
#include "ops/array.h"

namespace weft {

struct Conv2DOptions {
  std::vector<int64_t> strides = {1, 1};  // Of height and width.
  // "SAME": there are ceil(size / stride) places, with zeros around the input;
  // "VALID": no zeros; "EXPLICIT": those of explicit_paddings.
  std::string padding = "SAME";
  // Rows above and below, columns left and right.
  std::vector<int64_t> explicit_paddings = {};
  std::string data_format = "NHWC";         // Or "NCHW".
  std::vector<int64_t> dilations = {1, 1};  // Of height and width.
  std::string name = {};
};

// Of `input` [batch, height, width, depth] and `filter` [height, width, depth,
// units] the sums of products at each place of the filter: [batch, height,
// width, units]. A filter of depth / groups makes each of as many groups of
// units from its own part of the depth.
Output Conv2D(Operand input, Operand filter, const Conv2DOptions& options = {});

// The gradient with respect to an input of shape `input_sizes`, an int32
// vector, given that of the result. Also known as transposed convolution.
Output Conv2DBackpropInput(const IntsArg& input_sizes, Operand filter,
                           Operand out_backprop,
                           const Conv2DOptions& options = {});
// The gradient with respect to a filter of shape `filter_sizes`.
Output Conv2DBackpropFilter(Operand input, const IntsArg& filter_sizes,
                            Operand out_backprop,
                            const Conv2DOptions& options = {});

// Of `input` [batch, height, width, depth] and `filter` [height, width, depth,
// multiplier] each channel alone: [batch, height, width, depth * multiplier].
Output DepthwiseConv2dNative(Operand input, Operand filter,
                             const Conv2DOptions& options = {});
// Its gradients.
Output DepthwiseConv2dNativeBackpropInput(const IntsArg& input_sizes,
                                          Operand filter, Operand out_backprop,
                                          const Conv2DOptions& options = {});
Output DepthwiseConv2dNativeBackpropFilter(Operand input,
                                           const IntsArg& filter_sizes,
                                           Operand out_backprop,
                                           const Conv2DOptions& options = {});

}  // namespace weft

#endif  // WEFT_OPS_CONV_H_
