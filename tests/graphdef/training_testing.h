// Graphs that train, as TensorFlow 1 writes them: the words that they are
// written in, and their gradients by finite differences. Values are double.
#ifndef WEFT_TESTS_GRAPHDEF_TRAINING_TESTING_H_
#define WEFT_TESTS_GRAPHDEF_TRAINING_TESTING_H_

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/session.h"
#include "tests/graph/v1_testing.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft::v1 {

inline constexpr char kDouble[] = "DT_DOUBLE";

// A placeholder of any shape.
inline std::string Fed(absl::string_view name,
                       absl::string_view type = kDouble) {
  return NodeText(
      name, "Placeholder", "",
      TypeAttr("dtype", type) + "shape = shape { unknown_rank: true }");
}
inline std::string Number(absl::string_view name, double value,
                          absl::string_view control = "") {
  return NodeText(name, "Const", control,
                  absl::StrCat(TypeAttr("dtype", kDouble),
                               "value = tensor { dtype: DT_DOUBLE tensor_shape "
                               "{} double_val: ",
                               value, " }"));
}
// The float that a flow is where nothing flows.
inline std::string NoFlow(absl::string_view name) {
  return NodeText(name, "Const", "",
                  TypeAttr("dtype", "DT_FLOAT") +
                      "value = tensor { dtype: DT_FLOAT tensor_shape {} "
                      "float_val: 0 }");
}
inline std::string Ints(absl::string_view name, std::vector<int> values,
                        absl::string_view control = "") {
  std::string tensor = absl::StrCat(
      "dtype: DT_INT32 tensor_shape { dim { size: ", values.size(), " } }");
  for (int value : values) absl::StrAppend(&tensor, " int_val: ", value);
  return NodeText(name, "Const", control,
                  absl::StrCat(TypeAttr("dtype", "DT_INT32"),
                               "value = tensor { ", tensor, " }"));
}
// A variable with the read and the assignment that TensorFlow adds; NAME/begin
// is to be fed to it.
inline std::string VariableOf(absl::string_view name,
                              const std::vector<int>& dims) {
  std::string shape;
  for (int dim : dims) absl::StrAppend(&shape, "dim { size: ", dim, " } ");
  const std::string n(name);
  return NodeText(n, "VariableV2", "",
                  absl::StrCat(TypeAttr("dtype", kDouble), "shape = shape { ",
                               shape, "}")) +
         Fed(n + "/begin") +
         Op(n + "/Assign", "Assign", n + " " + n + "/begin", kDouble) +
         Op(n + "/read", "Identity", n, kDouble);
}
inline std::string Product(absl::string_view name, absl::string_view inputs,
                           absl::string_view transposed = "") {
  std::string attrs = T(kDouble);
  if (!transposed.empty()) {
    absl::StrAppend(&attrs, "transpose_", transposed, " = b: true");
  }
  return NodeText(name, "MatMul", inputs, attrs);
}
inline std::string Sum(absl::string_view name, int number,
                       absl::string_view inputs) {
  return NodeText(name, "AddN", inputs,
                  absl::StrCat(T(kDouble), "N = i: ", number));
}

// The gradient of y = ConcatV2(x, h, axis 1) by TensorFlow: NAME/Slice and
// NAME/Slice_1 are those of x and h, for `dy`. `control` puts its constant into
// a loop.
inline std::string ConcatGradient(const std::string& name, const std::string& x,
                                  const std::string& h, const std::string& dy,
                                  absl::string_view control = "") {
  const std::string n = name + "/";
  return Int(n + "axis", 1, control) +
         NodeText(n + "ShapeN", "ShapeN", x + " " + h,
                  T(kDouble) + "N = i: 2; out_type = type: DT_INT32") +
         NodeText(n + "ConcatOffset", "ConcatOffset",
                  absl::StrCat(n, "axis ", n, "ShapeN ", n, "ShapeN:1"),
                  "N = i: 2") +
         NodeText(n + "Slice", "Slice",
                  absl::StrCat(dy, " ", n, "ConcatOffset ", n, "ShapeN"),
                  T(kDouble) + "Index = type: DT_INT32") +
         NodeText(n + "Slice_1", "Slice",
                  absl::StrCat(dy, " ", n, "ConcatOffset:1 ", n, "ShapeN:1"),
                  T(kDouble) + "Index = type: DT_INT32");
}

inline Tensor Doubles(const TensorShape& shape, std::vector<double> values) {
  return Tensor::Of<double>(shape, values);
}
// Numbers without a pattern, between -0.8 and 0.8.
inline Tensor Some(const TensorShape& shape, int seed) {
  std::vector<double> values;
  for (int64_t i = 0; i < shape.num_elements(); ++i) {
    values.push_back(0.8 * std::sin(1.7 * static_cast<double>(i) + seed));
  }
  return Doubles(shape, values);
}

class TrainingGraph {
 public:
  // Variables begin as `variables` say; `feeds` are what every run is given.
  TrainingGraph(const std::string& text, bool passes,
                std::vector<Feed> variables, std::vector<Feed> feeds)
      : variables_(std::move(variables)), feeds_(std::move(feeds)) {
    absl::StatusOr<std::unique_ptr<Graph>> graph = Import(text);
    EXPECT_THAT(graph, IsOk());
    if (!graph.ok()) return;
    SessionOptions options;
    options.passes.enabled = passes;
    absl::StatusOr<std::unique_ptr<Session>> session =
        Session::Create(*std::move(graph), options);
    EXPECT_THAT(session, IsOk());
    if (!session.ok()) return;
    session_ = *std::move(session);
    for (const Feed& variable : variables_) {
      EXPECT_THAT(session_->SetVariable(variable.name, variable.value), IsOk());
    }
  }

  // Is `gradient` that of the scalar `loss` by the variable or the feed?
  void ExpectGradient(const std::string& loss, const std::string& gradient,
                      const std::string& of) {
    ASSERT_NE(session_, nullptr);
    const absl::StatusOr<std::vector<Tensor>> got =
        session_->Run(feeds_, {gradient});
    ASSERT_THAT(got, IsOk());
    Tensor* at = nullptr;
    for (Feed& feed : variables_) at = feed.name == of ? &feed.value : at;
    for (Feed& feed : feeds_) at = feed.name == of ? &feed.value : at;
    ASSERT_NE(at, nullptr) << of;
    const Tensor before = *at;
    constexpr double kStep = 1e-5;
    std::vector<double> expected;
    for (int64_t i = 0; i < before.num_elements(); ++i) {
      double losses[2];
      for (int side : {0, 1}) {
        std::vector<double> moved(before.data<double>().begin(),
                                  before.data<double>().end());
        moved[i] += side == 0 ? -kStep : kStep;
        *at = Doubles(before.shape(), moved);
        losses[side] = Loss(loss);
      }
      expected.push_back((losses[1] - losses[0]) / (2 * kStep));
    }
    *at = before;
    Loss(loss);  // The variables as they were.
    EXPECT_THAT((*got)[0], TensorNear(Doubles(before.shape(), expected), 1e-8))
        << gradient << " of " << of;
  }

  // Does running `step` take rate * `gradient` from the variable?
  void ExpectDescent(const std::string& step, const std::string& gradient,
                     const std::string& variable, double rate) {
    ASSERT_NE(session_, nullptr);
    const absl::StatusOr<Tensor> before = session_->GetVariable(variable);
    ASSERT_THAT(before, IsOk());
    const absl::StatusOr<std::vector<Tensor>> got =
        session_->Run(feeds_, {gradient}, {step});
    ASSERT_THAT(got, IsOk());
    std::vector<double> expected;
    for (int64_t i = 0; i < before->num_elements(); ++i) {
      expected.push_back(before->data<double>()[i] -
                         rate * (*got)[0].data<double>()[i]);
    }
    EXPECT_THAT(*session_->GetVariable(variable),
                TensorNear(Doubles(before->shape(), expected), 1e-12));
  }

  double Loss(const std::string& name) {
    for (const Feed& variable : variables_) {
      EXPECT_THAT(session_->SetVariable(variable.name, variable.value), IsOk());
    }
    const absl::StatusOr<std::vector<Tensor>> loss =
        session_->Run(feeds_, {name});
    EXPECT_THAT(loss, IsOk());
    return loss.ok() ? (*loss)[0].data<double>()[0] : 0;
  }

  Session* session() { return session_.get(); }

 private:
  std::vector<Feed> variables_;
  std::vector<Feed> feeds_;
  std::unique_ptr<Session> session_;
};

}  // namespace weft::v1

#endif  // WEFT_TESTS_GRAPHDEF_TRAINING_TESTING_H_
