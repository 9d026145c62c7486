// Unrolled steps become a loop.
//
//   x0, x1, x2, ... = unpack(x)         while i < n:
//   h1 = f(x0, h0)                 =>     h = f(x[i], h)
//   h2 = f(x1, h1)                        rows[i] = h
//   h3 = ...                              i = i + 1
//   y = pack(h1, h2, h3, ...)           y = rows
//
// The nodes of the first step are copied into the body. Those that the steps
// had are left without users, and go when the graph is pruned. All that is not
// known of shapes before any feed is taken to be the same in every step; if
// that is not so, layouts say so, and the steps run as they stand.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runtime/passes/made_nodes.h"
#include "runtime/passes/passes.h"
#include "runtime/passes/step_chains.h"
#include "runtime/passes/step_tensors.h"

namespace weft {
namespace {

// A value of one step.
struct StepOfChain {
  StepValue of;
  int step = -1;
};

class Roller {
 public:
  Roller(PlanGraph* graph, std::vector<StepChain> chains)
      : graph_(*graph),
        num_nodes_(static_cast<int>(graph->nodes.size())),
        chains_(std::move(chains)),
        loops_(chains_.size()),
        place_(graph->nodes.size()),
        replacement_(graph->values.size()),
        tensors_(graph, &chains_) {
    for (size_t v = 0; v < replacement_.size(); ++v)
      replacement_[v] = static_cast<int>(v);
    for (size_t c = 0; c < chains_.size(); ++c) {
      for (size_t s = 0; s < chains_[c].series.size(); ++s) {
        for (int t = 0; t < chains_[c].steps; ++t) {
          place_[chains_[c].series[s][t]] = {
              {static_cast<int>(c), static_cast<int>(s), 0}, t};
        }
      }
    }
  }

  void Run() {
    FindNeeds();
    for (size_t c = 0; c < chains_.size(); ++c) {
      MakeLoop(static_cast<int>(c));
      MakeStores(static_cast<int>(c));
    }
    for (size_t c = 0; c < chains_.size(); ++c) FillBody(static_cast<int>(c));
    for (const auto& [value, of] : needed_) ReplaceByRow(value, of);
    for (const auto& [node, join] : joins_) ReplaceJoin(node, join);
    ReplaceUses();
  }

 private:
  // Where the rows of a value are.
  struct StoredValue {
    StepValue of;
    RowMemory memory;
  };
  // What becomes of a chain.
  struct Loop {
    int node = -1;
    int index = -1;  // The step, within the body.
    // By variable, from 1 on: what it carries, and its initial value.
    std::vector<std::pair<StepValue, int>> variables;
    bool backwards = false;   // Rows are stored from the last to the first.
    std::vector<Ids> copies;  // By series: outputs in the body.
    absl::flat_hash_set<StepValue> stored;
    std::vector<StoredValue> stores;
    absl::flat_hash_map<StepValue, int> rows;  // All of them, outside.
    absl::flat_hash_map<std::pair<int64_t, int64_t>, int> indices;
  };
  // The rows of a value, put together by `node`.
  struct Join {
    StepValue of;
    TensorJoin how;
  };

  // Which step of which chain makes the value; step -1: none.
  StepOfChain PlaceOf(int value) const {
    const PlanValue& info = graph_.values[value];
    if (info.node < 0 || info.node >= num_nodes_) return {};
    StepOfChain place = place_[info.node];
    place.of.output = info.index;
    return place;
  }
  int FirstOf(const StepValue& of) const {
    const int node = chains_[of.chain].series[of.series][0];
    return graph_.nodes[node].outputs[of.output];
  }

  // ---- What is used of the steps outside ------------------------------------

  void FindNeeds() {
    FindJoins();
    for (int n = 0; n < num_nodes_; ++n) {
      if (place_[n].step >= 0 || joins_.contains(n)) continue;
      for (int input : graph_.nodes[n].inputs) Need(input);
    }
    for (const PlanFrame& frame : graph_.frames) {
      for (int result : frame.results) Need(result);
    }
    for (const StepChain& chain : chains_) {
      for (size_t s = 0; s < chain.inputs.size(); ++s) {
        for (size_t i = 0; i < chain.inputs[s].size(); ++i)
          NeedInput(chain, s, i);
      }
    }
  }

  void NeedInput(const StepChain& chain, size_t series, size_t i) {
    const StepInput& input = chain.inputs[series][i];
    switch (input.kind) {
      case StepInput::kShared:
      case StepInput::kCarried:
        Need(input.value);
        break;
      case StepInput::kPart:
        Need(input.cut.tensor);
        break;
      case StepInput::kRow:
        Store(input.of);
        break;
      case StepInput::kGiven:
        for (int node : chain.series[series])
          Need(graph_.nodes[node].inputs[i]);
        break;
      default:
        break;
    }
  }

  // Where all rows are put side by side in their order, or the other way round.
  void FindJoins() {
    for (int n = 0; n < num_nodes_; ++n) {
      if (place_[n].step >= 0) continue;
      const std::optional<TensorJoin> how = JoinOf(graph_, n);
      if (!how.has_value() || how->num_parts == 0) continue;
      const Ids& parts = graph_.nodes[n].inputs;
      const StepOfChain first = PlaceOf(parts[0]);
      if (first.step < 0 || how->num_parts != chains_[first.of.chain].steps)
        continue;
      const bool backwards = first.step > 0;
      bool all = first.step == 0 || first.step == how->num_parts - 1;
      for (int i = 0; all && i < how->num_parts; ++i) {
        const StepOfChain part = PlaceOf(parts[i]);
        all = part.of == first.of &&
              part.step == (backwards ? first.step - i : i);
      }
      Loop& loop = loops_[first.of.chain];
      if (!all || (loop.backwards != backwards && !loop.stored.empty()))
        continue;
      loop.backwards = backwards;
      Store(first.of);
      joins_[n] = {first.of, *how};
    }
  }

  void Store(const StepValue& of) { loops_[of.chain].stored.insert(of); }

  void Need(int value) {
    const StepOfChain place = PlaceOf(value);
    if (place.step < 0 || !needed_.insert({value, place}).second) return;
    if (!IsFinal(place)) Store(place.of);
  }

  // Is it what a variable of the loop has at the end?
  bool IsFinal(const StepOfChain& place) const {
    return place.step == chains_[place.of.chain].steps - 1 &&
           IsCarried(place.of);
  }
  bool IsCarried(const StepValue& of) const {
    for (const auto& inputs : chains_[of.chain].inputs) {
      for (const StepInput& input : inputs) {
        if (input.kind == StepInput::kCarried && input.of == of) return true;
      }
    }
    return false;
  }

  // ---- The loop -------------------------------------------------------------

  void MakeLoop(int c) {
    const StepChain& chain = chains_[c];
    Loop& loop = loops_[c];
    for (const auto& inputs : chain.inputs) {
      for (const StepInput& input : inputs) {
        if (input.kind == StepInput::kCarried)
          VariableOf(&loop, input.of, input.value);
      }
    }
    const int source = NamedAfter(chain);
    MadeOp op{.op = "_Steps", .assumes = true};
    op.attrs.Set("_max_iterations", int64_t{chain.steps});
    PlanNode node = {.source = graph_.nodes[source].source,
                     .made = std::make_shared<const MadeOp>(std::move(op)),
                     .role = OpRole::kWhile,
                     .scope = graph_.nodes[source].scope};
    node.inputs.push_back(Scalar(source, 0));
    node.outputs.push_back(AddValue(DataType::kInt32, {}));
    for (const auto& [of, initial] : loop.variables) {
      node.inputs.push_back(initial);
      node.outputs.push_back(AddVariable(of, initial));
    }
    loop.node = graph_.AddNode(node);
    const int cond = graph_.AddFrame(0, loop.node);
    const int body = graph_.AddFrame(cond, loop.node);
    graph_.nodes[loop.node].cond = cond;
    graph_.nodes[loop.node].body = body;
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const PlanValue output = graph_.values[node.outputs[i]];
      graph_.frames[cond].args.push_back(
          graph_.AddValue({.dtype = output.dtype,
                           .index = static_cast<int>(i),
                           .frame = cond,
                           .shape = output.shape}));
    }
    loop.index = graph_.frames[cond].args[0];
    const int less = Arithmetic("Less", source, cond, loop.index,
                                Scalar(source, chain.steps));
    graph_.frames[cond].results = {less};
  }

  // The first step's node that is most of its work: a product.
  int NamedAfter(const StepChain& chain) const {
    for (const NodeSeries& series : chain.series) {
      if (PlainFormOf(graph_.nodes[series[0]]) == OpForm::kMatMul)
        return series[0];
    }
    return chain.series[0][0];
  }

  // The number of the variable.
  int VariableOf(Loop* loop, const StepValue& of, int initial) {
    const std::pair<StepValue, int> variable = {of, initial};
    const auto begin = loop->variables.begin(), end = loop->variables.end();
    const auto found = std::find(begin, end, variable);
    const int number = 1 + static_cast<int>(found - begin);
    if (found == end) loop->variables.push_back(variable);
    return number;
  }

  int AddVariable(const StepValue& of, int initial) {
    const PlanValue& next = graph_.values[FirstOf(of)];
    return AddValue(next.dtype,
                    next.shape->Union(*graph_.values[initial].shape));
  }

  int AddValue(DataType dtype, const TensorShape& shape) {
    graph_.shapes.push_back(shape);
    return graph_.AddValue({.dtype = dtype, .shape = &graph_.shapes.back()});
  }

  int Scalar(int source, int64_t value) {
    return AddScalar(&graph_, source, DataType::kInt32, value);
  }
  int Arithmetic(const char* op, int source, int frame, int a, int b) {
    return AddArithmetic(&graph_, op, source, frame, a, b);
  }
  int Make(MadeOp op, int source, int frame, Ids inputs,
           const TensorShape& shape) {
    return AddMadeValue(&graph_, std::move(op), source, frame,
                        std::move(inputs), shape);
  }

  // ---- The body -------------------------------------------------------------

  void FillBody(int c) {
    const StepChain& chain = chains_[c];
    Loop& loop = loops_[c];
    const int body = graph_.nodes[loop.node].body;
    for (size_t s = 0; s < chain.series.size(); ++s) {
      PlanNode copy = graph_.nodes[chain.series[s][0]];
      copy.frame = body;
      for (int& output : copy.outputs) {
        const PlanValue& value = graph_.values[output];
        output = graph_.AddValue({.dtype = value.dtype, .shape = value.shape});
      }
      for (size_t i = 0; i < copy.inputs.size(); ++i)
        copy.inputs[i] = BodyInput(c, static_cast<int>(s), static_cast<int>(i));
      loop.copies.push_back(copy.outputs);
      graph_.AddNode(std::move(copy));
    }
    const int source = NamedAfter(chain);
    std::vector<int> results = {
        Arithmetic("AddV2", source, body, loop.index, Scalar(source, 1))};
    for (const auto& [of, initial] : loop.variables)
      results.push_back(loop.copies[of.series][of.output]);
    graph_.frames[body].results = results;
    for (const StoredValue& store : loop.stores) SetRow(c, store);
  }

  int BodyInput(int c, int series, int i) {
    const StepInput& input = chains_[c].inputs[series][i];
    Loop& loop = loops_[c];
    switch (input.kind) {
      case StepInput::kStep:
        return loop.copies[input.of.series][input.of.output];
      case StepInput::kCarried:
        return graph_.frames[graph_.nodes[loop.node].cond]
            .args[VariableOf(&loop, input.of, input.value)];
      case StepInput::kPart:
        return RowAt(c, series, i, PartsOf(input.cut, c, series), input.first,
                     input.stride);
      case StepInput::kRow: {
        const Loop& other = loops_[input.of.chain];
        const int last = chains_[input.of.chain].steps - 1;
        return RowAt(c, series, i, other.rows.at(input.of),
                     other.backwards ? last - input.first : input.first,
                     other.backwards ? -input.stride : input.stride);
      }
      case StepInput::kConstant:
        return RowAt(c, series, i,
                     tensors_.StackedConstants(chains_[c], series, i), 0, 1);
      case StepInput::kGiven:
        return RowAt(c, series, i, tensors_.Packed(chains_[c], series, i), 0,
                     1);
      default:
        return input.value;
    }
  }

  // Row first + step * stride of a tensor.
  int RowAt(int c, int series, int i, int tensor, int64_t first,
            int64_t stride) {
    const int node = chains_[c].series[series][0];
    const int like = graph_.nodes[node].inputs[i];
    const int body = graph_.nodes[loops_[c].node].body;
    return AddRow(&graph_, node, body, tensor, IndexOf(c, first, stride),
                  *graph_.values[like].shape);
  }

  int IndexOf(int c, int64_t first, int64_t stride) {
    Loop& loop = loops_[c];
    const auto [it, is_new] =
        loop.indices.insert({{first, stride}, loop.index});
    if (!is_new) return it->second;
    const int source = NamedAfter(chains_[c]);
    const int body = graph_.nodes[loop.node].body;
    int index = loop.index;
    const int64_t factor = stride < 0 ? -stride : stride;
    if (factor != 1) {
      index = Arithmetic("Mul", source, body, index, Scalar(source, factor));
    }
    if (stride < 0) {
      index = Arithmetic("Sub", source, body, Scalar(source, first), index);
    } else if (first != 0) {
      index = Arithmetic("AddV2", source, body, index, Scalar(source, first));
    }
    return loop.indices[{first, stride}] = index;
  }

  int PartsOf(const TensorCut& cut, int c, int series) {
    // What cuts and joins again along an axis does nothing.
    const int joined = graph_.values[cut.tensor].node;
    const auto join = joins_.find(joined);
    if (join != joins_.end() && !cut.keep_axis && join->second.how.new_axis &&
        join->second.how.axis == cut.axis &&
        join->second.how.num_parts == cut.num) {
      return loops_[join->second.of.chain].rows.at(join->second.of);
    }
    return tensors_.PartsOf(cut, chains_[c].series[series][0]);
  }

  // ---- What steps make ------------------------------------------------------

  void MakeStores(int c) {
    std::vector<StepValue> stored(loops_[c].stored.begin(),
                                  loops_[c].stored.end());
    std::sort(stored.begin(), stored.end(),
              [](const StepValue& a, const StepValue& b) {
                return std::tie(a.series, a.output) <
                       std::tie(b.series, b.output);
              });
    for (const StepValue& of : stored) MakeStore(c, of);
  }

  void MakeStore(int c, const StepValue& of) {
    const StepChain& chain = chains_[c];
    Loop& loop = loops_[c];
    const int source = chain.series[of.series][0];
    const PlanValue first = graph_.values[FirstOf(of)];
    TensorShape shape = *first.shape;
    if (shape.has_rank()) shape.InsertDim(0, chain.steps);
    const RowMemory memory =
        AddRowMemory(&graph_, source, 0, ElementShape(source, FirstOf(of)),
                     Scalar(source, chain.steps), first.dtype, shape);
    loop.stores.push_back({of, memory});
    const int token = graph_.nodes[loop.node].outputs[0];
    loop.rows[of] =
        AddStoredRows(&graph_, source, 0, memory, token, chain.steps);
  }

  void SetRow(int c, const StoredValue& store) {
    const StepChain& chain = chains_[c];
    const Loop& loop = loops_[c];
    const int index =
        loop.backwards ? IndexOf(c, chain.steps - 1, -1) : loop.index;
    AddSetRow(&graph_, chain.series[store.of.series][0],
              graph_.nodes[loop.node].body, store.memory, index,
              loop.copies[store.of.series][store.of.output]);
  }

  // For AddRowMemory.
  int ElementShape(int source, int value) {
    const TensorShape& shape = *graph_.values[value].shape;
    if (shape.IsFullyDefined()) {
      std::vector<int32_t> dims(shape.dims().begin(), shape.dims().end());
      return AddConst(
          &graph_, source,
          Tensor::Of<int32_t>({shape.rank()}, absl::Span<const int32_t>(dims)));
    }
    return -1;
  }

  void ReplaceByRow(int value, const StepOfChain& place) {
    const Loop& loop = loops_[place.of.chain];
    if (IsFinal(place)) {
      for (size_t v = 0; v < loop.variables.size(); ++v) {
        if (loop.variables[v].first == place.of)
          Replace(value, graph_.nodes[loop.node].outputs[v + 1]);
      }
      return;
    }
    const int steps = chains_[place.of.chain].steps;
    const int node = graph_.values[value].node;
    const int row = loop.backwards ? steps - 1 - place.step : place.step;
    Replace(value, AddRow(&graph_, node, 0, loop.rows.at(place.of),
                          Scalar(node, row), *graph_.values[value].shape));
  }

  void ReplaceJoin(int node, const Join& join) {
    const int value = graph_.nodes[node].outputs[0];
    MadeOp op{.op = "_Joined"};
    op.attrs.Set("axis", join.how.axis);
    op.attrs.Set("new_axis", join.how.new_axis);
    op.output_types = {graph_.values[value].dtype};
    Replace(value, Make(std::move(op), node, 0,
                        {loops_[join.of.chain].rows.at(join.of)},
                        *graph_.values[value].shape));
  }

  void Replace(int value, int by) { replacement_[value] = by; }

  // Nodes of a chain go with it: what they need of each other stays.
  void ReplaceUses() {
    const int known = static_cast<int>(replacement_.size());
    const auto end = [&](int value) {
      return value < known ? replacement_[value] : value;
    };
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      const int chain = n < place_.size() ? place_[n].of.chain : -1;
      for (int& input : graph_.nodes[n].inputs) {
        if (chain < 0 || PlaceOf(input).of.chain != chain) input = end(input);
      }
    }
    for (PlanFrame& frame : graph_.frames) {
      for (int& result : frame.results) result = end(result);
    }
  }

  PlanGraph& graph_;
  const int num_nodes_;  // Before anything was made.
  const std::vector<StepChain> chains_;
  std::vector<Loop> loops_;         // By chain.
  std::vector<StepOfChain> place_;  // By node; output 0.
  std::vector<int> replacement_;    // By value.
  // Values of single steps that something outside of the chain uses.
  absl::flat_hash_map<int, StepOfChain> needed_;
  absl::flat_hash_map<int, Join> joins_;  // By node.
  StepTensors tensors_;
};

// "2 chains of 100 steps, 1 of 7 steps".
std::string CountChains(const std::vector<StepChain>& chains) {
  std::vector<std::pair<int, int>> counts;  // Steps, and how many.
  for (const StepChain& chain : chains) {
    if (counts.empty() || counts.back().first != chain.steps)
      counts.push_back({chain.steps, 0});
    ++counts.back().second;
  }
  if (counts.empty()) return "0 chains";
  return absl::StrJoin(
      counts, ", ", [](std::string* out, const std::pair<int, int>& count) {
        absl::StrAppend(out, count.second,
                        count.second == 1 ? " chain of " : " chains of ",
                        count.first, " steps");
      });
}

}  // namespace

void RollUp(PlanGraph* graph, PassReport* report) {
  constexpr size_t kMaxReasons = 10;
  std::vector<std::string> reasons;
  std::vector<StepChain> chains = FindStepChains(*graph, &reasons);
  report->push_back(absl::StrCat("rolled up: ", CountChains(chains)));
  if (reasons.size() > kMaxReasons) reasons.resize(kMaxReasons);
  for (const std::string& reason : reasons)
    report->push_back(absl::StrCat("  not rolled up: ", reason));
  if (!chains.empty()) Roller(graph, std::move(chains)).Run();
}

}  // namespace weft
