// When the memory of each value is needed.
#ifndef WEFT_RUNTIME_LIVENESS_H_
#define WEFT_RUNTIME_LIVENESS_H_

#include <cstddef>
#include <vector>

#include "runtime/plan.h"
#include "runtime/schedule.h"
#include "runtime/shape_walk.h"

namespace weft {

// Values that are views of each other share memory: that of their root, which
// is a value that something makes, or a feed, variable or known value.
class Liveness {
 public:
  Liveness(const Plan& plan, const ShapeWalk& walk, const Schedule& schedule);

  int root(int value) const { return root_[value]; }
  // Bytes from the start of the root's memory.
  size_t offset(int value) const { return offset_[value]; }

  // ---- Of roots -----------------------------------------------------------
  // Where it is made; -1: before the run.
  int first(int root) const { return first_[root]; }
  // Where it is last used. Of a loop variable: as the loop's output, and never
  // before the loop ends.
  int last(int root) const { return last_[root]; }
  // Of a loop variable: where an iteration last uses the value that it began
  // with.
  int last_in_loop(int root) const { return last_in_loop_[root]; }
  // The loop whose variable it is, or -1.
  int loop_of_variable(int root) const { return loop_of_variable_[root]; }
  // The innermost loop around the place where it is made.
  int home(int root) const { return home_[root]; }

  // Is this the last use of the value at all, or, of a loop variable used
  // within its loop, in the iteration?
  bool DiesAt(int value, int position) const;
  // Its last use as seen from `position`.
  int LastSeenFrom(int root, int position) const;

 private:
  void FindRoots(const Plan& plan, const ShapeWalk& walk);
  void FindFirsts();
  void FindLasts();
  void Make(int value, int position, int home);
  void Use(int value, int position);
  bool InLoopOf(int root, int position) const;

  const PlanGraph& graph_;
  const Schedule& schedule_;
  std::vector<int> root_;
  std::vector<size_t> offset_;
  std::vector<int> first_;
  std::vector<int> last_;
  std::vector<int> last_in_loop_;
  std::vector<int> loop_of_variable_;
  std::vector<int> home_;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_LIVENESS_H_
