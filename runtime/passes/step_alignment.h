// Which entries of series of nodes that correspond to each other make a step.
#ifndef WEFT_RUNTIME_PASSES_STEP_ALIGNMENT_H_
#define WEFT_RUNTIME_PASSES_STEP_ALIGNMENT_H_

#include <limits>
#include <utility>
#include <vector>

#include "runtime/passes/match_steps.h"
#include "runtime/plan_graph.h"

namespace weft {

// Steps [begin, end).
struct StepWindow {
  int begin = 0;
  int end = 0;
  int size() const { return end - begin; }
};

// The series of one match after another: what depends on what, and with which
// step each series begins.
class StepAlignment {
 public:
  // The step of the first entry, by series.
  using Shifts = std::vector<int>;
  static constexpr int kNoStep = std::numeric_limits<int>::min() / 2;

  // How a node of a series depends on one of a series: `lag` entries of the
  // series lie between them.
  struct Edge {
    int from;
    int to;
    int lag;
  };

  explicit StepAlignment(const PlanGraph& graph);

  // Between these are the series of one match.
  void Begin(std::vector<NodeSeries> series);
  void End();

  const std::vector<NodeSeries>& series() const { return series_; }
  const std::vector<Edge>& edges() const { return edges_; }
  // Is the series part of a recurrence?
  bool InRecurrence(int series) const { return in_core_[series]; }
  // Of which series the node is which entry; -1: of none.
  std::pair<int, int> EntryOf(int node) const { return series_of_[node]; }

  // Each recurrence with what belongs to it.
  std::vector<std::vector<int>> Groups() const;

  // The ways to align the series `core` of a recurrence. Where there is none in
  // this direction of time, the group is turned round.
  std::vector<Shifts> WaysToAlign(const std::vector<int>& core,
                                  const std::vector<int>& group);
  // Aligns all of the group in such a way.
  void Align(Shifts way, const std::vector<int>& group);

  // As aligned: the step of a series' first entry, or kNoStep; the node of a
  // step; the steps that all of these series have.
  int shift(int series) const { return shift_[series]; }
  int NodeAt(int series, int step) const {
    return series_[series][step - shift_[series]];
  }
  StepWindow WindowOf(const std::vector<int>& series) const {
    return WindowOf(series, shift_);
  }
  const Shifts& shifts() const { return shift_; }
  // As they were.
  void Restore(Shifts shifts) { shift_ = std::move(shifts); }

 private:
  void FindEdges();
  void FindRecurrences();
  StepWindow WindowOf(const std::vector<int>& series,
                      const Shifts& shifts) const;
  bool AdjustShifts(const std::vector<int>& core, Shifts* shifts) const;
  void Reverse(const std::vector<int>& group);
  std::vector<Shifts> AlignRecurrence(const std::vector<int>& core) const;
  void AlignOthers(const std::vector<int>& group);

  const PlanGraph& graph_;
  std::vector<std::pair<int, int>> series_of_;  // By node: series and entry.
  std::vector<NodeSeries> series_;
  std::vector<Edge> edges_;
  std::vector<int> recurrence_;  // By series; numbered in an order in which
                                 // they can run.
  std::vector<bool> in_core_;    // By series: part of a recurrence?
  Shifts shift_;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_PASSES_STEP_ALIGNMENT_H_
