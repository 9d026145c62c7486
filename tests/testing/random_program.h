// Random programs of loops, branches and arithmetic.
#ifndef WEFT_TESTS_TESTING_RANDOM_PROGRAM_H_
#define WEFT_TESTS_TESTING_RANDOM_PROGRAM_H_

#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "graph/output.h"

namespace weft {

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

// Programs of any seed.
class ProgramGenerator {
 public:
  explicit ProgramGenerator(int seed) : random_(seed) {}

  // A block that starts with `known` values and has `results` results, with
  // loops and branches within each other up to `depth`.
  std::unique_ptr<Block> Make(int known, int results, int depth);

 private:
  int Pick(int first, int last);
  Statement MakeStatement(int known, int depth);

  std::mt19937 random_;
};

struct ProgramOptions {
  // The shapes of views are not known before they are run.
  bool opaque = false;
  // Every statement has a derivative, and values stay small: (a + b) / 2,
  // (a - b) / 2, sin(a) * b, -a, sin(a).
  bool smooth = false;
};

// The program as a graph, over vectors of 5 elements. `here` is a value of the
// graph to build in, so that statements stay within their body.
Outputs BuildProgram(const Block& block, Outputs values, Output here,
                     const ProgramOptions& options);

}  // namespace weft

#endif  // WEFT_TESTS_TESTING_RANDOM_PROGRAM_H_
