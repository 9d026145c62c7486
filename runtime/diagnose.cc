#include "runtime/diagnose.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/status.h"

namespace weft {
namespace {

// For each node of frame 0 the node through which a fetch or target reaches it.
class Reach {
 public:
  explicit Reach(const PlanGraph& graph)
      : graph_(graph), user_(graph.nodes.size(), kNone) {
    std::vector<std::vector<int>> before(graph.nodes.size());
    ForEachDependency(graph, [&](int predecessor, int node) {
      if (graph.nodes[node].frame == 0) before[node].push_back(predecessor);
    });
    std::vector<int> queue;
    auto visit = [&](int node, int user) {
      if (node < 0 || user_[node] != kNone) return;
      user_[node] = user;
      queue.push_back(node);
    };
    for (int value : graph.frames[0].results)
      visit(graph.values[value].node, kFetched);
    for (int node : graph.frames[0].targets) visit(node, kTarget);
    for (size_t i = 0; i < queue.size(); ++i) {
      for (int predecessor : before[queue[i]]) visit(predecessor, queue[i]);
    }
  }

  // The names from the fetch to `node`, long ways cut in the middle.
  std::string PathTo(int node) const {
    std::vector<std::string> names;
    for (int n = node; n >= 0; n = user_[n]) names.push_back(graph_.NameOf(n));
    std::reverse(names.begin(), names.end());
    constexpr size_t kEnds = 5;
    if (names.size() > 2 * kEnds) {
      names.erase(names.begin() + kEnds, names.end() - kEnds);
      names.insert(names.begin() + kEnds, "...");
    }
    return absl::StrJoin(names, " -> ");
  }

  // "fetch 'y'": what needs the node.
  std::string NeededBy(int node) const {
    int n = graph_.Enclosing(node, 0);
    while (user_[n] >= 0) n = user_[n];
    return absl::StrCat(user_[n] == kTarget ? "target '" : "fetch '",
                        graph_.NameOf(n), "'");
  }

 private:
  static constexpr int kNone = -1, kFetched = -2, kTarget = -3;
  const PlanGraph& graph_;
  std::vector<int> user_;
};

}  // namespace

absl::Status CheckPlaceholders(const PlanGraph& graph) {
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (graph.nodes[n].role != OpRole::kPlaceholder) continue;
    const int node = static_cast<int>(n);
    const Node& source = *graph.nodes[n].source;
    return InvalidArgument(graph.Describe(node), " is not fed: a ",
                           DataTypeName(source.output_dtype(0)), " ",
                           source.output_shape(0).ToString(), ", needed by ",
                           Reach(graph).PathTo(graph.Enclosing(node, 0)));
  }
  return absl::OkStatus();
}

absl::Status ReportMissing(const PlanGraph& graph,
                           const std::vector<MissingKernel>& missing) {
  const Reach reach(graph);
  // One line per reason: many nodes may have the same.
  std::map<std::string, std::pair<int, int>> first_and_count;
  for (const MissingKernel& m : missing) {
    const std::string key = absl::StrCat(graph.nodes[m.node].op(), m.reason);
    ++first_and_count.insert({key, {m.node, 0}}).first->second.second;
  }
  std::vector<std::string> lines;
  for (const MissingKernel& m : missing) {
    const std::string key = absl::StrCat(graph.nodes[m.node].op(), m.reason);
    const auto [node, count] = first_and_count.at(key);
    if (node != m.node) continue;
    lines.push_back(
        absl::StrCat(graph.Describe(m.node),
                     count > 1 ? absl::StrCat(" and ", count - 1, " more") : "",
                     " (for ", reach.NeededBy(m.node), "): ", m.reason));
  }
  return Unimplemented(lines.size(), lines.size() == 1 ? " op" : " ops",
                       " of the signature can not be run:\n  ",
                       absl::StrJoin(lines, "\n  "));
}

std::string DescribeCall(
    const PlanGraph& graph, int node,
    absl::FunctionRef<const TensorShape*(int input)> shape_of) {
  const PlanNode& n = graph.nodes[node];
  std::vector<std::string> inputs;
  for (size_t i = 0; i < n.inputs.size(); ++i) {
    const TensorShape* shape = shape_of(static_cast<int>(i));
    // As the user wrote it, not as the passes left it.
    const bool named =
        n.source != nullptr && n.made == nullptr && n.role == OpRole::kCompute;
    inputs.push_back(absl::StrCat(
        named ? n.source->input(static_cast<int>(i)).name()
              : graph.ValueName(n.inputs[i]),
        shape != nullptr ? absl::StrCat(" ", shape->ToString()) : ""));
  }
  return absl::StrCat(graph.Describe(node), "(", absl::StrJoin(inputs, ", "),
                      ")");
}

}  // namespace weft
