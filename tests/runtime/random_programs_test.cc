// Random programs of loops, branches and arithmetic: the runtime gives what a
// plain interpreter gives, and no two values that are needed at the same time
// share memory.
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/list.h"
#include "ops/math.h"
#include "ops/source.h"
#include "runtime/session.h"
#include "tests/runtime/plan_testing.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using Floats = std::vector<float>;

// A block of statements: each makes one more value.
struct Block;
struct Statement {
  enum Kind {
    kAdd,
    kSub,
    kMax,
    kNeg,
    kHalf,
    kView,
    kConstant,
    kLoop,
    kBranch
  } kind;
  int a = 0;  // Values, by number.
  int b = 0;
  int times = 0;                // Of a loop.
  std::vector<int> initial;     // Of a loop: its variables.
  std::unique_ptr<Block> body;  // Of a loop, or the first branch.
  std::unique_ptr<Block> other;
};
struct Block {
  std::vector<Statement> statements;
  std::vector<int> results;
};

class Generator {
 public:
  explicit Generator(int seed) : random_(seed) {}

  // A block that starts with `known` values and has `results` results.
  std::unique_ptr<Block> Make(int known, int results, int depth) {
    auto block = std::make_unique<Block>();
    const int length = Pick(1, 6);
    for (int i = 0; i < length; ++i) {
      Statement s = MakeStatement(known, depth);
      known += s.kind == Statement::kLoop || s.kind == Statement::kBranch
                   ? static_cast<int>(s.body->results.size())
                   : 1;
      block->statements.push_back(std::move(s));
    }
    // Often what is new, sometimes what was there.
    for (int i = 0; i < results; ++i) {
      block->results.push_back(Pick(0, 2) > 0
                                   ? Pick(std::max(0, known - 4), known - 1)
                                   : Pick(0, known - 1));
    }
    return block;
  }

  int Pick(int first, int last) {
    return first + static_cast<int>(random_() %
                                    static_cast<uint32_t>(last - first + 1));
  }

 private:
  Statement MakeStatement(int known, int depth) {
    Statement s;
    const int kind = Pick(0, depth > 0 ? 10 : 7);
    s.a = Pick(0, known - 1);
    s.b = Pick(0, known - 1);
    if (kind <= Statement::kConstant) {
      s.kind = static_cast<Statement::Kind>(kind);
    } else if (kind <= 8 || depth == 0) {
      s.kind = depth == 0 ? Statement::kNeg : Statement::kBranch;
    } else {
      s.kind = Statement::kLoop;
    }
    if (s.kind == Statement::kLoop) {
      s.times = Pick(0, 3);
      const int variables = Pick(1, 4);
      for (int i = 0; i < variables; ++i)
        s.initial.push_back(Pick(0, known - 1));
      s.body = Make(known + variables, variables, depth - 1);
    } else if (s.kind == Statement::kBranch) {
      const int results = Pick(1, 3);
      s.body = Make(known, results, depth - 1);
      s.other = Make(known, results, depth - 1);
    }
    return s;
  }

  std::mt19937 random_;
};

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

// A view whose shape only the run knows, so that nothing that uses it can be
// laid out before.
Output OpaqueView(Output x) {
  const Output zero = Cast(IsNan(IndexAxis(x, 0, 0) * 0.0), DataType::kInt32);
  return Reshape(x, Pack({zero + 5.0}));
}

// The same as a graph. `here` is a value of the graph to build in, so that
// statements stay within their body. With `opaque`, the shapes of views are not
// known before they are run.
Outputs Build(const Block& block, Outputs values, Output here, bool opaque) {
  Graph& g = here.graph();
  auto local = [&](int v) { return g.Capturing(values[v]); };
  for (const Statement& s : block.statements) {
    switch (s.kind) {
      case Statement::kAdd:
        values.push_back(Add(local(s.a), local(s.b)));
        break;
      case Statement::kSub:
        values.push_back(Sub(local(s.a), local(s.b)));
        break;
      case Statement::kMax:
        values.push_back(Maximum(local(s.a), local(s.b)));
        break;
      case Statement::kNeg:
        values.push_back(Neg(local(s.a)));
        break;
      case Statement::kHalf:
        values.push_back(local(s.a) * 0.5f);
        break;
      case Statement::kView:
        values.push_back(opaque ? OpaqueView(local(s.a))
                                : Reshape(Reshape(local(s.a), {1, -1}), {-1}));
        break;
      case Statement::kConstant: {
        const Output like = local(s.a);
        values.push_back(like.shape().IsFullyDefined()
                             ? Const(g, Tensor::Vector<float>({3, 3, 3, 3, 3}))
                             : Fill(Shape(like), Const(g, 3.0f)));
        break;
      }
      case Statement::kBranch: {
        Output greater =
            Greater(IndexAxis(local(s.a), 0, 0), IndexAxis(local(s.b), 0, 0));
        auto branch = [&](const Block& b) {
          return [&](const Outputs& in) {
            return Build(b, values, in[0], opaque);
          };
        };
        for (Output y :
             Cond(greater, {local(s.a)}, branch(*s.body), branch(*s.other))) {
          values.push_back(y);
        }
        break;
      }
      case Statement::kLoop: {
        Outputs vars = {Const(g, 0)};
        for (int v : s.initial) vars.push_back(local(v));
        Outputs out = While(
            vars,
            [&](const Outputs& v) {
              return Less(v[0], Const(v[0].graph(), s.times));
            },
            [&](const Outputs& v) {
              Outputs inner = values;
              inner.insert(inner.end(), v.begin() + 1, v.end());
              Outputs next = Build(*s.body, inner, v[0], opaque);
              for (Output& y : next) y = v[0].graph().Capturing(y);
              next.insert(next.begin(), v[0] + 1);
              return next;
            });
        values.insert(values.end(), out.begin() + 1, out.end());
        break;
      }
    }
  }
  Outputs results;
  for (int r : block.results) results.push_back(g.Capturing(values[r]));
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
    Generator generator(seed);
    const std::unique_ptr<Block> program = generator.Make(2, 3, 3);
    Graph g;
    // Of known and of unknown shape, in turn.
    const bool unknown = GetParam().opaque || seed % 2 == 0;
    const TensorShape shape = unknown ? TensorShape{-1} : TensorShape{5};
    Output x = Placeholder(g, "x", DataType::kFloat, shape);
    Output y = Placeholder(g, "y", DataType::kFloat, shape);
    const Outputs outputs = Build(*program, {x, y}, x, GetParam().opaque);
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
