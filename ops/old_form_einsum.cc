// Einsum, as products of matrices.
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "graph/expansion.h"
#include "graph/infer.h"
#include "graph/op.h"
#include "ops/array.h"
#include "ops/matmul.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "ops/types.h"

namespace weft {
namespace {

// A value whose axes have letters.
struct Labelled {
  Output value;
  std::string labels;
};

bool Has(const std::string& labels, char label) {
  return labels.find(label) != std::string::npos;
}

// `x` without the axes whose letters are nowhere else.
Labelled SumOthers(const Labelled& x, const std::string& kept) {
  std::vector<int> axes;
  std::string labels;
  for (size_t i = 0; i < x.labels.size(); ++i) {
    if (Has(kept, x.labels[i])) {
      labels += x.labels[i];
    } else {
      axes.push_back(static_cast<int>(i));
    }
  }
  return {axes.empty() ? x.value : Sum(x.value, {.axes = axes}), labels};
}

// `x` with its axes in the order of `labels`.
Output Ordered(const Labelled& x, const std::string& labels) {
  if (labels == x.labels) return x.value;
  std::vector<int64_t> perm;
  for (const char label : labels)
    perm.push_back(static_cast<int64_t>(x.labels.find(label)));
  return Transpose(x.value, perm);
}

// The sizes of these axes of `x`: an int32 vector.
Output DimsOf(const Labelled& x, const std::string& labels) {
  std::vector<int32_t> axes;
  for (const char label : labels)
    axes.push_back(static_cast<int32_t>(x.labels.find(label)));
  return Gather(Shape(x.value),
                Const(x.value.graph(), Tensor::Vector<int32_t>(axes)));
}

// Axes of x by three kinds, each kind as one axis.
Output AsMatrices(const Labelled& x, const std::string& batch,
                  const std::string& rows, const std::string& columns) {
  Outputs sizes;
  for (const std::string* labels : {&batch, &rows, &columns})
    sizes.push_back(Prod(DimsOf(x, *labels)));
  return Reshape(Ordered(x, batch + rows + columns), Pack(sizes));
}

Labelled Product(const Labelled& x, const Labelled& y,
                 const std::string& result) {
  std::string batch, summed, x_free, y_free;
  for (const char label : x.labels) {
    if (!Has(y.labels, label)) {
      x_free += label;
    } else {
      (Has(result, label) ? batch : summed) += label;
    }
  }
  for (const char label : y.labels) {
    if (!Has(x.labels, label)) y_free += label;
  }
  const Output product = BatchMatMulV2(AsMatrices(x, batch, x_free, summed),
                                       AsMatrices(y, batch, summed, y_free));
  const Output shape =
      Concat({DimsOf(x, batch), DimsOf(x, x_free), DimsOf(y, y_free)}, 0);
  return {Reshape(product, shape), batch + x_free + y_free};
}

// The letters of one operand. False unless each is a letter, and there once.
bool IsPlain(const std::string& labels) {
  std::string sorted = labels;
  std::sort(sorted.begin(), sorted.end());
  return std::all_of(sorted.begin(), sorted.end(),
                     [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
                     }) &&
         std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
}

Outputs ExpandEinsum(ExpansionContext& c) {
  std::string equation = c.attr<std::string>("equation");
  equation.erase(std::remove(equation.begin(), equation.end(), ' '),
                 equation.end());
  const std::vector<std::string> sides = absl::StrSplit(equation, "->");
  const std::vector<std::string> inputs = absl::StrSplit(sides[0], ',');
  if (sides.size() != 2 || static_cast<int>(inputs.size()) != c.num_inputs()) {
    return c.Fail("attr 'equation' is \"", Printable(equation),
                  "\" but must have one part for each of the ", c.num_inputs(),
                  " inputs, \"->\" and the result");
  }
  const std::string& result = sides[1];
  std::string all;
  for (int i = 0; i < c.num_inputs(); ++i) {
    if (!IsPlain(inputs[i]) || !IsPlain(result)) {
      return c.FailUnimplemented("attr 'equation' is \"", Printable(equation),
                                 "\" but parts must be different letters");
    }
    const TensorShape& shape = c.in(i).shape();
    if (shape.has_rank() &&
        shape.rank() != static_cast<int>(inputs[i].size())) {
      return c.Fail("input ", i, " is ", shape.ToString(),
                    " but attr 'equation' says \"", inputs[i], "\"");
    }
    all += inputs[i];
  }
  for (const char label : result) {
    if (Has(all, label)) continue;
    return c.Fail("attr 'equation' is \"", equation, "\" but no input has '",
                  std::string(1, label), "'");
  }
  Labelled x = {c.in(0), inputs[0]};
  for (int i = 1; i < c.num_inputs(); ++i) {
    // What later inputs or the result need must stay.
    std::string later = result;
    for (int k = i + 1; k < c.num_inputs(); ++k) later += inputs[k];
    const Labelled y = SumOthers({c.in(i), inputs[i]}, later + x.labels);
    x = Product(SumOthers(x, later + inputs[i]), y, later);
  }
  return {Ordered(SumOthers(x, result), result)};
}

}  // namespace

WEFT_OP(Einsum)
    .Input("inputs: N*T")
    .Output("output: T")
    .RequiredAttr("equation", AttrKind::kString)
    .Number("N")
    .Type("T", types::Numbers())
    .Infer([](InferContext&) {})
    .NotDifferentiable()
    .NoKernel(kExpanded);
WEFT_EXPANSION(Einsum, ExpandEinsum);

}  // namespace weft
