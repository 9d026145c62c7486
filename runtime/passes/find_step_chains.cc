#include <algorithm>
#include <cstdint>
#include <map>
#include <tuple>

#include "absl/container/flat_hash_map.h"
#include "runtime/passes/chain_builder.h"
#include "runtime/passes/match_steps.h"
#include "runtime/passes/step_chains.h"

namespace weft {
namespace {

// So many uses of the same weights may lie within a step.
constexpr size_t kMaxUsesPerStep = 3;
// So many of the last steps may be different.
constexpr size_t kMaxLastSteps = 2;
// Nodes that are looked at in all, per node of the graph.
constexpr int64_t kMaxWorkPerNode = 64;

// Nodes of one kind that use the same weights, in the order in which they run:
// the same node in different steps, perhaps. The largest sets first.
std::vector<std::vector<int>> FindSuspects(const PlanGraph& graph,
                                           const StepMatcher& matcher) {
  absl::flat_hash_map<std::tuple<int, size_t, uint64_t>, int> set_of;
  std::vector<std::vector<int>> sets;
  for (int n : graph.frames[0].nodes) {
    const PlanNode& node = graph.nodes[n];
    if (!matcher.IsEligible(n) || node.traits().pointwise.has_value()) continue;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const PlanValue& value = graph.values[node.inputs[i]];
      if (!IsFloating(value.dtype) || value.shape->rank() < 2 ||
          matcher.users(node.inputs[i]).size() < kMinSteps) {
        continue;
      }
      const auto [it, is_new] =
          set_of.insert({{node.inputs[i], i, matcher.kind(n)},
                         static_cast<int>(sets.size())});
      if (is_new) sets.emplace_back();
      sets[it->second].push_back(n);
    }
  }
  std::stable_sort(sets.begin(), sets.end(), [](const auto& a, const auto& b) {
    return a.size() > b.size();
  });
  return sets;
}

// Would the graph have a cycle if each chain were one node? `*in_cycle` gets
// the chains that could not be ordered.
bool HasCycle(const PlanGraph& graph, const std::vector<StepChain>& chains,
              std::vector<bool>* in_cycle) {
  const size_t nodes = graph.nodes.size();
  std::vector<int> merged(nodes);
  for (size_t n = 0; n < nodes; ++n) merged[n] = static_cast<int>(n);
  for (size_t c = 0; c < chains.size(); ++c) {
    for (const NodeSeries& series : chains[c].series) {
      for (int node : series) merged[node] = static_cast<int>(nodes + c);
    }
  }
  std::vector<std::vector<int>> users(nodes + chains.size());
  std::vector<int> waiting(nodes + chains.size(), 0);
  ForEachDependency(graph, [&](int before, int node) {
    if (merged[before] == merged[node]) return;
    users[merged[before]].push_back(merged[node]);
    ++waiting[merged[node]];
  });
  std::vector<int> ready;
  for (size_t n = 0; n < users.size(); ++n) {
    if (waiting[n] == 0) ready.push_back(static_cast<int>(n));
  }
  while (!ready.empty()) {
    const int n = ready.back();
    ready.pop_back();
    for (int user : users[n]) {
      if (--waiting[user] == 0) ready.push_back(user);
    }
  }
  bool found = false;
  in_cycle->assign(chains.size(), false);
  for (size_t c = 0; c < chains.size(); ++c) {
    (*in_cycle)[c] = waiting[nodes + c] > 0;
    found |= (*in_cycle)[c];
  }
  return found;
}

// Leaves the chains that are not in a cycle, nor use one that goes.
std::vector<StepChain> WithoutCycles(const PlanGraph& graph,
                                     std::vector<StepChain> chains) {
  std::vector<bool> goes;
  while (HasCycle(graph, chains, &goes)) {
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t c = 0; c < chains.size(); ++c) {
        for (const auto& inputs : chains[c].inputs) {
          for (const StepInput& input : inputs) {
            if (input.kind != StepInput::kRow || goes[c] ||
                !goes[input.of.chain])
              continue;
            goes[c] = changed = true;
          }
        }
      }
    }
    std::vector<int> number(chains.size(), -1);
    std::vector<StepChain> kept;
    for (size_t c = 0; c < chains.size(); ++c) {
      if (goes[c]) continue;
      number[c] = static_cast<int>(kept.size());
      kept.push_back(std::move(chains[c]));
    }
    for (StepChain& chain : kept) {
      for (auto& inputs : chain.inputs) {
        for (StepInput& input : inputs) {
          if (input.of.chain >= 0) input.of.chain = number[input.of.chain];
        }
      }
    }
    chains = std::move(kept);
  }
  return chains;
}

}  // namespace

std::vector<StepChain> FindStepChains(const PlanGraph& graph,
                                      std::vector<std::string>* reasons) {
  StepMatcher matcher(graph);
  ChainBuilder builder(graph);
  const int64_t max_work =
      kMaxWorkPerNode * static_cast<int64_t>(graph.nodes.size());
  for (std::vector<int>& suspects : FindSuspects(graph, matcher)) {
    bool found = true;
    while (found && matcher.work() <= max_work) {
      found = false;
      suspects.erase(
          std::remove_if(suspects.begin(), suspects.end(),
                         [&](int node) { return matcher.IsTaken(node); }),
          suspects.end());
      for (size_t uses = 1; !found && uses <= kMaxUsesPerStep; ++uses) {
        for (size_t last = 0; !found && last <= kMaxLastSteps; ++last) {
          const size_t end = suspects.size() - std::min(suspects.size(), last);
          if (end < uses * kMinSteps) break;
          const std::vector<int> taken = builder.Add(
              matcher.Match(suspects[end - 1 - uses], suspects[end - 1]),
              reasons);
          matcher.Take(taken);
          found = !taken.empty();
        }
      }
    }
  }
  return WithoutCycles(graph, builder.chains());
}

}  // namespace weft
