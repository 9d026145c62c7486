// Schedule: the nodes of all frames in one line, in the order in which they
// run.
//
//   While:  begin, condition..., test, body..., next, end
//   If:     branch, then..., then end, else..., else end
//
// A position in it is a moment: memory is planned along the line.
#ifndef WEFT_RUNTIME_SCHEDULE_H_
#define WEFT_RUNTIME_SCHEDULE_H_

#include <cstdint>
#include <vector>

#include "runtime/plan.h"
#include "runtime/shape_walk.h"

namespace weft {

struct Step {
  enum Kind : uint8_t {
    kNode,       // A kernel, or views that have to follow what they are of.
    kLoopBegin,  // The loop variables take their initial values.
    kLoopTest,   // Goes on behind kLoopEnd if the condition is false.
    kLoopNext,  // The loop variables take their next values; back to the begin.
    kLoopEnd,
    kBranch,
    kThenEnd,  // The outputs take the branch's results.
    kElseEnd,
    kShadow,  // A copy of a variable, to be written: PlanGraph::shadows[node].
    kFetch,   // The fetches are taken; then the commit segment follows.
  };
  Kind kind = kNode;
  int node = -1;
  int loop = -1;  // The innermost one around it.
  int peer = -1;  // Of kBranch: its kThenEnd; of kThenEnd: its kElseEnd.
};

// Positions of the steps of a loop.
struct LoopSteps {
  int node = -1;
  int parent = -1;
  int begin = -1;
  int test = -1;
  int next = -1;
  int end = -1;
};

struct Schedule {
  static Schedule Create(const Plan& plan, const ShapeWalk& walk);

  // The position until which a value made in loop `home` is needed when it is
  // used at `position`: in a loop within `home`, until that ends.
  int Extended(int position, int home) const;

  std::vector<Step> steps;
  std::vector<LoopSteps> loops;
  int fetch = -1;  // Position of kFetch.
};

}  // namespace weft

#endif  // WEFT_RUNTIME_SCHEDULE_H_
