#include "tests/testing/random_program.h"

#include <algorithm>

#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/math.h"
#include "ops/source.h"

namespace weft {
namespace {

Output Scaled(Output x, bool smooth) { return smooth ? x * 0.5 : x; }

// A view whose shape only the run knows, so that nothing that uses it can be
// laid out before.
Output OpaqueView(Output x) {
  const Output zero = Cast(IsNan(IndexAxis(x, 0, 0) * 0.0), DataType::kInt32);
  return Reshape(x, Pack({zero + 5.0}));
}

}  // namespace

std::unique_ptr<Block> ProgramGenerator::Make(int known, int results,
                                              int depth) {
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

int ProgramGenerator::Pick(int first, int last) {
  return first +
         static_cast<int>(random_() % static_cast<uint32_t>(last - first + 1));
}

Statement ProgramGenerator::MakeStatement(int known, int depth) {
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
    for (int i = 0; i < variables; ++i) s.initial.push_back(Pick(0, known - 1));
    s.body = Make(known + variables, variables, depth - 1);
  } else if (s.kind == Statement::kBranch) {
    const int results = Pick(1, 3);
    s.body = Make(known, results, depth - 1);
    s.other = Make(known, results, depth - 1);
  }
  return s;
}

Outputs BuildProgram(const Block& block, Outputs values, Output here,
                     const ProgramOptions& options) {
  Graph& g = here.graph();
  auto local = [&](int v) { return g.Capturing(values[v]); };
  const bool smooth = options.smooth;
  for (const Statement& s : block.statements) {
    switch (s.kind) {
      case Statement::kAdd:
        values.push_back(Scaled(Add(local(s.a), local(s.b)), smooth));
        break;
      case Statement::kSub:
        values.push_back(Scaled(Sub(local(s.a), local(s.b)), smooth));
        break;
      case Statement::kMax:
        values.push_back(smooth ? Sin(local(s.a)) * local(s.b)
                                : Maximum(local(s.a), local(s.b)));
        break;
      case Statement::kNeg:
        values.push_back(Neg(local(s.a)));
        break;
      case Statement::kHalf:
        values.push_back(smooth ? Sin(local(s.a)) : local(s.a) * 0.5);
        break;
      case Statement::kView:
        values.push_back(options.opaque
                             ? OpaqueView(local(s.a))
                             : Reshape(Reshape(local(s.a), {1, -1}), {-1}));
        break;
      case Statement::kConstant: {
        const Output like = local(s.a);
        const Output three = Cast(Const(g, 3.0f), like.dtype());
        values.push_back(
            Fill(like.shape().IsFullyDefined() ? Const(g, {5}) : Shape(like),
                 three));
        break;
      }
      case Statement::kBranch: {
        Output greater =
            Greater(IndexAxis(local(s.a), 0, 0), IndexAxis(local(s.b), 0, 0));
        auto branch = [&](const Block& b) {
          return [&](const Outputs& in) {
            return BuildProgram(b, values, in[0], options);
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
              Outputs next = BuildProgram(*s.body, inner, v[0], options);
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

}  // namespace weft
