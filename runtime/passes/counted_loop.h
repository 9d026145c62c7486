// Loops that a variable counts.
#ifndef WEFT_RUNTIME_PASSES_COUNTED_LOOP_H_
#define WEFT_RUNTIME_PASSES_COUNTED_LOOP_H_

#include <optional>

#include "runtime/plan_graph.h"

namespace weft {

// The loop ends at the latest when variable `counter`, which begins with
// `begin` and goes up (down) by one in each step, is no longer below (above)
// `limit`.
struct CountedLoop {
  int counter = -1;  // The number of the variable.
  bool down = false;
  int begin = -1;  // Values from outside of the loop.
  int limit = -1;
};

// Are these integers known as soon as shapes are?
bool FollowsFromShapes(const PlanGraph& graph, int value);

// How the While node `loop` is counted, if it follows from shapes and constants
// how many steps there are at most, so that layouts know it.
std::optional<CountedLoop> CountedLoopOf(const PlanGraph& graph, int loop);

// A value in the frame of `loop` that is at least the number of its steps.
int AddNumberOfSteps(PlanGraph* graph, int loop, const CountedLoop& counted);

// The number of the step, from 0 on (of those that go down, to 0), in the body
// of a loop that is counted in the same way: `counter` is its variable.
int AddStepIndex(PlanGraph* graph, int loop, int body, int counter,
                 const CountedLoop& counted);

// Is `value` that number in the body of `loop` itself, for all that is known?
bool IsStepIndex(const PlanGraph& graph, int loop, int value,
                 const CountedLoop& counted);

// How many steps the loop makes: a scalar in its frame, of the type of the
// bounds. -1 if anything decides but counters that are below (above) bounds
// from outside, or if their distance could be too large for the type.
int AddExactSteps(PlanGraph* graph, int loop);

// Whether the loop with such `steps` goes on, by one comparison in the place of
// several: a scalar of its condition. -1 if there is one already, or not all
// counters go from 0 upwards.
int AddOneCondition(PlanGraph* graph, int loop, int steps);

// The number of the step, from 0 on, in the body of a loop with such `steps`.
int AddStepNumber(PlanGraph* graph, int loop, int steps);

// Are two integers of a body always equal? So are one value, and two that add
// constants of one sum to it.
bool SameIndex(const PlanGraph& graph, int a, int b);

// How variable k changes in each step: 1, -1, or in another way: 0.
int StepOf(const PlanGraph& graph, int loop, int k);

// Is variable k an integer scalar that goes up or down by another, which does
// not change? `*next` is the node that does it.
bool IsCounter(const PlanGraph& graph, int loop, int k, int* next);

}  // namespace weft

#endif  // WEFT_RUNTIME_PASSES_COUNTED_LOOP_H_
