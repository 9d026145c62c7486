#include "tests/testing/gradient_check.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/tensor.h"
#include "graph/graph.h"
#include "gtest/gtest.h"
#include "ops/gradients.h"
#include "ops/math.h"
#include "ops/source.h"
#include "runtime/session.h"

namespace weft {
namespace {

using Build = std::function<Built(const Outputs&)>;

// How much building knows of the inputs.
enum class Knowledge { kShapes, kRanks, kNothing };

TensorShape Known(const TensorShape& shape, Knowledge knowledge) {
  if (knowledge == Knowledge::kNothing) return TensorShape::UnknownRank();
  TensorShape known = shape;
  for (int i = 0; knowledge == Knowledge::kRanks && i < known.rank(); ++i) {
    known.set_dim(i, TensorShape::kUnknownDim);
  }
  return known;
}

Tensor Random(const TensorShape& shape, double low, double high,
              double away_from_zero, std::mt19937* random) {
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<double> values(shape.num_elements());
  for (double& v : values) {
    do {
      v = uniform(*random);
    } while (std::fabs(v) < away_from_zero);
  }
  return Tensor::Of<double>(shape, values);
}

double Dot(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.num_elements(); ++i)
    sum += a.data<double>()[i] * b.data<double>()[i];
  return sum;
}

// x + step * direction.
Tensor Moved(const Tensor& x, const Tensor& direction, double step) {
  std::vector<double> values(x.num_elements());
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = x.data<double>()[i] + step * direction.data<double>()[i];
  }
  return Tensor::Of<double>(x.shape(), values);
}

// A function, its inputs and the gradients of sum(y * weights), in one graph.
class Comparison {
 public:
  Comparison(const GradientCase& row, const Build& build, Knowledge knowledge)
      : row_(row) {
    for (const TensorShape& shape : row.inputs) {
      x_.push_back(
          Placeholder(graph_, "x", DataType::kDouble, Known(shape, knowledge)));
      x_values_.push_back(
          Random(shape, row.low, row.high, row.away_from_zero, &random_));
      directions_.push_back(Random(shape, -1, 1, 0, &random_));
    }
    y_ = build(x_).ys;
    for (const Output& y : y_) {
      weights_.push_back(
          Placeholder(graph_, "weight", DataType::kDouble, y.shape()));
    }
    gradients_ = Gradients(y_, x_, {.grad_ys = weights_});
  }

  absl::Status Run() {
    WEFT_ASSIGN_OR_RETURN(session_,
                          Session::Create(graph_, {.num_threads = 1}));
    WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> ys, Values(x_values_));
    for (const Tensor& y : ys) {
      weight_values_.push_back(Random(y.shape(), -1, 1, 0, &random_));
    }
    WEFT_ASSIGN_OR_RETURN(const double computed, ComputedDerivative());
    WEFT_ASSIGN_OR_RETURN(const double above, WeightedSum(row_.step));
    WEFT_ASSIGN_OR_RETURN(const double below, WeightedSum(-row_.step));
    const double expected = (above - below) / (2 * row_.step);
    EXPECT_NEAR(computed, expected, row_.tolerance * (1 + std::fabs(expected)));
    return absl::OkStatus();
  }

 private:
  std::vector<Feed> Feeds(const std::vector<Tensor>& x_values) const {
    std::vector<Feed> feeds;
    for (size_t i = 0; i < x_.size(); ++i)
      feeds.emplace_back(x_[i], x_values[i]);
    return feeds;
  }

  absl::StatusOr<std::vector<Tensor>> Values(
      const std::vector<Tensor>& x_values) {
    return session_->Run(Feeds(x_values),
                         std::vector<Fetch>(y_.begin(), y_.end()));
  }

  absl::StatusOr<double> WeightedSum(double step) {
    std::vector<Tensor> moved;
    for (size_t i = 0; i < x_.size(); ++i) {
      moved.push_back(Moved(x_values_[i], directions_[i], step));
    }
    WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> ys, Values(moved));
    double sum = 0;
    for (size_t i = 0; i < ys.size(); ++i) sum += Dot(ys[i], weight_values_[i]);
    return sum;
  }

  absl::StatusOr<double> ComputedDerivative() {
    std::vector<Feed> feeds = Feeds(x_values_);
    for (size_t i = 0; i < y_.size(); ++i)
      feeds.emplace_back(weights_[i], weight_values_[i]);
    std::vector<Fetch> fetches;
    std::vector<size_t> inputs;
    for (size_t i = 0; i < x_.size(); ++i) {
      if (!gradients_[i].valid()) continue;  // Which says that it is 0.
      fetches.emplace_back(gradients_[i]);
      inputs.push_back(i);
    }
    WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> values,
                          session_->Run(feeds, fetches));
    double derivative = 0;
    for (size_t k = 0; k < values.size(); ++k) {
      const Tensor& x = x_values_[inputs[k]];
      if (values[k].dtype() != DataType::kDouble ||
          values[k].shape() != x.shape()) {
        return Internal("the gradient of input ", inputs[k], " is ",
                        DataTypeName(values[k].dtype()), " ",
                        values[k].shape().ToString(), " but must be float64 ",
                        x.shape().ToString());
      }
      derivative += Dot(values[k], directions_[inputs[k]]);
    }
    return derivative;
  }

  const GradientCase& row_;
  std::mt19937 random_{7};
  Graph graph_;
  Outputs x_, y_, weights_, gradients_;
  std::vector<Tensor> x_values_, directions_, weight_values_;
  std::unique_ptr<Session> session_;
};

void Compare(const GradientCase& row, const Build& build, Knowledge knowledge,
             const std::string& what) {
  SCOPED_TRACE(absl::StrCat(FullName(row), ", ", what));
  EXPECT_EQ(Comparison(row, build, knowledge).Run(), absl::OkStatus());
}

// The gradients of the case's function, as a function: with fixed weights that
// are not all alike.
Built GradientOf(const GradientCase& row, const Outputs& x) {
  const Outputs y = row.build(x).ys;
  Outputs weights;
  for (const Output& v : y) weights.push_back(Cos(v) + 0.5);
  const Outputs constants = weights;
  Outputs gradients;
  for (const Output& g :
       Gradients(y, x, {.grad_ys = weights, .stop_gradients = constants})) {
    if (g.valid()) gradients.push_back(g);
  }
  return gradients;
}

std::vector<GradientCase>& Rows() {
  static auto* rows = new std::vector<GradientCase>;
  return *rows;
}

}  // namespace

std::string FullName(const GradientCase& row) {
  return row.name.empty() ? row.op : absl::StrCat(row.op, "/", row.name);
}

void PrintTo(const GradientCase& row, std::ostream* out) {
  *out << FullName(row);
}

void ExpectGradients(const GradientCase& row) {
  Compare(row, row.build, Knowledge::kShapes, "shapes known");
  if (row.dynamic) {
    Compare(row, row.build, Knowledge::kRanks, "dims unknown");
    Compare(row, row.build, Knowledge::kNothing, "ranks unknown");
  }
  if (!row.second_order) return;
  const Build gradient = [&row](const Outputs& x) {
    return GradientOf(row, x);
  };
  Compare(row, gradient, Knowledge::kShapes, "second order");
}

std::vector<GradientCase> GradientTable() {
  std::vector<GradientCase> rows = Rows();
  std::stable_sort(rows.begin(), rows.end(),
                   [](const GradientCase& a, const GradientCase& b) {
                     return FullName(a) < FullName(b);
                   });
  return rows;
}

GradientRows::GradientRows(std::initializer_list<GradientCase> rows) {
  Rows().insert(Rows().end(), rows.begin(), rows.end());
}

}  // namespace weft
