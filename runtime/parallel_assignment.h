// Assigning variables one after another as if all were assigned at once.
#ifndef WEFT_RUNTIME_PARALLEL_ASSIGNMENT_H_
#define WEFT_RUNTIME_PARALLEL_ASSIGNMENT_H_

#include <vector>

namespace weft {

struct AssignmentStep {
  enum Kind {
    kAssign,       // The variable gets what it is assigned.
    kSave,         // Its old value goes to spare memory.
    kAssignSaved,  // The variable gets what is in spare memory.
  };
  Kind kind;
  int variable;
};

// What a variable is assigned: the old value of another one, by its number, or
inline constexpr int kSomethingElse =
    -1;                                // what is not a variable's old value,
inline constexpr int kUnchanged = -2;  // or nothing: it stays as it is.

// Steps with the effect of (v0, v1, ...) = (reads[0], reads[1], ...). A
// variable that another one still reads is assigned after that one. In a circle
// (a, b = b, a) one is saved first; there is never more than one saved value.
std::vector<AssignmentStep> OrderAssignments(const std::vector<int>& reads);

}  // namespace weft

#endif  // WEFT_RUNTIME_PARALLEL_ASSIGNMENT_H_
