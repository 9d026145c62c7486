// Every cell gives the same values and gradients unrolled, in a loop, and
// stepped by hand.
#include <tuple>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "layers/recurrent.h"
#include "ops/array.h"
#include "ops/gradients.h"
#include "ops/math.h"
#include "ops/source.h"
#include "tests/layers/models.h"
#include "tests/layers/program.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

struct Case {
  std::string name;
  int64_t batch;
  int64_t time;
  std::vector<int32_t> lengths;  // Empty: none are given.
  bool known = true;  // Are batch and time known while the loop is built?
  DataType dtype = DataType::kFloat;
  double tolerance = 1e-6;
};

const Case kCases[] = {
    {"Plain", 3, 5, {}},
    {"OneStep", 3, 1, {}},
    {"OneRow", 1, 4, {}},
    {"LengthsOfZeroSomeAndAll", 4, 5, {0, 2, 5, 1}},
    {"OneStepOrNone", 2, 1, {0, 1}},
    {"NoRowHasASecondStep", 2, 4, {1, 1}},
    {"UnknownDims", 3, 4, {}, false},
    {"UnknownDimsAndLengths", 3, 4, {4, 0, 2}, false},
    {"Double", 3, 5, {5, 0, 3}, true, DataType::kDouble, 1e-12},
    {"DoubleWithoutLengths", 2, 6, {}, false, DataType::kDouble, 1e-12},
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

// What a form is given, and what it gives: all outputs, the last ones, the
// final states.
struct Form {
  Output x;
  Outputs initial;
  Output all;
  Output last;
  Outputs state;
};

class FormsTest : public ::testing::TestWithParam<std::tuple<CellModel, Case>> {
 protected:
  const Case& c() const { return std::get<1>(GetParam()); }

  // The same value in a placeholder of which less is known: nothing of the
  // first `unknown` axes.
  Output Blurred(Output x, int unknown) {
    if (c().known) return x;
    TensorShape shape = x.shape();
    for (int i = 0; i < unknown; ++i)
      shape.set_dim(i, TensorShape::kUnknownDim);
    for (const Feed& feed : p_.feeds()) {
      if (feed.name == x.name()) return p_.Fed(Tensor(feed.value), shape);
    }
    ADD_FAILURE() << x.name() << " is not fed";
    return x;
  }

  Form ByRnn(bool dynamic) {
    Form form{.x = x_, .initial = initial_};
    if (dynamic) {
      form.x = Blurred(x_, 2);
      for (Output& state : form.initial) state = Blurred(state, 1);
    }
    RNNOptions options{.return_seq = true,
                       .return_state = true,
                       .initial_state = form.initial,
                       .constants = constants_,
                       .dynamic = dynamic,
                       .sequence_length = lengths_,
                       .zero_padded = false};
    const RNNResult all = rnn(form.x, *cell_, options);
    options.return_seq = false;
    form.last = rnn(form.x, *cell_, options);
    form.all = all.output;
    form.state = all.state;
    return form;
  }

  // As the documents define it: what lies past a row's length is put right with
  // Select, step by step.
  Form ByHand() {
    const CallContext call{.x = x_, .constants = constants_};
    const Outputs begun = cell_->Begin(call);
    Outputs carried = cell_->Carried(call);
    Outputs state = initial_;
    Outputs ys;
    Output last;
    for (int t = 0; t < c().time; ++t) {
      Output index = Const(p_.graph(), static_cast<int32_t>(t));
      StepContext step{.index = index,
                       .begun = begun,
                       .constants = constants_,
                       .carried = &carried};
      if (lengths_.valid()) step.valid = Less(index, lengths_);
      Outputs next = state;
      Output y = cell_->Step(IndexAxis(x_, 1, t), &next, step);
      if (!last.valid()) last = ZerosLike(y);
      if (lengths_.valid()) {
        for (size_t k = 0; k < state.size(); ++k) {
          next[k] = Select(step.valid, next[k], state[k]);
        }
        last = Select(step.valid, y, last);
        y = Select(step.valid, y, ZerosLike(y));
      } else {
        last = y;
      }
      ys.push_back(y);
      state = next;
    }
    return {x_, initial_, Pack(ys, 1), last, state};
  }

  void Build() {
    x_ = p_.Random({c().batch, c().time, 2}, c().dtype);
    if (!c().lengths.empty()) lengths_ = p_.Lengths(c().lengths);
    TensorShape step = {c().batch, 2};
    cell_->Build(CellInput(p_.graph(), c().dtype, step));
    for (TensorShape shape : cell_->state_shapes()) {
      shape.InsertDim(0, c().batch);
      initial_.push_back(p_.Random(shape, c().dtype));
    }
    for (TensorShape shape : std::get<0>(GetParam()).constants) {
      shape.InsertDim(0, c().batch);
      constants_.push_back(p_.Random(shape, c().dtype));
    }
  }

  // All that depends on the form: values, and gradients of a weighted sum of
  // them.
  Outputs Everything(const Form& form) {
    Outputs ys = {form.all, form.last};
    ys.insert(ys.end(), form.state.begin(), form.state.end());
    Outputs weights;
    for (const Output& y : ys) weights.push_back(Cos(StopGradient(y)) + 0.5);
    Outputs xs = {form.x};
    xs.insert(xs.end(), form.initial.begin(), form.initial.end());
    xs.insert(xs.end(), constants_.begin(), constants_.end());
    for (const Variable& w : cell_->weights()) xs.push_back(w.read());
    const Outputs gradients =
        Gradients(ys, xs, {.grad_ys = weights, .zeros_if_unconnected = true});
    ys.insert(ys.end(), gradients.begin(), gradients.end());
    return ys;
  }

  Program p_{{.mode = ModeKeys::kEval, .seed = 7}};
  AnyCell cell_ = std::get<0>(GetParam()).make();
  Output x_;
  Output lengths_;
  Outputs initial_;
  Outputs constants_;
};

TEST_P(FormsTest, GiveTheSame) {
  Build();
  Outputs fetches = Everything(ByHand());
  const size_t count = fetches.size();
  for (bool dynamic : {false, true}) {
    const Outputs more = Everything(ByRnn(dynamic));
    fetches.insert(fetches.end(), more.begin(), more.end());
  }
  const std::vector<Tensor> values = p_.Run(fetches);
  const double tolerance =
      c().tolerance * std::get<0>(GetParam()).amplification;
  for (size_t i = 0; i < count; ++i) {
    EXPECT_THAT(values[count + i], TensorNear(values[i], tolerance))
        << "unrolled, result " << i << " of " << count;
    EXPECT_THAT(values[2 * count + i], TensorNear(values[i], tolerance))
        << "in a loop, result " << i << " of " << count;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, FormsTest,
    ::testing::Combine(::testing::ValuesIn(AllCellModels()),
                       ::testing::ValuesIn(kCases)),
    [](const auto& info) {
      return std::get<0>(info.param).name + std::get<1>(info.param).name;
    });

}  // namespace
}  // namespace weft
