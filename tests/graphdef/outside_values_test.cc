// Ops that no recorded case has, by numbers from elsewhere: the examples of
// TensorFlow's documentation and of its own tests, published formulas, and
// finite differences. tests/testing/must_ops.txt says which ops count on it.
#include <cmath>
#include <string>
#include <vector>

#include "tests/graphdef/training_testing.h"

namespace weft {
namespace {

using namespace v1;  // NOLINT: the nodes are the words of these tests.

std::string TypeNumber(const Tensor& value) {
  return absl::StrCat(static_cast<int>(value.dtype()));
}

// The outputs of `op`, as many as are expected, for these inputs.
std::vector<Tensor> Outputs(const std::string& op, const std::string& attrs,
                            const std::vector<Tensor>& inputs, int number = 1) {
  std::string text;
  std::string names;
  std::vector<Feed> feeds;
  for (const Tensor& input : inputs) {
    const std::string name = absl::StrCat("x", feeds.size());
    text += Fed(name, TypeNumber(input));
    absl::StrAppend(&names, " ", name);
    feeds.emplace_back(name, input);
  }
  std::vector<Fetch> fetches;
  for (int i = 0; i < number; ++i) fetches.push_back(absl::StrCat("y:", i));
  absl::StatusOr<std::unique_ptr<Graph>> graph =
      Import(text + NodeText("y", op, names, attrs));
  EXPECT_THAT(graph, IsOk());
  if (!graph.ok()) return std::vector<Tensor>(number);
  auto session = Session::Create(*std::move(graph));
  EXPECT_THAT(session, IsOk());
  const auto values = (*session)->Run(feeds, fetches);
  EXPECT_THAT(values, IsOk());
  return values.ok() ? *values : std::vector<Tensor>(number);
}

Tensor Whole(const TensorShape& shape, std::vector<int32_t> values) {
  return Tensor::Of<int32_t>(shape, values);
}
Tensor Vector(std::vector<int32_t> values) {
  return Tensor::Vector<int32_t>(values);
}
Tensor Scalar(int32_t value) { return Tensor::Scalar(value); }
Tensor Floats(const TensorShape& shape, std::vector<float> values) {
  return Tensor::Of<float>(shape, values);
}

// ---- Examples of the documentation ------------------------------------------

struct Example {
  std::string op;
  std::string attrs;
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
};

void PrintTo(const Example& example, std::ostream* out) { *out << example.op; }

class ExampleTest : public ::testing::TestWithParam<Example> {};

TEST_P(ExampleTest, IsAsDocumented) {
  const Example& example = GetParam();
  const std::vector<Tensor> got =
      Outputs(example.op, example.attrs, example.inputs,
              static_cast<int>(example.outputs.size()));
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_THAT(got[i], TensorNear(example.outputs[i], 1e-6)) << i;
}

const char kInt[] = "T = type: DT_INT32;";
const char kFloat[] = "T = type: DT_FLOAT;";

INSTANTIATE_TEST_SUITE_P(
    Documentation, ExampleTest,
    ::testing::Values(
        // "-7 / 5 = -1".
        Example{"Div",
                kInt,
                {Vector({-7, 7}), Vector({5, -5})},
                {Vector({-1, -1})}},
        // "y = -1 if x < 0; 0 if x == 0; 1 if x > 0".
        Example{"Sign",
                kFloat,
                {Floats({3}, {-3, 0, 2.5f})},
                {Floats({3}, {-1, 0, 1})}},
        Example{"OnesLike",
                kInt,
                {Whole({2, 3}, {1, 2, 3, 4, 5, 6})},
                {Whole({2, 3}, {1, 1, 1, 1, 1, 1})}},
        Example{"SparseSoftmaxCrossEntropyWithLogits",
                "T = type: DT_FLOAT; Tlabels = type: DT_INT32",
                {Floats({3, 4}, {2, -5, .5f, -.1f, 0, 0, 1.9f, 1.4f, -100, 100,
                                 -100, -100}),
                 Vector({0, 3, 1})},
                {Floats({3}, {0.29750752f, 1.1448325f, 0})}},
        Example{"ShapeN",
                "T = type: DT_INT32; N = i: 2",
                {Whole({2, 2, 3}, std::vector<int32_t>(12)), Scalar(1)},
                {Vector({2, 2, 3}), Vector({})}},
        Example{"Rank",
                kInt,
                {Whole({2, 2, 3}, std::vector<int32_t>(12))},
                {Scalar(3)}},
        Example{"Concat",
                "T = type: DT_INT32; N = i: 2",
                {Scalar(1), Whole({2, 3}, {1, 2, 3, 4, 5, 6}),
                 Whole({2, 3}, {7, 8, 9, 10, 11, 12})},
                {Whole({2, 6}, {1, 2, 3, 7, 8, 9, 4, 5, 6, 10, 11, 12})}},
        Example{"ConcatOffset",
                "N = i: 3",
                {Scalar(1), Vector({2, 2, 7}), Vector({2, 3, 7}),
                 Vector({2, 9, 7})},
                {Vector({0, 0, 0}), Vector({0, 2, 0}), Vector({0, 5, 0})}},
        Example{"InvertPermutation",
                kInt,
                {Vector({3, 4, 0, 2, 1})},
                {Vector({2, 4, 3, 0, 1})}},
        Example{"Pad",
                "T = type: DT_INT32; Tpaddings = type: DT_INT32",
                {Whole({2, 2}, {1, 1, 2, 2}), Whole({2, 2}, {1, 1, 2, 2})},
                {Whole({4, 6}, {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0,
                                0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0})}},
        Example{"Gather",
                "Tparams = type: DT_INT32; Tindices = type: DT_INT32",
                {Vector({10, 11, 12, 13, 14, 15}), Vector({2, 0, 2, 5})},
                {Vector({12, 10, 12, 15})}},
        Example{"OneHot",
                "T = type: DT_FLOAT; TI = type: DT_INT32",
                {Vector({0, 2, -1, 1}), Scalar(3), Tensor::Scalar<float>(5),
                 Tensor::Scalar<float>(0)},
                {Floats({4, 3}, {5, 0, 0, 0, 0, 5, 0, 0, 0, 0, 5, 0})}},
        Example{"DynamicStitch",
                "T = type: DT_INT32; N = i: 3",
                {Scalar(6), Vector({4, 1}), Whole({2, 2}, {5, 2, 0, 3}),
                 Vector({61, 62}), Whole({2, 2}, {41, 42, 11, 12}),
                 Whole({2, 2, 2}, {51, 52, 21, 22, 1, 2, 31, 32})},
                {Whole({7, 2}, {1, 2, 11, 12, 21, 22, 31, 32, 41, 42, 51, 52,
                                61, 62})}},
        // TensorFlow's array_ops_test.
        Example{"BroadcastGradientArgs",
                kInt,
                {Vector({2, 3, 5}), Vector({1})},
                {Vector({}), Vector({0, 1, 2})}},
        Example{"BroadcastGradientArgs",
                kInt,
                {Vector({2, 3, 5}), Vector({3, 1})},
                {Vector({}), Vector({0, 2})}},
        Example{"BiasAddGrad",
                kFloat,
                {Floats({2, 3}, {1, 2, 3, 4, 5, 6})},
                {Floats({3}, {5, 7, 9})}},
        // foo[1:4:2] of a vector of 5.
        Example{"StridedSliceGrad",
                "T = type: DT_FLOAT; Index = type: DT_INT32",
                {Vector({5}), Vector({1}), Vector({4}), Vector({2}),
                 Floats({2}, {7, 8})},
                {Floats({5}, {0, 7, 0, 8, 0})}}));

TEST(PlaceholderWithDefaultTest, IsFedOrNot) {
  auto session = Session::Create(
      *Import(Number("default", 3) +
              NodeText("x", "PlaceholderWithDefault", "default",
                       TypeAttr("dtype", kDouble) + "shape = shape {}")));
  ASSERT_THAT(session, IsOk());
  EXPECT_EQ((*(*session)->Run({}, {"x"}))[0].scalar<double>(), 3);
  EXPECT_EQ(
      (*(*session)->Run({{"x", Doubles({}, {5})}}, {"x"}))[0].scalar<double>(),
      5);
}

// "Delete the TensorArray": what was read from it stays.
TEST(TensorArrayTest, MayBeClosed) {
  auto session = Session::Create(*Import(
      Int("zero", 0) + Int("one", 1) + Number("x", 5) +
      NodeText("a", "TensorArrayV3", "one", TypeAttr("dtype", kDouble)) +
      NodeText("w", "TensorArrayWriteV3", "a zero x a:1", T(kDouble)) +
      NodeText("r", "TensorArrayReadV3", "a zero w",
               TypeAttr("dtype", kDouble)) +
      NodeText("close", "TensorArrayCloseV3", "a ^r")));
  ASSERT_THAT(session, IsOk());
  const auto read = (*session)->Run({}, {"r"}, {"close"});
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ((*read)[0].scalar<double>(), 5);
}

// ---- Gradients by finite differences ----------------------------------------

struct Derivative {
  std::string op;
  double (*f)(double);
  bool of_output = false;  // Given f(x), not x.
  bool dy_first = true;
};

void PrintTo(const Derivative& derivative, std::ostream* out) {
  *out << derivative.op;
}

class DerivativeTest : public ::testing::TestWithParam<Derivative> {};

TEST_P(DerivativeTest, IsThatOfDifferences) {
  const Derivative& d = GetParam();
  std::vector<double> given, dys, expected;
  for (double x : {0.3, 0.9, 1.7, 2.5, -0.4, -1.3}) {
    if (x < 0 && (d.op == "SqrtGrad" || d.op == "ReciprocalGrad")) continue;
    const double dy = 1 + x / 7;
    given.push_back(d.of_output ? d.f(x) : x);
    dys.push_back(dy);
    expected.push_back(dy * (d.f(x + 1e-6) - d.f(x - 1e-6)) / 2e-6);
  }
  const TensorShape shape = {static_cast<int64_t>(given.size())};
  const Tensor first = Doubles(shape, d.dy_first ? dys : given);
  const Tensor second = Doubles(shape, d.dy_first ? given : dys);
  EXPECT_THAT(Outputs(d.op, T(kDouble), {first, second})[0],
              TensorNear(Doubles(shape, expected), 1e-8));
}

INSTANTIATE_TEST_SUITE_P(
    Ops, DerivativeTest,
    ::testing::Values(
        Derivative{"TanhGrad", [](double x) { return std::tanh(x); }, true,
                   false},
        Derivative{"SigmoidGrad",
                   [](double x) { return 1 / (1 + std::exp(-x)); }, true,
                   false},
        Derivative{"SqrtGrad", [](double x) { return std::sqrt(x); }, true,
                   false},
        Derivative{"ReciprocalGrad", [](double x) { return 1 / x; }, true,
                   false},
        Derivative{"ReluGrad", [](double x) { return x > 0 ? x : 0; }},
        Derivative{"EluGrad",
                   [](double x) { return x > 0 ? x : std::expm1(x); }, true},
        Derivative{"SoftplusGrad",
                   [](double x) { return std::log1p(std::exp(x)); }},
        Derivative{"SoftsignGrad",
                   [](double x) { return x / (1 + std::fabs(x)); }}));

// ---- Variables and optimizers -----------------------------------------------

class UpdateTest : public ::testing::Test {
 protected:
  // Variables of two numbers each, with these values; and numbers.
  void Load(const std::string& text,
            const std::vector<std::pair<std::string, double>>& variables) {
    std::string all = text;
    for (const auto& [name, value] : variables) all += VariableOf(name, {2});
    absl::StatusOr<std::unique_ptr<Graph>> graph = Import(all);
    ASSERT_THAT(graph, IsOk());
    auto session = Session::Create(*std::move(graph));
    ASSERT_THAT(session, IsOk());
    session_ = *std::move(session);
    for (const auto& [name, value] : variables) {
      // As in TensorFlow's tests: the second one is larger by 1.
      const double second = name == "v" ? value + 1 : value;
      const auto set =
          session_->Run({{name + "/begin", Doubles({2}, {value, second})}}, {},
                        {name + "/Assign"});
      ASSERT_THAT(set, IsOk());
    }
  }
  void Run(const std::string& target, const std::vector<Feed>& feeds = {}) {
    EXPECT_THAT(session_->Run(feeds, {}, {target}), IsOk());
  }
  void ExpectVariable(double first, double second, double tolerance = 1e-12) {
    EXPECT_THAT(*session_->GetVariable("v"),
                TensorNear(Doubles({2}, {first, second}), tolerance));
  }

  std::unique_ptr<Session> session_;
};

TEST_F(UpdateTest, AssignAddAndSub) {
  Load(Fed("x") + Op("add", "AssignAdd", "v x", kDouble) +
           Op("sub", "AssignSub", "v x", kDouble),
       {{"v", 1}});
  Run("add", {{"x", Doubles({2}, {10, 20})}});
  ExpectVariable(11, 22);
  Run("sub", {{"x", Doubles({2}, {1, 2})}});
  ExpectVariable(10, 20);
}

TEST_F(UpdateTest, ScatterAddAndSub) {
  const std::string attrs = T(kDouble) + "Tindices = type: DT_INT32";
  Load(Fed("at", "DT_INT32") + Fed("x") +
           NodeText("add", "ScatterAdd", "v at x", attrs) +
           NodeText("sub", "ScatterSub", "v at x", attrs),
       {{"v", 1}});
  // "Duplicate entries are handled correctly: their contributions add."
  const std::vector<Feed> feeds = {{"at", Vector({1, 1, 0})},
                                   {"x", Doubles({3}, {10, 20, 5})}};
  Run("add", feeds);
  ExpectVariable(6, 32);
  Run("sub", feeds);
  ExpectVariable(1, 2);
}

// TensorFlow's gradient_descent_test.
TEST_F(UpdateTest, ApplyGradientDescent) {
  Load(Fed("dv") + Number("rate", 3) +
           Op("step", "ApplyGradientDescent", "v rate dv", kDouble),
       {{"v", 1}});
  Run("step", {{"dv", Doubles({2}, {0.1, 0.1})}});
  ExpectVariable(1 - 3 * 0.1, 2 - 3 * 0.1);
}

// TensorFlow's momentum_test.
TEST_F(UpdateTest, ApplyMomentum) {
  Load(Fed("dv") + Number("rate", 2) + Number("momentum", 0.9) +
           Op("step", "ApplyMomentum", "v slot rate dv momentum", kDouble),
       {{"v", 1}, {"slot", 0}});
  const std::vector<Feed> feeds = {{"dv", Doubles({2}, {0.1, 0.1})}};
  Run("step", feeds);
  ExpectVariable(1 - 0.1 * 2, 2 - 0.1 * 2);
  Run("step", feeds);
  ExpectVariable(1 - 0.1 * 2 - (0.9 * 0.1 + 0.1) * 2,
                 2 - 0.1 * 2 - (0.9 * 0.1 + 0.1) * 2);
}

// TensorFlow's adagrad_test.
TEST_F(UpdateTest, ApplyAdagrad) {
  Load(Fed("dv") + Number("rate", 3) +
           Op("step", "ApplyAdagrad", "v slot rate dv", kDouble),
       {{"v", 1}, {"slot", 0.1}});
  for (int i = 0; i < 3; ++i) Run("step", {{"dv", Doubles({2}, {0.1, 0.1})}});
  ExpectVariable(-1.6026098728179932, -0.6026098728179932, 1e-6);
}

// TensorFlow's rmsprop_test: the mean square begins with 1.
TEST_F(UpdateTest, ApplyRMSProp) {
  Load(Fed("dv") + Number("rate", 2) + Number("rho", 0.9) +
           Number("momentum", 0) + Number("epsilon", 1) +
           Op("step", "ApplyRMSProp", "v ms slot rate rho momentum epsilon dv",
              kDouble),
       {{"v", 1}, {"ms", 1}, {"slot", 0}});
  Run("step", {{"dv", Doubles({2}, {0.1, 0.1})}});
  ExpectVariable(1 - 0.1 * 2 / std::sqrt(0.901 + 1),
                 2 - 0.1 * 2 / std::sqrt(0.901 + 1));
}

// Kingma and Ba, "Adam: a method for stochastic optimization", 2015, in the
// form of the end of section 2.
TEST_F(UpdateTest, ApplyAdam) {
  Load(Fed("dv") + Fed("b1p") + Fed("b2p") + Number("rate", 0.001) +
           Number("beta1", 0.9) + Number("beta2", 0.999) +
           Number("epsilon", 1e-8) +
           Op("step", "ApplyAdam", "v m n b1p b2p rate beta1 beta2 epsilon dv",
              kDouble),
       {{"v", 1}, {"m", 0}, {"n", 0}});
  double v = 1, m = 0, n = 0;
  for (int t = 1; t <= 3; ++t) {
    const double g = 0.1 * t;
    const double b1p = std::pow(0.9, t), b2p = std::pow(0.999, t);
    m = 0.9 * m + 0.1 * g;
    n = 0.999 * n + 0.001 * g * g;
    v -= 0.001 * std::sqrt(1 - b2p) / (1 - b1p) * m / (std::sqrt(n) + 1e-8);
    Run("step", {{"dv", Doubles({2}, {g, g})},
                 {"b1p", Doubles({}, {b1p})},
                 {"b2p", Doubles({}, {b2p})}});
  }
  ExpectVariable(v, v + 1);
}

// ---- Random numbers ---------------------------------------------------------

// The uniform numbers of the seeds 1, 2, of which the documentation of
// stateless_random_brightness shows the first, scaled to [-0.2, 0.2).
std::vector<float> StatelessUniform(int number) {
  const Tensor u = Outputs("StatelessRandomUniform",
                           "dtype = type: DT_FLOAT; T = type: DT_INT32; "
                           "Tseed = type: DT_INT32",
                           {Vector({number}), Vector({1, 2})})[0];
  return {u.data<float>().begin(), u.data<float>().end()};
}

TEST(StatelessTest, StatelessRandomUniformIsAsDocumented) {
  EXPECT_NEAR(StatelessUniform(1)[0] * 0.4f - 0.2f, 0.1376242f, 2e-7f);
}

// Box and Muller, 1958, of the uniform numbers.
TEST(StatelessTest, StatelessRandomNormalIsMadeOfUniformNumbers) {
  const std::vector<float> u = StatelessUniform(4);
  std::vector<float> expected;
  for (int i : {0, 2}) {
    const double r = std::sqrt(-2 * std::log(std::max(u[i], 1e-7f)));
    expected.push_back(static_cast<float>(r * std::sin(2 * M_PI * u[i + 1])));
    expected.push_back(static_cast<float>(r * std::cos(2 * M_PI * u[i + 1])));
  }
  EXPECT_THAT(Outputs("StatelessRandomNormal",
                      "dtype = type: DT_FLOAT; T = type: DT_INT32; "
                      "Tseed = type: DT_INT32",
                      {Vector({4}), Vector({1, 2})})[0],
              TensorNear(Floats({4}, expected), 1e-5));
}

Tensor Drawn(const std::string& op, const std::string& type, int number) {
  return Outputs(op,
                 absl::StrCat("seed = i: 87654321; seed2 = i: 5; T = type: "
                              "DT_INT32; dtype = type: ",
                              type),
                 {Vector({number})})[0];
}

// The normal numbers, which are recorded, without those beyond two deviations.
TEST(StatefulTest, TruncatedNormalLeavesOutWhatIsFarAway) {
  const Tensor normal = Drawn("RandomStandardNormal", "DT_FLOAT", 64);
  std::vector<float> expected;
  for (float x : normal.data<float>()) {
    if (std::fabs(x) < 2 && expected.size() < 4) expected.push_back(x);
  }
  EXPECT_THAT(Drawn("TruncatedNormal", "DT_FLOAT", 4),
              TensorNear(Floats({4}, expected), 1e-6));
}

// Of two classes that are equally likely, the second from 0.5 on.
TEST(StatefulTest, MultinomialDrawsByUniformNumbers) {
  const Tensor u = Drawn("RandomUniform", "DT_DOUBLE", 4);
  std::vector<int64_t> expected;
  for (double x : u.data<double>()) expected.push_back(x < 0.5 ? 0 : 1);
  EXPECT_THAT(Outputs("Multinomial",
                      "seed = i: 87654321; seed2 = i: 5; T = type: DT_FLOAT",
                      {Floats({1, 2}, {0, 0}), Scalar(4)})[0],
              TensorEq(Tensor::Of<int64_t>({1, 4}, expected)));
}

}  // namespace
}  // namespace weft
