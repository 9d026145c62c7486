#include "runtime/layout.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "runtime/liveness.h"
#include "runtime/placement.h"
#include "runtime/schedule.h"
#include "runtime/shape_walk.h"
#include "runtime/value_table.h"

namespace weft {
namespace {

// Turns the schedule into instructions.
class Assembler {
 public:
  Assembler(const Plan& plan, ShapeWalk& walk)
      : plan_(plan),
        graph_(plan.graph()),
        walk_(walk),
        schedule_(Schedule::Create(plan, walk)),
        liveness_(plan, walk, schedule_),
        placement_(plan, walk, schedule_, liveness_),
        layout_(std::make_shared<Layout>()),
        table_(plan, walk, liveness_, placement_, layout_.get()),
        released_(schedule_.steps.size()) {}

  std::shared_ptr<const Layout> Run(std::vector<int64_t> key,
                                    absl::Span<const TensorShape> feed_shapes) {
    Layout& layout = *layout_;
    layout.key = std::move(key);
    layout.feed_shapes.assign(feed_shapes.begin(), feed_shapes.end());
    layout.arena_bytes = placement_.arena_bytes();
    layout.arena_uses = placement_.uses();
    FindReleases();
    pc_.assign(schedule_.steps.size(), 0);
    layout.program.reserve(schedule_.steps.size());
    layout.loop_of.reserve(schedule_.steps.size());
    layout.operands.reserve(3 * schedule_.steps.size());
    operand_offset_.reserve(schedule_.steps.size());
    AddLoops();
    for (size_t p = 0; p < schedule_.steps.size(); ++p) {
      if (schedule_.steps[p].kind == Step::kFetch) {
        pc_[p] = static_cast<int>(layout.program.size());
        layout.main_end = static_cast<int>(layout.program.size());
        AddFetches();
        ChooseCopies();
      } else {
        AddStep(static_cast<int>(p));
      }
    }
    Link();
    return std::move(layout_);
  }

 private:
  int Entry(int value) { return table_.Entry(value); }
  // Has it no fixed memory, but is handed on as an object?
  bool IsObject(int value) const {
    return table_.IsList(value) || table_.InSlot(value);
  }

  // Is this the only use of the memory from here on?
  bool Takes(int value, int position, absl::Span<const int> all) const {
    const int root = liveness_.root(value);
    if (walk_.Canonical(value) != root || !liveness_.DiesAt(value, position))
      return false;
    if (walk_.value(root).known >= 0) return false;  // It is the layout's.
    return std::count_if(all.begin(), all.end(),
                         [&](int v) { return liveness_.root(v) == root; }) == 1;
  }

  // ---- Instructions -------------------------------------------------------

  Instruction& Add(InstrKind kind, int position,
                   absl::Span<const int> inputs = {},
                   absl::Span<const int> outputs = {}) {
    Layout& layout = *layout_;
    operand_offset_.push_back(layout.operands.size());
    for (int v : inputs) layout.operands.push_back(Entry(v));
    for (int v : outputs) layout.operands.push_back(Entry(v));
    layout.loop_of.push_back(schedule_.steps[position].loop);
    Instruction instruction;
    instruction.kind = kind;
    const Step& step = schedule_.steps[position];
    instruction.node =
        step.kind == Step::kShadow ? graph_.shadows[step.node].node : step.node;
    instruction.num_inputs = static_cast<uint16_t>(inputs.size());
    instruction.num_outputs = static_cast<uint16_t>(outputs.size());
    layout.program.push_back(instruction);
    return layout.program.back();
  }

  void AddStep(int position) {
    const Step& step = schedule_.steps[position];
    pc_[position] = static_cast<int>(layout_->program.size());
    switch (step.kind) {
      case Step::kNode:
        AddNode(position, step.node);
        break;
      case Step::kLoopBegin:
        AddLoopBegin(position, step.node);
        break;
      case Step::kLoopTest:
        Add(InstrKind::kLoopTest, position,
            {graph_.frames[graph_.nodes[step.node].cond].results[0]})
            .first = step.loop;
        return;
      case Step::kLoopNext:
        AddLoopNext(position, step);
        return;
      case Step::kBranch:
        Add(InstrKind::kBranch, position, {graph_.nodes[step.node].inputs[0]});
        return;
      case Step::kThenEnd:
        AddMoves(position,
                 graph_.frames[graph_.nodes[step.node].then_frame].results,
                 graph_.nodes[step.node].outputs);
        AddReleases(position);
        Add(InstrKind::kJump, position);
        return;
      case Step::kElseEnd:
        AddMoves(position,
                 graph_.frames[graph_.nodes[step.node].else_frame].results,
                 graph_.nodes[step.node].outputs);
        break;
      case Step::kShadow:
        AddShadow(position, graph_.shadows[step.node]);
        break;
      case Step::kLoopEnd:
      case Step::kFetch:
        break;
    }
    AddReleases(position);
  }

  void AddNode(int position, int id) {
    const PlanNode& node = graph_.nodes[id];
    NodeState& state = walk_.mutable_node(id);
    if (state.mode != NodeMode::kSkip) {
      const bool deferred = state.mode == NodeMode::kDefer;
      const std::vector<int>* kept = deferred ? nullptr : plan_.kept(id);
      Instruction& instruction = Add(deferred          ? InstrKind::kDeferred
                                     : kept != nullptr ? InstrKind::kKept
                                                       : InstrKind::kKernel,
                                     position, node.inputs, node.outputs);
      instruction.kernel = plan_.kernel(id);
      instruction.state = state.state.get();
      instruction.scratch = placement_.scratch(position);
      instruction.dying = DyingInputs(position, node, deferred);
      if (kept != nullptr) {
        instruction.first = static_cast<int>(layout_->kept.size());
        layout_->kept.push_back(*kept);
      }
      instruction.random_counter = plan_.random_counter(id);
      instruction.cost = Cost(node);
      if (state.state != nullptr)
        layout_->states.push_back(std::move(state.state));
      if (deferred) {
        layout_->notes.push_back(absl::StrCat(
            graph_.Describe(id), " is laid out while running",
            state.why != nullptr ? absl::StrCat(": ", *state.why) : ""));
      }
    }
    if (state.mode == NodeMode::kDefer) return;
    for (int output : node.outputs) {
      const ValueState& view = walk_.value(output);
      if (view.view_of < 0 || view.moving || !walk_.Moves(output)) continue;
      Add(InstrKind::kAlias, position, {view.view_of}, {output}).bytes =
          view.view_offset;
    }
  }

  uint64_t DyingInputs(int position, const PlanNode& node,
                       bool deferred) const {
    uint64_t dying = 0;
    for (size_t i = 0; i < node.inputs.size() && i < 64; ++i) {
      const int input = node.inputs[i];
      if (!table_.IsList(input) && !(deferred && table_.InSlot(input)))
        continue;
      if (Takes(input, position, node.inputs)) dying |= uint64_t{1} << i;
    }
    return dying;
  }

  // In units of what a scalar takes.
  int Cost(const PlanNode& node) const {
    int64_t elements = 0;
    for (const Ids* values : {&node.inputs, &node.outputs}) {
      for (int v : *values) {
        if (walk_.value(v).has_shape)
          elements += walk_.value(v).shape.num_elements();
      }
    }
    return static_cast<int>(std::min<int64_t>(1 + elements / 64, 1 << 20));
  }

  // to[i] = from[i], for all at once; copies in the order given.
  void AddMoves(int position, absl::Span<const int> from,
                absl::Span<const int> to) {
    AddHandOvers(position, from, to);
    for (size_t i = 0; i < from.size(); ++i) {
      if (!IsObject(to[i])) AddCopy(position, from[i], to[i]);
    }
  }

  void AddHandOvers(int position, absl::Span<const int> from,
                    absl::Span<const int> to) {
    Layout& layout = *layout_;
    const int first = static_cast<int>(layout.hand_overs.size());
    for (size_t i = 0; i < from.size(); ++i) {
      if (!IsObject(to[i])) continue;
      if (walk_.Canonical(from[i]) == walk_.Canonical(to[i])) continue;
      layout.hand_overs.push_back(
          {Entry(from[i]), Entry(to[i]), Takes(from[i], position, from)});
    }
    const int last = static_cast<int>(layout.hand_overs.size());
    if (first == last) return;
    Instruction& instruction = Add(InstrKind::kHandOver, position);
    instruction.first = first;
    instruction.last = last;
  }

  void AddCopy(int position, int from, int to) {
    const size_t bytes = walk_.value(to).shape.num_elements() *
                         DataTypeSize(graph_.values[to].dtype);
    if (bytes == 0 || walk_.Canonical(from) == walk_.Canonical(to)) return;
    if (placement_.SamePlace(from, to)) return;
    Instruction& copy = Add(InstrKind::kCopy, position, {from}, {to});
    copy.bytes = bytes;
    copy.cost = static_cast<int>(std::min<size_t>(1 + bytes / 256, 1 << 20));
  }

  void AddLoopBegin(int position, int id) {
    const PlanNode& node = graph_.nodes[id];
    AddMoves(position, node.inputs, graph_.frames[node.cond].args);
    // Loops begin in the order of their numbers.
    Add(InstrKind::kLoopBegin, position).first =
        static_cast<int>(loop_start_.size());
    loop_start_.push_back(static_cast<int>(layout_->program.size()));
  }

  void AddLoopNext(int position, const Step& step) {
    const PlanNode& node = graph_.nodes[step.node];
    AddHandOvers(position, graph_.frames[node.body].results,
                 graph_.frames[node.cond].args);
    for (const AssignmentStep& assignment : placement_.assignments(step.loop)) {
      AddAssignment(position, step, assignment);
    }
    AddReleases(position);
    Add(InstrKind::kJump, position);
  }

  void AddAssignment(int position, const Step& step,
                     const AssignmentStep& assignment) {
    const PlanNode& node = graph_.nodes[step.node];
    const int arg = graph_.frames[node.cond].args[assignment.variable];
    if (assignment.kind == AssignmentStep::kAssign) {
      AddCopy(position, graph_.frames[node.body].results[assignment.variable],
              arg);
      return;
    }
    const bool saves = assignment.kind == AssignmentStep::kSave;
    const int entry = Entry(arg);
    const int spare = table_.SpareEntry(entry, placement_.spare(step.loop));
    const Place& place = layout_->places[entry];
    Instruction& copy = Add(InstrKind::kCopy, position);
    layout_->operands.push_back(saves ? entry : spare);
    layout_->operands.push_back(saves ? spare : entry);
    copy.num_inputs = copy.num_outputs = 1;
    copy.bytes = place.shape.num_elements() * DataTypeSize(place.dtype);
  }

  void AddShadow(int position, const ShadowWrite& shadow) {
    ShadowWrite entry = shadow;
    entry.from = Entry(shadow.from);
    entry.to = Entry(shadow.to);
    if (!shadow.keeps_value) {
      // Of the shape of what is written: the input behind the handle.
      const PlanNode& node = graph_.nodes[shadow.node];
      const auto handle =
          std::find(node.inputs.begin(), node.inputs.end(), shadow.to);
      entry.from = Entry(*(handle + 1));
    }
    Add(InstrKind::kShadow, position).first =
        static_cast<int>(layout_->shadows.size());
    layout_->shadows.push_back(entry);
  }

  // ---- Releases -----------------------------------------------------------

  void FindReleases() {
    for (size_t v = 0; v < graph_.values.size(); ++v) {
      const int value = static_cast<int>(v);
      if (liveness_.root(value) != value || liveness_.first(value) < 0)
        continue;
      if (!IsObject(value)) continue;
      released_[liveness_.last(value)].push_back(value);
    }
  }

  void AddReleases(int position) {
    if (released_[position].empty()) return;
    Add(InstrKind::kRelease, position, {}, released_[position]);
  }

  // ---- The whole ----------------------------------------------------------

  void AddLoops() {
    for (const LoopSteps& loop : schedule_.loops) {
      layout_->loops.push_back(
          {.node = loop.node,
           .parent = loop.parent,
           .max_iterations = plan_.max_iterations(loop.node)});
    }
  }

  // A variable is written in a copy if something else in the commit segment
  // uses the value that it had; all are if a write may turn out to be
  // impossible.
  void ChooseCopies() {
    layout_->copy_on_commit.assign(graph_.variables.size(), false);
    layout_->written_values.assign(graph_.variables.size(), -1);
    bool fallible = false;
    for (const PlanVariable& variable : graph_.variables)
      fallible |= variable.fallible;
    for (int id : graph_.frames[0].nodes) {
      const PlanNode& node = graph_.nodes[id];
      if (node.phase != WritePhase::kCommit) continue;
      fallible |= walk_.node(id).mode == NodeMode::kDefer;
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        const auto [storage, index] = table_.ExternalOf(node.inputs[i]);
        if (storage == Storage::kVariable) {
          layout_->copy_on_commit[index] = true;
        } else if (storage == Storage::kTarget && i + 1 < node.inputs.size() &&
                   layout_->written_values[index] < 0) {
          layout_->written_values[index] = Entry(node.inputs[i + 1]);
        }
      }
    }
    if (fallible) layout_->copy_on_commit.assign(graph_.variables.size(), true);
  }

  void AddFetches() {
    const std::vector<int>& fetches = graph_.frames[0].results;
    for (size_t k = 0; k < fetches.size(); ++k) {
      FetchPlan fetch = {.value = Entry(fetches[k])};
      const Place& place = layout_->places[fetch.value];
      if (place.storage == Storage::kList) {
        fetch.kind = FetchPlan::kList;
      } else if (place.storage == Storage::kSlot) {
        fetch.kind = FetchPlan::kSlot;
        fetch.takes = Takes(fetches[k], schedule_.fetch, fetches) &&
                      !IsShadow(fetch.value);
      } else if (place.storage == Storage::kOutput &&
                 place.index == static_cast<int>(k)) {
        fetch.kind = FetchPlan::kPlaced;
      }
      layout_->fetches.push_back(fetch);
    }
  }

  bool IsShadow(int value) const {
    return std::any_of(
        graph_.shadows.begin(), graph_.shadows.end(),
        [&](const ShadowWrite& shadow) { return shadow.to == value; });
  }

  // Fills in what was not known when the instructions were added.
  void Link() {
    Layout& layout = *layout_;
    for (size_t i = 0; i < layout.program.size(); ++i) {
      Instruction& instruction = layout.program[i];
      instruction.inputs = layout.operands.data() + operand_offset_[i];
      instruction.outputs = instruction.inputs + instruction.num_inputs;
    }
    for (size_t p = 0; p < schedule_.steps.size(); ++p) {
      const Step& step = schedule_.steps[p];
      // The jump is the last instruction of its step.
      Instruction* jump = p + 1 < schedule_.steps.size() && pc_[p + 1] > 0
                              ? &layout.program[pc_[p + 1] - 1]
                              : nullptr;
      if (step.kind == Step::kLoopTest) {
        jump->target = pc_[schedule_.loops[step.loop].end];
        layout.loops[step.loop].test = pc_[p];
      } else if (step.kind == Step::kLoopNext) {
        jump->target = loop_start_[step.loop];
      } else if (step.kind == Step::kBranch) {
        jump->target = pc_[step.peer + 1];
      } else if (step.kind == Step::kThenEnd) {
        // Behind the moves of the other branch, before what is released there.
        jump->target = pc_[step.peer + 1];
      }
    }
  }

  const Plan& plan_;
  const PlanGraph& graph_;
  ShapeWalk& walk_;
  const Schedule schedule_;
  const Liveness liveness_;
  const Placement placement_;
  std::shared_ptr<Layout> layout_;
  ValueTable table_;
  std::vector<std::vector<int>> released_;  // By position: roots.
  std::vector<size_t> operand_offset_;      // By instruction.
  std::vector<int> pc_;                     // First instruction, by position.
  std::vector<int> loop_start_;             // By loop: behind kLoopBegin.
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Layout>> Layout::Create(
    const Plan& plan, absl::Span<const TensorShape> feed_shapes,
    absl::Span<const ListShape> feed_lists,
    absl::Span<const TensorShape> variable_shapes, std::vector<int64_t> key) {
  const PlanGraph& graph = plan.graph();
  ShapeWalk walk(plan);
  for (size_t i = 0; i < graph.feeds.size(); ++i) {
    if (graph.feeds[i] < 0) continue;
    walk.SetShape(graph.feeds[i], feed_shapes[i]);
    if (graph.values[graph.feeds[i]].dtype == DataType::kVariant) {
      walk.SetList(graph.feeds[i], feed_lists[i]);
    }
  }
  for (size_t i = 0; i < graph.variables.size(); ++i) {
    if (graph.variables[i].start < 0 || !variable_shapes[i].IsFullyDefined())
      continue;
    walk.SetShape(graph.variables[i].start, variable_shapes[i]);
  }
  WEFT_RETURN_IF_ERROR(walk.Run());
  return Assembler(plan, walk).Run(std::move(key), feed_shapes);
}

}  // namespace weft
