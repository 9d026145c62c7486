#include "runtime/passes/chain_builder.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/passes/tensor_parts.h"

namespace weft {
namespace {

// Constants of steps are put together in one tensor, up to this size each, and
// in all.
constexpr size_t kMaxConstantBytes = 1024;
constexpr size_t kMaxConstantBytesInAll = size_t{16} << 20;

}  // namespace

ChainBuilder::ChainBuilder(const PlanGraph& graph)
    : graph_(graph),
      steps_(graph),
      places_(graph.nodes.size()),
      position_(graph.nodes.size(), 0),
      follows_feeds_(graph.values.size(), false),
      before_(graph.nodes.size()),
      after_(graph.nodes.size()),
      comes_before_(graph.nodes.size(), 0),
      comes_after_(graph.nodes.size(), 0) {
  ForEachDependency(graph, [&](int before, int node) {
    before_[node].push_back(before);
    after_[before].push_back(node);
  });
  int position = 0;
  for (int feed : graph.feeds) {
    if (feed >= 0) follows_feeds_[feed] = true;
  }
  for (int node : graph.frames[0].nodes) {
    position_[node] = position++;
    const Ids& inputs = graph.nodes[node].inputs;
    const bool follows =
        std::any_of(inputs.begin(), inputs.end(),
                    [&](int input) { return follows_feeds_[input]; });
    for (int output : graph.nodes[node].outputs)
      follows_feeds_[output] = follows;
  }
}

std::vector<int> ChainBuilder::Add(std::vector<NodeSeries> series,
                                   std::vector<std::string>* reasons) {
  steps_.Begin(std::move(series));
  is_member_.assign(steps_.series().size(), false);
  std::vector<int> taken;
  for (std::vector<int>& group : steps_.Groups()) {
    std::string reason;
    std::optional<StepChain> chain = Build(std::move(group), &reason);
    if (!reason.empty()) reasons->push_back(std::move(reason));
    if (!chain.has_value()) continue;
    const int id = static_cast<int>(chains_.size());
    for (size_t s = 0; s < chain->series.size(); ++s) {
      for (int t = 0; t < chain->steps; ++t) {
        places_[chain->series[s][t]] = {id, static_cast<int>(s), t};
        taken.push_back(chain->series[s][t]);
      }
    }
    chains_.push_back(*std::move(chain));
  }
  steps_.End();
  return taken;
}

// ---- What steps read --------------------------------------------------------

bool ChainBuilder::IsMade(int value, StepWindow window) const {
  const int maker = graph_.values[value].node;
  if (maker < 0 || steps_.EntryOf(maker).first < 0) return false;
  const auto [series, entry] = steps_.EntryOf(maker);
  const int step = entry + steps_.shift(series);
  return is_member_[series] && step >= window.begin && step < window.end;
}

bool ChainBuilder::SameConstant(int a, int b) const {
  const Tensor* m = ConstantOf(graph_, a);
  const Tensor* n = ConstantOf(graph_, b);
  if (m == nullptr || n == nullptr) return false;
  return m->dtype() == n->dtype() && m->shape() == n->shape() &&
         IsPlain(m->dtype()) && m->num_bytes() <= kMaxConstantBytes &&
         std::memcmp(m->raw_data(), n->raw_data(), m->num_bytes()) == 0;
}

// What the input is in the middle of the window. *fits becomes the steps
// around it for which it is that, too.
StepInput ChainBuilder::InputOf(int series, int input, StepWindow window,
                                StepWindow* fits) const {
  const int middle = window.begin + (window.size() - 1) / 2;
  const auto at = [&](int step) { return InputAt(series, input, step); };
  const int v = at(middle), w = at(middle + 1);
  const auto extend = [&](auto holds) {
    *fits = {middle, middle + 1};
    while (fits->begin > window.begin && holds(fits->begin - 1)) --fits->begin;
    while (fits->end < window.end && holds(fits->end)) ++fits->end;
  };
  *fits = {middle, middle};
  StepInput result;
  if (v == w) {
    if (IsMade(v, window)) return result;
    extend([&](int step) { return at(step) == v; });
    result.kind = StepInput::kShared;
    result.value = v;
    return result;
  }
  const PlanValue& made = graph_.values[v];
  if (made.node >= 0 && steps_.EntryOf(made.node).first >= 0 &&
      is_member_[steps_.EntryOf(made.node).first]) {
    const auto [from, entry] = steps_.EntryOf(made.node);
    const int lag = middle - (entry + steps_.shift(from));
    if (lag < 0 || lag > 1) return result;
    extend([&, from = from](int step) {
      const int i = step - lag - steps_.shift(from);
      return i >= 0 && i < static_cast<int>(steps_.series()[from].size()) &&
             at(step) ==
                 graph_.nodes[steps_.series()[from][i]].outputs[made.index];
    });
    if (lag == 1 && fits->begin > window.begin &&
        !IsMade(at(fits->begin - 1), {fits->begin - 1, window.end})) {
      --fits->begin;
    }
    result.kind = lag == 0 ? StepInput::kStep : StepInput::kCarried;
    result.value = at(window.begin);
    result.of = {-1, from, made.index};
    return result;
  }
  // A row of what another chain makes.
  const auto row = [&](int value) {
    const int maker = graph_.values[value].node;
    return maker < 0 ? StepPlace() : places_[maker];
  };
  const auto same_row = [&](int value, const StepPlace& place) {
    const StepPlace other = row(value);
    return other.chain == place.chain && other.series == place.series &&
           graph_.values[value].index == made.index;
  };
  const StepPlace place = row(v);
  if (place.chain >= 0 && same_row(w, place)) {
    result.stride = row(w).step - place.step;
    extend([&](int step) {
      return same_row(at(step), place) &&
             row(at(step)).step == place.step + (step - middle) * result.stride;
    });
    result.kind = StepInput::kRow;
    result.of = {place.chain, place.series, made.index};
    result.first = place.step + (window.begin - middle) * result.stride;
    return result;
  }
  if (SameConstant(v, w)) {
    extend([&](int step) { return SameConstant(v, at(step)); });
    result.kind = StepInput::kShared;
    result.value = v;
    return result;
  }
  const std::optional<TensorPart> part = PartOf(graph_, v);
  const std::optional<TensorPart> other = PartOf(graph_, w);
  if (part.has_value() && other.has_value() && part->cut == other->cut &&
      !IsMade(part->cut.tensor, window)) {
    result.stride = other->index - part->index;
    extend([&](int step) {
      const std::optional<TensorPart> p = PartOf(graph_, at(step));
      return p.has_value() && p->cut == part->cut &&
             p->index == part->index + (step - middle) * result.stride;
    });
    result.kind = StepInput::kPart;
    result.cut = part->cut;
    result.first = part->index + (window.begin - middle) * result.stride;
    return result;
  }
  if (const Tensor* constant = ConstantOf(graph_, v)) {
    const bool small =
        IsPlain(constant->dtype()) &&
        constant->num_bytes() <= kMaxConstantBytes &&
        constant->num_bytes() * window.size() <= kMaxConstantBytesInAll;
    if (!small) return result;
    extend([&](int step) {
      const Tensor* c = ConstantOf(graph_, at(step));
      return c != nullptr && c->dtype() == constant->dtype() &&
             c->shape() == constant->shape();
    });
    result.kind = StepInput::kConstant;
    return result;
  }
  const auto is_given = [&](int value) {
    const PlanValue& info = graph_.values[value];
    return info.dtype == made.dtype && IsPlain(info.dtype) &&
           *info.shape == *made.shape && follows_feeds_[value] &&
           !IsMade(value, window);
  };
  if (is_given(v)) {
    extend([&](int step) { return is_given(at(step)); });
    result.kind = StepInput::kGiven;
  }
  return result;
}

// ---- Chains -----------------------------------------------------------------

bool ChainBuilder::IsWorthIt(const std::vector<int>& core) const {
  return std::any_of(core.begin(), core.end(), [&](int s) {
    const NodeSeries& nodes = steps_.series()[s];
    const PlanNode& node = graph_.nodes[nodes[nodes.size() / 2]];
    const PlanNode& before = graph_.nodes[nodes[nodes.size() / 2 - 1]];
    if (node.traits().pointwise.has_value()) return false;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const PlanValue& value = graph_.values[node.inputs[i]];
      if (node.inputs[i] == before.inputs[i] && IsFloating(value.dtype) &&
          value.shape->rank() >= 2) {
        return true;
      }
    }
    return false;
  });
}

// Marks what steps of a recurrence depend on, and what depends on them, as far
// as it lies between nodes of the group.
void ChainBuilder::FindOrder(const std::vector<int>& core,
                             const std::vector<int>& group) {
  int first = std::numeric_limits<int>::max(), last = 0;
  for (int s : group) {
    for (int node : steps_.series()[s]) {
      first = std::min(first, position_[node]);
      last = std::max(last, position_[node]);
    }
  }
  ++chain_mark_;
  const auto spread = [&](const std::vector<std::vector<int>>& next,
                          std::vector<int>* mark) {
    std::vector<int> stack;
    for (int s : core)
      stack.insert(stack.end(), steps_.series()[s].begin(),
                   steps_.series()[s].end());
    while (!stack.empty()) {
      const int node = stack.back();
      stack.pop_back();
      for (int n : next[node]) {
        if (graph_.nodes[n].frame != 0 || (*mark)[n] == chain_mark_ ||
            position_[n] < first || position_[n] > last) {
          continue;
        }
        (*mark)[n] = chain_mark_;
        stack.push_back(n);
      }
    }
  };
  spread(before_, &comes_before_);
  spread(after_, &comes_after_);
}

// Would the loop wait for itself if the series were in it? So it would if a
// node needed something from outside that comes after the recurrence, or if
// something outside that comes before the recurrence needed a node.
bool ChainBuilder::Entangles(int series, StepWindow window) const {
  const auto is_outside = [&](int node) {
    const int other = steps_.EntryOf(node).first;
    return graph_.nodes[node].frame == 0 && (other < 0 || !is_member_[other]);
  };
  for (int step = window.begin; step < window.end; ++step) {
    const int node = steps_.NodeAt(series, step);
    for (int before : before_[node]) {
      if (is_outside(before) && comes_after_[before] == chain_mark_)
        return true;
    }
    for (int after : after_[node]) {
      if (is_outside(after) && comes_before_[after] == chain_mark_) return true;
    }
  }
  return false;
}

// Takes out what does not belong to the steps, and takes fewer steps, until all
// inputs are what they are in every step.
bool ChainBuilder::Settle(std::vector<int>* members, StepWindow* window,
                          std::string* reason) {
  constexpr int kMaxRounds = 24;
  for (int round = 0; round < kMaxRounds; ++round) {
    bool changed = false;
    std::vector<int> kept;
    for (int s : *members) {
      const int end =
          steps_.shift(s) + static_cast<int>(steps_.series()[s].size());
      bool stays = steps_.shift(s) <= window->begin && end >= window->end &&
                   (steps_.InRecurrence(s) || !Entangles(s, *window));
      const size_t inputs = graph_.nodes[steps_.series()[s][0]].inputs.size();
      for (size_t i = 0; stays && i < inputs; ++i) {
        StepWindow fits;
        const StepInput input = InputOf(s, static_cast<int>(i), *window, &fits);
        if (fits.begin <= window->begin && fits.end >= window->end) continue;
        if (!steps_.InRecurrence(s)) {
          stays = false;
        } else if (input.kind == StepInput::kNone || fits.size() < kMinSteps) {
          *reason =
              absl::StrCat(graph_.Describe(steps_.NodeAt(s, window->begin)),
                           " and ", window->size() - 1, " like it: input ", i,
                           " differs from step to step");
          return false;
        } else {
          window->begin = std::max(window->begin, fits.begin);
          window->end = std::min(window->end, fits.end);
          changed = true;
          if (window->size() < kMinSteps) return false;
        }
      }
      if (stays) {
        kept.push_back(s);
      } else {
        if (steps_.InRecurrence(s)) return false;
        is_member_[s] = false;
        changed = true;
      }
    }
    *members = std::move(kept);
    if (!changed && !DropUseless(members, *window)) return true;
  }
  return false;
}

// Parts of tensors from outside are read as such, and a product whose operands
// are new in each step is not better off in a loop if no step needs it.
bool ChainBuilder::DropUseless(std::vector<int>* members, StepWindow window) {
  std::vector<bool> used(steps_.series().size(), false);
  for (const StepAlignment::Edge& edge : steps_.edges()) {
    if (is_member_[edge.from] && is_member_[edge.to] && edge.from != edge.to)
      used[edge.from] = true;
  }
  const auto is_useless = [&](int s) {
    if (steps_.InRecurrence(s)) return false;
    const PlanNode& node = graph_.nodes[steps_.NodeAt(s, window.begin)];
    const PlanNode& next = graph_.nodes[steps_.NodeAt(s, window.begin + 1)];
    const auto part = PartOf(graph_, node.outputs[0]);
    const auto next_part = PartOf(graph_, next.outputs[0]);
    if (part.has_value() && next_part.has_value() &&
        part->cut == next_part->cut) {
      return true;
    }
    if (PlainFormOf(node) != OpForm::kMatMul || used[s]) return false;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] == next.inputs[i]) return false;
    }
    return true;
  };
  std::vector<int> kept;
  for (int s : *members) {
    is_member_[s] = !is_useless(s);
    if (is_member_[s]) kept.push_back(s);
  }
  const bool dropped = kept.size() < members->size();
  *members = std::move(kept);
  return dropped;
}

std::optional<StepChain> ChainBuilder::Build(std::vector<int> group,
                                             std::string* reason) {
  std::vector<int> core;
  for (int s : group) {
    if (steps_.InRecurrence(s)) core.push_back(s);
  }
  size_t shortest = steps_.series()[core[0]].size();
  for (int s : core) shortest = std::min(shortest, steps_.series()[s].size());
  if (shortest < kMinSteps || !IsWorthIt(core)) return std::nullopt;
  const std::vector<StepAlignment::Shifts> ways =
      steps_.WaysToAlign(core, group);
  if (ways.empty()) {
    *reason = absl::StrCat(graph_.Describe(steps_.series()[core[0]][0]),
                           " and ", shortest - 1,
                           " like it: steps do not only use what the one "
                           "before has made");
    return std::nullopt;
  }
  FindOrder(core, group);
  // The way with the most steps.
  std::vector<int> members;
  StepAlignment::Shifts best_way;
  StepWindow window;
  for (const StepAlignment::Shifts& way : ways) {
    steps_.Align(way, group);
    std::vector<int> found;
    for (int s : group) {
      is_member_[s] = steps_.shift(s) != StepAlignment::kNoStep;
      if (is_member_[s]) found.push_back(s);
    }
    StepWindow steps = steps_.WindowOf(core);
    if (steps.size() < kMinSteps || !Settle(&found, &steps, reason) ||
        steps.size() <= window.size()) {
      continue;
    }
    window = steps;
    members = std::move(found);
    best_way = steps_.shifts();
  }
  for (int s : group) is_member_[s] = false;
  if (members.empty()) return std::nullopt;
  reason->clear();
  steps_.Restore(std::move(best_way));
  for (int s : members) is_member_[s] = true;
  std::sort(members.begin(), members.end(), [&](int a, int b) {
    return position_[steps_.NodeAt(a, window.begin)] <
           position_[steps_.NodeAt(b, window.begin)];
  });
  std::vector<int> place(steps_.series().size(), -1);
  for (size_t m = 0; m < members.size(); ++m)
    place[members[m]] = static_cast<int>(m);
  StepChain chain;
  chain.steps = window.size();
  for (int s : members) {
    NodeSeries& nodes = chain.series.emplace_back();
    for (int step = window.begin; step < window.end; ++step)
      nodes.push_back(steps_.NodeAt(s, step));
    std::vector<StepInput>& inputs = chain.inputs.emplace_back();
    const size_t num_inputs = graph_.nodes[nodes[0]].inputs.size();
    for (size_t i = 0; i < num_inputs; ++i) {
      StepWindow fits;
      StepInput input = InputOf(s, static_cast<int>(i), window, &fits);
      if (input.kind == StepInput::kStep || input.kind == StepInput::kCarried) {
        input.of.chain = static_cast<int>(chains_.size());
        input.of.series = place[input.of.series];
      }
      inputs.push_back(input);
    }
  }
  for (int s : group) is_member_[s] = false;
  return chain;
}

}  // namespace weft
