// When the nodes of a graph with Switch and Merge run.
#ifndef WEFT_GRAPH_V1_CONTROL_FLOW_GUARD_H_
#define WEFT_GRAPH_V1_CONTROL_FLOW_GUARD_H_

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "graph/v1_control_flow_graph.h"

namespace weft {

// Sets of conditions that must all hold. A condition is a predicate and the
// value it must have: 2 * predicate + value. Sets are numbered; equal ones have
// one number.
class V1GuardSets {
 public:
  static constexpr int kAlways = 0;
  static constexpr int kNever = -1;
  static constexpr int kTooMany = -2;  // Conditions in one set.

  V1GuardSets() { Number({}); }
  const std::vector<int>& conditions(int set) const { return sets_[set]; }
  int Add(int set, int condition);
  int Remove(int set, int condition);
  int Join(int a, int b);

 private:
  int Number(std::vector<int> conditions);

  std::vector<std::vector<int>> sets_;  // Sorted.
  std::map<std::vector<int>, int> numbers_;
  absl::flat_hash_map<std::pair<int, int>, int> joined_;
};

// What decides which input a Merge gives.
struct V1Choice {
  int predicate = -1;
  bool first_if = false;  // The first input is there if the predicate is this.
  int only = -1;          // The one input that is ever there; -1: it depends.
};

// The conditions under which each node of a graph runs.
class V1Guards {
 public:
  // `order` is that of the nodes. InvalidArgument, naming the Merge, if its
  // inputs are not the two outcomes of one predicate.
  static absl::StatusOr<V1Guards> Create(const V1Graph& graph,
                                         const std::vector<int>& order);

  // The number of a set.
  int of(int node) const { return guards_[node]; }
  int of(V1Value value) const;
  const V1Choice& choice(int merge) const { return choices_.at(merge); }
  // That of a Switch.
  int predicate(int node) const { return predicates_.at(node); }
  // What the predicate is computed as, before any Switch or Identity.
  V1Value value_of(int predicate) const { return values_[predicate]; }

 private:
  explicit V1Guards(const V1Graph& graph) : graph_(&graph) {}
  absl::Status Visit(int node);
  absl::Status VisitMerge(int node);
  absl::Status Irreducible(int merge) const;
  V1Value Origin(V1Value value) const;

  const V1Graph* graph_;
  mutable V1GuardSets sets_;
  std::vector<int> guards_;
  std::vector<std::optional<V1Value>>
      origins_;  // What Identity and Switch pass on.
  absl::flat_hash_map<int, V1Choice> choices_;
  absl::flat_hash_map<int, int> predicates_;
  absl::flat_hash_map<V1Value, int> numbers_;  // Of predicates.
  std::vector<V1Value> values_;
};

}  // namespace weft

#endif  // WEFT_GRAPH_V1_CONTROL_FLOW_GUARD_H_
