// Random programs of loops, branches and arithmetic: the runtime gives what a
// plain interpreter gives, and no two values that are needed at the same time
// share memory.
#include <functional>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ops/source.h"
#include "runtime/session.h"
#include "tests/runtime/plan_testing.h"
#include "tests/testing/random_program.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using Floats = std::vector<float>;

// What a block means, computed plainly.
std::vector<Floats> Interpret(const Block& block, std::vector<Floats> values) {
  auto map = [&](const Statement& s,
                 const std::function<float(float, float)>& f) {
    Floats result;
    for (size_t i = 0; i < values[s.a].size(); ++i)
      result.push_back(f(values[s.a][i], values[s.b][i]));
    values.push_back(result);
  };
  for (const Statement& s : block.statements) {
    switch (s.kind) {
      case Statement::kAdd:
        map(s, [](float a, float b) { return a + b; });
        break;
      case Statement::kSub:
        map(s, [](float a, float b) { return a - b; });
        break;
      case Statement::kMax:
        map(s, [](float a, float b) { return a > b ? a : b; });
        break;
      case Statement::kNeg:
        map(s, [](float a, float) { return -a; });
        break;
      case Statement::kHalf:
        map(s, [](float a, float) { return a * 0.5f; });
        break;
      case Statement::kView:
        map(s, [](float a, float) { return a; });
        break;
      case Statement::kConstant:
        map(s, [](float, float) { return 3.0f; });
        break;
      case Statement::kBranch: {
        const Block& taken =
            values[s.a][0] > values[s.b][0] ? *s.body : *s.other;
        for (Floats& result : Interpret(taken, values))
          values.push_back(std::move(result));
        break;
      }
      case Statement::kLoop: {
        std::vector<Floats> vars;
        for (int v : s.initial) vars.push_back(values[v]);
        for (int t = 0; t < s.times; ++t) {
          std::vector<Floats> inner = values;
          inner.insert(inner.end(), vars.begin(), vars.end());
          vars = Interpret(*s.body, inner);
        }
        values.insert(values.end(), vars.begin(), vars.end());
        break;
      }
    }
  }
  std::vector<Floats> results;
  for (int r : block.results) results.push_back(values[r]);
  return results;
}

// Blocks of the arena whose times and places overlap belong to one loop
// variable or branch, or were taken over on purpose.
void ExpectNoOverlap(const Layout& layout) {
  const std::vector<ArenaUse>& uses = layout.arena_uses;
  for (size_t i = 0; i < uses.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      const ArenaUse& a = uses[i];
      const ArenaUse& b = uses[k];
      if (a.shares || b.shares) continue;
      const bool same_time = a.first <= b.last && b.first <= a.last;
      const bool same_place =
          a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
      EXPECT_FALSE(same_time && same_place)
          << "values " << a.value << " [" << a.first << ", " << a.last
          << "] at " << a.offset << " and " << b.value << " [" << b.first
          << ", " << b.last << "] at " << b.offset;
    }
  }
}

struct Form {
  bool passes;
  bool opaque;
};

class RandomProgramsTest : public ::testing::TestWithParam<Form> {};
INSTANTIATE_TEST_SUITE_P(All, RandomProgramsTest,
                         ::testing::Values(Form{false, false},
                                           Form{true, false}, Form{false, true},
                                           Form{true, true}),
                         [](const auto& info) {
                           return absl::StrCat(
                               info.param.passes ? "Passes" : "NoPasses",
                               info.param.opaque ? "Opaque" : "");
                         });

TEST_P(RandomProgramsTest, GiveWhatAnInterpreterGives) {
  std::vector<int> seeds = {946};  // A branch whose output nobody used.
  for (int seed = 0; seed < 300; ++seed) seeds.push_back(seed);
  for (int seed : seeds) {
    SCOPED_TRACE(seed);
    ProgramGenerator generator(seed);
    const std::unique_ptr<Block> program = generator.Make(2, 3, 3);
    Graph g;
    // Of known and of unknown shape, in turn.
    const bool unknown = GetParam().opaque || seed % 2 == 0;
    const TensorShape shape = unknown ? TensorShape{-1} : TensorShape{5};
    Output x = Placeholder(g, "x", DataType::kFloat, shape);
    Output y = Placeholder(g, "y", DataType::kFloat, shape);
    const Outputs outputs =
        BuildProgram(*program, {x, y}, x, {.opaque = GetParam().opaque});
    ASSERT_OK(g.status());
    const Floats a = {1, -2, 3, -4, 5};
    const Floats b = {-1, 7, 0.5, 2, -3};
    ASSERT_OK_AND_ASSIGN(
        auto session,
        Session::Create(g, {.num_threads = 1, .passes = {GetParam().passes}}));
    ASSERT_OK_AND_ASSIGN(
        auto callable, session->Prepare({{x.name(), y.name()},
                                         {outputs[0].name(), outputs[1].name(),
                                          outputs[2].name()},
                                         {}}));
    std::vector<Tensor> values;
    const std::vector<Tensor> feeds = {
        Tensor::Vector<float>(absl::MakeConstSpan(a)),
        Tensor::Vector<float>(absl::MakeConstSpan(b))};
    const std::vector<Floats> expected = Interpret(*program, {a, b});
    // A second run meets what the first has left in the arena.
    for (int run = 0; run < 2; ++run) {
      ASSERT_OK(callable->Run(feeds, &values));
      for (size_t i = 0; i < values.size(); ++i) {
        EXPECT_EQ(Floats(values[i].data<float>().begin(),
                         values[i].data<float>().end()),
                  expected[i]);
      }
      EXPECT_EQ(
          Floats(feeds[0].data<float>().begin(), feeds[0].data<float>().end()),
          a);
      EXPECT_EQ(
          Floats(feeds[1].data<float>().begin(), feeds[1].data<float>().end()),
          b);
    }
    ExpectNoOverlap(
        *MakeLayout(outputs, {x, y}, {{5}, {5}}, {GetParam().passes}).layout);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace weft
