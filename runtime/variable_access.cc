#include "runtime/variable_access.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"

namespace weft {
namespace {

// Finds the variable behind each value of dtype kResource.
class HandleResolver {
 public:
  explicit HandleResolver(PlanGraph* graph)
      : graph_(*graph), known_(graph->values.size(), -1) {}

  // The variable, or -1 if it is not known before running.
  absl::StatusOr<int> Find(int value) {
    std::vector<int> path;
    while (known_[value] < 0) {
      path.push_back(value);
      const PlanValue& info = graph_.values[value];
      const int maker =
          info.node >= 0 ? info.node : graph_.frames[info.frame].owner;
      if (maker < 0) return -1;
      const PlanNode& node = graph_.nodes[maker];
      if (node.role == OpRole::kVariable) {
        WEFT_ASSIGN_OR_RETURN(known_[value], VariableOf(node));
      } else if (node.role == OpRole::kIdentity) {
        value = node.inputs[0];
      } else if (node.role == OpRole::kWhile) {
        value = node.inputs[info.index];
      } else if (node.role == OpRole::kIf) {
        value = graph_.frames[node.then_frame].results[info.index];
      } else {
        return -1;
      }
    }
    for (int v : path) known_[v] = known_[value];
    return known_[value];
  }

  // Loops must hand on the same variable in each iteration, and branches agree.
  absl::Status CheckControlFlow() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      const PlanNode& node = graph_.nodes[n];
      if (node.role != OpRole::kWhile && node.role != OpRole::kIf) continue;
      const int frame =
          node.role == OpRole::kWhile ? node.body : node.else_frame;
      for (size_t i = 0; i < node.outputs.size(); ++i) {
        if (graph_.values[node.outputs[i]].dtype != DataType::kResource)
          continue;
        WEFT_ASSIGN_OR_RETURN(const int a, Find(node.outputs[i]));
        WEFT_ASSIGN_OR_RETURN(const int b,
                              Find(graph_.frames[frame].results[i]));
        if (a < 0 || a != b) {
          return Unimplemented(graph_.Describe(static_cast<int>(n)),
                               ": which variable output ", i,
                               " stands for is only known while running");
        }
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<int> VariableOf(const PlanNode& node) {
    const Node& source = *node.source;
    const AttrValue* shared = source.attrs().Find("shared_name");
    const std::string* name =
        shared != nullptr ? shared->get_if<std::string>() : nullptr;
    PlanVariable variable;
    variable.name = name != nullptr && !name->empty() ? *name : source.name();
    variable.dtype = source.attrs().Get<DataType>("dtype");
    variable.shape = &source.attrs().Get<TensorShape>("shape");
    variable.source = &source;
    const auto [it, is_new] = by_name_.insert(
        {variable.name, static_cast<int>(graph_.variables.size())});
    if (is_new) {
      graph_.variables.push_back(std::move(variable));
      return it->second;
    }
    const PlanVariable& other = graph_.variables[it->second];
    if (other.dtype != variable.dtype ||
        !other.shape->IsCompatibleWith(*variable.shape)) {
      return InvalidArgument(
          "variable '", variable.name, "' is ", DataTypeName(other.dtype), " ",
          other.shape->ToString(), " in ", other.source->Describe(), " but ",
          DataTypeName(variable.dtype), " ", variable.shape->ToString(), " in ",
          source.Describe());
    }
    return it->second;
  }

  PlanGraph& graph_;
  std::vector<int> known_;  // By value; -1: not known yet.
  absl::flat_hash_map<std::string, int> by_name_;
};

// A use of a variable by input `input` of `node`.
struct Access {
  int node = -1;
  int input = -1;
  int variable = -1;
  bool reads = false;
  bool writes = false;
  int version = 0;  // How many writes of the variable come before it.
};

// Which writers run before which nodes, 64 writers at a time.
class WriterOrder {
 public:
  explicit WriterOrder(const PlanGraph& graph)
      : graph_(graph), begin_(graph.nodes.size() + 1) {
    std::vector<std::pair<int, int>> edges;
    ForEachDependency(graph, [&](int before, int node) {
      if (graph.nodes[node].frame == 0) edges.push_back({node, before});
    });
    for (const auto& edge : edges) ++begin_[edge.first + 1];
    for (size_t n = 1; n < begin_.size(); ++n) begin_[n] += begin_[n - 1];
    before_.resize(edges.size());
    std::vector<int> next(begin_.begin(), begin_.end() - 1);
    for (const auto& [node, before] : edges) before_[next[node]++] = before;
  }

  // Calls fn(i, node) for each node that runs after writers[i].
  template <typename Fn>
  void ForEachReached(const std::vector<int>& writers, Fn fn) const {
    for (size_t first = 0; first < writers.size(); first += 64) {
      std::vector<uint64_t> mask(graph_.nodes.size(), 0);
      std::vector<uint64_t> own(graph_.nodes.size(), 0);
      const size_t count = std::min<size_t>(64, writers.size() - first);
      for (size_t i = 0; i < count; ++i)
        own[writers[first + i]] |= uint64_t{1} << i;
      for (int node : graph_.frames[0].nodes) {
        uint64_t reached = 0;
        for (int e = begin_[node]; e < begin_[node + 1]; ++e) {
          reached |= mask[before_[e]] | own[before_[e]];
        }
        mask[node] = reached;
        for (; reached != 0; reached &= reached - 1) {
          fn(first + static_cast<size_t>(__builtin_ctzll(reached)), node);
        }
      }
    }
  }

 private:
  const PlanGraph& graph_;
  std::vector<int> begin_;  // Into before_, by node.
  std::vector<int> before_;
};

class Binder {
 public:
  explicit Binder(PlanGraph* graph) : graph_(*graph), handles_(graph) {}

  absl::Status Run() {
    WEFT_RETURN_IF_ERROR(handles_.CheckControlFlow());
    WEFT_RETURN_IF_ERROR(CollectAccesses());
    WEFT_RETURN_IF_ERROR(OrderAccesses());
    ChooseShadows();
    for (size_t v = 0; v < graph_.variables.size(); ++v)
      MakeValues(static_cast<int>(v));
    return absl::OkStatus();
  }

 private:
  absl::Status CollectAccesses() {
    for (const PlanFrame& frame : graph_.frames) {
      for (int n : frame.nodes) {
        const PlanNode& node = graph_.nodes[n];
        if (node.role != OpRole::kCompute) continue;
        for (size_t i = 0; i < node.inputs.size(); ++i) {
          if (graph_.values[node.inputs[i]].dtype != DataType::kResource)
            continue;
          WEFT_RETURN_IF_ERROR(Collect(n, static_cast<int>(i)));
        }
      }
    }
    writers_.resize(graph_.variables.size());
    for (size_t a = 0; a < accesses_.size(); ++a) {
      if (accesses_[a].writes)
        writers_[accesses_[a].variable].push_back(static_cast<int>(a));
    }
    return absl::OkStatus();
  }

  absl::Status Collect(int n, int input) {
    const PlanNode& node = graph_.nodes[n];
    Access access = {.node = n, .input = input};
    WEFT_ASSIGN_OR_RETURN(access.variable, handles_.Find(node.inputs[input]));
    if (access.variable < 0) {
      return Unimplemented(graph_.Describe(n), ": which variable input ", input,
                           " stands for is only known while running");
    }
    for (const auto& [i, kind] : node.traits().variables) {
      if (i != input) continue;
      access.reads |= kind != VariableAccess::kWrite;
      access.writes |= kind != VariableAccess::kRead;
    }
    if (access.writes && node.frame != 0) {
      return Unimplemented(
          graph_.Describe(n), " writes variable '",
          graph_.variables[access.variable].name, "' within ",
          graph_.Describe(graph_.frames[node.frame].owner),
          ": a loop body or branch can not; return the value and assign "
          "it outside");
    }
    // What replaces a value as a whole takes it from the input behind the
    // handle.
    if (access.writes && !access.reads &&
        input + 1 >= static_cast<int>(node.inputs.size())) {
      return Unimplemented(graph_.Describe(n), " writes variable '",
                           graph_.variables[access.variable].name,
                           "' without a value behind its handle");
    }
    accesses_.push_back(access);
    return absl::OkStatus();
  }

  // Finds how many writes come before each access, and that the writes of a
  // variable are in line.
  absl::Status OrderAccesses() {
    std::vector<int> writer_nodes;
    absl::flat_hash_map<int, int> writer_number;
    for (const Access& access : accesses_) {
      if (!access.writes ||
          !writer_number.insert({access.node, writer_nodes.size()}).second) {
        continue;
      }
      writer_nodes.push_back(access.node);
    }
    if (writer_nodes.empty()) return absl::OkStatus();
    // By node of frame 0: the accesses in it or its bodies.
    absl::flat_hash_map<int, std::vector<int>> accesses_of;
    for (size_t a = 0; a < accesses_.size(); ++a) {
      accesses_of[graph_.Enclosing(accesses_[a].node, 0)].push_back(
          static_cast<int>(a));
    }
    std::vector<std::vector<int>> written(writer_nodes.size());  // Variables.
    for (const Access& access : accesses_) {
      if (access.writes)
        written[writer_number[access.node]].push_back(access.variable);
    }
    WriterOrder(graph_).ForEachReached(
        writer_nodes, [&](size_t writer, int node) {
          const auto found = accesses_of.find(node);
          if (found == accesses_of.end()) return;
          for (int a : found->second) {
            for (int variable : written[writer]) {
              if (accesses_[a].variable == variable) ++accesses_[a].version;
            }
          }
        });
    return CheckWritersInLine();
  }

  absl::Status CheckWritersInLine() {
    for (size_t v = 0; v < writers_.size(); ++v) {
      std::vector<int>& writers = writers_[v];
      std::stable_sort(writers.begin(), writers.end(), [&](int a, int b) {
        return accesses_[a].version < accesses_[b].version;
      });
      for (size_t i = 0; i < writers.size(); ++i) {
        if (accesses_[writers[i]].version == static_cast<int>(i)) continue;
        const int a = accesses_[writers[i - (i > 0)]].node;
        const int b = accesses_[writers[i]].node;
        return InvalidArgument("variable '", graph_.variables[v].name,
                               "' is written by ", graph_.Describe(a),
                               " and by ", graph_.Describe(b),
                               ", and no control edge says which comes first");
      }
    }
    return absl::OkStatus();
  }

  // A variable that is read behind a write is written at once, in a shadow; so
  // are all that the same op writes.
  void ChooseShadows() {
    shadowed_.resize(graph_.variables.size());
    for (const Access& access : accesses_) {
      if (!access.writes && access.version > 0)
        shadowed_[access.variable] = true;
    }
    const absl::flat_hash_set<int> used = MakersOfUsedValues();
    for (const Access& access : accesses_) {
      if (access.writes && used.contains(access.node))
        shadowed_[access.variable] = true;
    }
    absl::flat_hash_set<int> shadow_nodes;
    for (bool changed = true; changed;) {
      changed = false;
      for (const Access& access : accesses_) {
        if (!access.writes) continue;
        if (shadowed_[access.variable]) {
          changed |= shadow_nodes.insert(access.node).second;
        } else if (shadow_nodes.contains(access.node)) {
          shadowed_[access.variable] = changed = true;
        }
      }
    }
    for (const Access& access : accesses_) {
      if (!access.writes) continue;
      graph_.nodes[access.node].phase = shadowed_[access.variable]
                                            ? WritePhase::kShadow
                                            : WritePhase::kCommit;
    }
  }

  // A write whose outputs are used can not wait for the end.
  absl::flat_hash_set<int> MakersOfUsedValues() const {
    absl::flat_hash_set<int> used;
    auto use = [&](int value) {
      const int maker = graph_.values[value].node;
      if (maker >= 0 && !graph_.nodes[maker].traits().variables.empty())
        used.insert(maker);
    };
    for (const PlanNode& node : graph_.nodes) {
      for (int input : node.inputs) use(input);
    }
    for (const PlanFrame& frame : graph_.frames) {
      for (int result : frame.results) use(result);
    }
    return used;
  }

  int NewValue(int variable) {
    const PlanVariable& v = graph_.variables[variable];
    return graph_.AddValue(
        {.dtype = v.dtype, .index = variable, .shape = v.shape});
  }

  void MakeValues(int v) {
    PlanVariable& variable = graph_.variables[v];
    const std::vector<int>& writers = writers_[v];
    variable.start = NewValue(v);
    // A value that the first write replaces as a whole is not needed.
    const bool replaced = !writers.empty() && !accesses_[writers[0]].reads;
    variable.keeps_value = !replaced;
    std::vector<int> versions = {variable.start};
    if (shadowed_[v]) {
      MakeShadows(v, &versions);
    } else if (!writers.empty()) {
      variable.target = NewValue(v);
    }
    for (Access& access : accesses_) {
      if (access.variable != v) continue;
      int& input = graph_.nodes[access.node].inputs[access.input];
      if (!access.writes) {
        input = versions[shadowed_[v] ? access.version : 0];
      } else {
        input = shadowed_[v] ? versions[access.version + 1] : variable.target;
        variable.fallible |= graph_.nodes[access.node].traits().fallible_write;
      }
      variable.must_exist |= access.reads && access.version == 0;
    }
  }

  void MakeShadows(int v, std::vector<int>* versions) {
    PlanVariable& variable = graph_.variables[v];
    std::vector<bool> read(writers_[v].size() + 1, false);
    for (const Access& access : accesses_) {
      if (access.variable == v && !access.writes) read[access.version] = true;
    }
    for (size_t i = 0; i < writers_[v].size(); ++i) {
      const Access& writer = accesses_[writers_[v][i]];
      ShadowWrite shadow = {.variable = v,
                            .node = writer.node,
                            .from = versions->back(),
                            .to = NewValue(v),
                            .keeps_value = writer.reads};
      shadow.takes = i > 0 && !read[i] && writer.reads;
      versions->push_back(shadow.to);
      graph_.shadows.push_back(shadow);
    }
    variable.shadow = versions->back();
  }

  PlanGraph& graph_;
  HandleResolver handles_;
  std::vector<Access> accesses_;
  std::vector<std::vector<int>> writers_;  // By variable: accesses, in order.
  std::vector<bool> shadowed_;             // By variable.
};

}  // namespace

absl::Status BindVariables(PlanGraph* graph) { return Binder(graph).Run(); }

}  // namespace weft
