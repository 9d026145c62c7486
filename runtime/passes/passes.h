// The passes: what happens to a PlanGraph before it is laid out. Each stands in
// a file of its own, keeps the graph's meaning, and says what it did.
#ifndef WEFT_RUNTIME_PASSES_PASSES_H_
#define WEFT_RUNTIME_PASSES_PASSES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "runtime/plan_graph.h"
#include "runtime/session.h"

namespace weft {

// One sentence per thing done, e.g. "prune: 12 nodes and 3 loop variables".
using PassReport = std::vector<std::string>;

// Prune always, the others if they are enabled. Leaves the nodes in order.
absl::Status RunPasses(const PassOptions& options, PlanGraph* graph,
                       PassReport* report);

// Removes what neither a result nor a target depends on, in bodies too. A loop
// variable stays if its final value is used, if the condition uses it, or if a
// variable that stays depends on it.
void Prune(PlanGraph* graph, PassReport* report);

// A loop variable that each iteration leaves as it is: its initial value takes
// its place everywhere.
void FindInvariants(PlanGraph* graph, PassReport* report);

// Loop variables that are equal in every step become one. How many did.
int MergeVariables(PlanGraph* graph, PassReport* report);

// Computes nodes whose inputs are all constant, unless that makes the plan
// larger: results have up to 64 KiB, or no more than their inputs.
void FoldConstants(PlanGraph* graph, PassReport* report);

// Keeps one of nodes that compute the same.
void ShareCommonSubexpressions(PlanGraph* graph, PassReport* report);

// ---- When variables are bound: RunRewrites ----------------------------------

struct RewriteOptions {
  // May a pass take for granted what only a layout shows? See Plan.
  bool assumes = true;
  Precision precision = Precision::kFloat32;
};

// Those that put made nodes (see MadeOp) in the place of others.
absl::Status RunRewrites(const RewriteOptions& options, PlanGraph* graph,
                         PassReport* report);

// Unrolled steps of a recurrence become a loop: a While that is a made node. It
// holds only if what is not known of the shapes of the steps is the same in all
// of them: see Layout::Create.
void RollUp(PlanGraph* graph, PassReport* report);

// Gradients that are summed up to the shape of an operand which may have been
// repeated are taken to have it; variables of which loops save the shape, to
// keep it. What comes of that holds only if they do.
void AssumeShapes(PlanGraph* graph, PassReport* report);

// Constants, reads of variables and sums of known shape that are the same in
// every step leave their loop.
void HoistInvariants(PlanGraph* graph, PassReport* report);

// What counters are behind loops whose steps they count is known before, and
// one comparison with their number ends the loop.
void CountLoops(PlanGraph* graph, PassReport* report);

// Loop variables that are joined from others in each step, and of which steps
// only take these parts, become several.
void SplitStates(PlanGraph* graph, PassReport* report);

// A loop in which several recurrences run side by side, as the layers of a
// stack do, becomes a loop for each, which runs over all steps before the next
// does. They are made nodes, and hold only if their steps have one shape.
void DistributeLoops(PlanGraph* graph, PassReport* report);

// In loops: products with a matrix from outside pack it beforehand; those of
// what each step reads from a list are made for many steps at once; lists made
// from tensors are read without a copy. Packed matrices of float are kept in
// `precision`.
void RewriteLoops(Precision precision, PlanGraph* graph, PassReport* report);

// Lists that loops fill, step by step, are tensors. Where the shape of their
// elements is not known: if `assumes`.
void StoreRows(bool assumes, PlanGraph* graph, PassReport* report);

// Rows that are there already are not stored once more; and of rows that loops
// join from such only to be multiplied, behind the loop, those are multiplied.
void ShareRows(PlanGraph* graph, PassReport* report);

// What is computed of joined parts, element by element, is joined behind.
void JoinLast(PlanGraph* graph, PassReport* report);

// What is split when all its elements are computed is split before. Where a
// loop also stores it, its parts are stored.
void SplitFirst(PlanGraph* graph, PassReport* report);

// Connected elementwise nodes become one: a _Pointwise program.
void FusePointwise(PlanGraph* graph, PassReport* report);

// Programs add up the rows of what they compute.
void SumRows(PlanGraph* graph, PassReport* report);

// What programs compute for rows that loops set they write there.
void WriteRows(PlanGraph* graph, PassReport* report);

// Those programs are interpreted: no code is generated for them.
void InterpretPrograms(PlanGraph* graph, PassReport* report);

}  // namespace weft

#endif  // WEFT_RUNTIME_PASSES_PASSES_H_
