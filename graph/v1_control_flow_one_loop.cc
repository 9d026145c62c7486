#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/node_list.h"
#include "graph/v1_control_flow_copy.h"
#include "graph/v1_control_flow_loop_form.h"

namespace weft {
namespace {

// Values from outside that a loop uses: variables that do not change.
struct Invariants {
  std::vector<int> enters;                  // One for each.
  absl::flat_hash_map<V1Value, int> index;  // By what is entered.
};

// Copies the condition or the body.
class LoopCopier : public V1Copier {
 public:
  // `taken` are the stateful nodes that the condition, or the body, has.
  LoopCopier(V1LoopState& state, const V1Loop& loop, Invariants& invariants,
             absl::flat_hash_set<int>& taken, V1Graph& to)
      : V1Copier(state.module, state.graph, to),
        state_(state),
        loop_(loop),
        invariants_(invariants),
        taken_(taken) {}

 protected:
  absl::StatusOr<Source> Resolve(V1Value value) override {
    for (;;) {
      value = state_.Current(value);
      const V1Node& node = from_.nodes[value.node];
      switch (node.op()) {
        case V1Op::kEnter:
          return Source{Invariant(value.node), /*is_arg=*/true};
        case V1Op::kMerge:
          return ResolveMerge(value);
        case V1Op::kSwitch: {
          const auto variable = loop_.by_switch.find(value.node);
          if (variable == loop_.by_switch.end())
            return Source{value};  // Of a conditional.
          return Source{{V1Value::kArg, variable->second}, /*is_arg=*/true};
        }
        case V1Op::kLoopCond:
          value = node.inputs[0];
          continue;
        default:
          return Source{value};
      }
    }
  }

  absl::StatusOr<int> ResolveControl(int node) override {
    for (int steps = 0;; ++steps) {
      node = state_.Current({node, 0}).node;
      const V1Node& n = from_.nodes[node];
      // The arguments are there before the function runs.
      if (n.op() == V1Op::kEnter || loop_.IsVariable(node)) return -1;
      if (n.op() != V1Op::kLoopCond && (!IsIdentity(n) || steps > kMaxV1Steps))
        return node;
      const int before = state_.Current(n.inputs[0]).node;
      // The Identity stands for one branch of a conditional.
      const bool is_branch = from_.nodes[before].op() == V1Op::kSwitch &&
                             !loop_.IsVariable(before);
      if (is_branch) return node;
      node = before;
    }
  }

  absl::Status Check(int node) override {
    const proto::NodeDef& def = *from_.nodes[node].def;
    if (!IsStateful(def) || taken_.insert(node).second) return absl::OkStatus();
    return Unimplemented(DescribeNode(def),
                         ": has effects, and is needed by the condition and by "
                         "the body of a loop (in ",
                         state_.frames.Describe(loop_.frame), ")");
  }

 private:
  V1Value Invariant(int enter) {
    const auto [it, is_new] =
        invariants_.index.emplace(from_.nodes[enter].inputs[0],
                                  static_cast<int>(invariants_.enters.size()));
    if (is_new) invariants_.enters.push_back(enter);
    return {V1Value::kArg,
            static_cast<int>(loop_.variables.size()) + it->second};
  }

  absl::StatusOr<Source> ResolveMerge(V1Value value) {
    const proto::NodeDef& def = *from_.nodes[value.node].def;
    if (loop_.incomplete.contains(value.node)) {
      return InvalidArgument(DescribeNode(def),
                             ": has 1 input but must have 2: no NextIteration "
                             "leads to it (in ",
                             state_.frames.Describe(loop_.frame), ")");
    }
    const auto variable = loop_.by_merge.find(value.node);
    if (variable == loop_.by_merge.end())
      return Source{value};  // Of a conditional.
    if (value.index == 0)
      return Source{{V1Value::kArg, variable->second}, /*is_arg=*/true};
    return Unimplemented(
        DescribeNode(def),
        ": output 'value_index' of a loop variable is used (in ",
        state_.frames.Describe(loop_.frame), ")");
  }

  V1LoopState& state_;
  const V1Loop& loop_;
  Invariants& invariants_;
  absl::flat_hash_set<int>& taken_;
};

// Puts a While in place of a loop.
class LoopMaker {
 public:
  LoopMaker(V1LoopState& state, const V1Loop& loop)
      : state_(state), graph_(state.graph), loop_(loop) {}

  absl::StatusOr<std::vector<int>> Run() {
    const std::string& merge = graph_.nodes[loop_.variables[0].merge].name();
    name_ = state_.module.UniqueName(ScopeOf(merge, "while"));
    where_ = absl::StrCat("loop '", name_, "'");
    WEFT_ASSIGN_OR_RETURN(V1Graph * cond, MakeCond());
    WEFT_ASSIGN_OR_RETURN(V1Graph * body, MakeBody());
    AddArgs(*cond, *body);
    WEFT_RETURN_IF_ERROR(AddWhile(*cond, *body));
    std::vector<int> left;
    WEFT_RETURN_IF_ERROR(MoveOut(&left));
    Forward();
    left.push_back(while_node_);
    return left;
  }

 private:
  absl::StatusOr<V1Graph*> MakeCond();
  absl::StatusOr<V1Graph*> MakeBody();
  void AddArgs(V1Graph& cond, V1Graph& body);
  absl::Status AddWhile(const V1Graph& cond, const V1Graph& body);
  absl::Status MoveOut(std::vector<int>* left);
  absl::Status FindShared(int node, std::vector<int>* open) const;
  void Forward();

  V1LoopState& state_;
  V1Graph& graph_;
  const V1Loop& loop_;
  Invariants invariants_;
  absl::flat_hash_set<int> taken_;
  std::string name_;
  std::string where_;
  bool stateful_ = false;
  int while_node_ = -1;
};

absl::StatusOr<V1Graph*> LoopMaker::MakeCond() {
  V1Graph* cond = state_.module.AddGraph(absl::StrCat(name_, "_cond"), where_);
  const V1Node& loop_cond = graph_.nodes[loop_.loop_cond];
  LoopCopier copier(state_, loop_, invariants_, taken_, *cond);
  WEFT_ASSIGN_OR_RETURN(
      const V1Value result,
      copier.MapAfter(loop_cond.inputs[0], loop_cond.controls, *loop_cond.def));
  WEFT_RETURN_IF_ERROR(copier.Run());
  cond->results = {result};
  cond->result_types = {proto::DT_BOOL};
  stateful_ = stateful_ || copier.stateful();
  return cond;
}

absl::StatusOr<V1Graph*> LoopMaker::MakeBody() {
  V1Graph* body = state_.module.AddGraph(absl::StrCat(name_, "_body"), where_);
  LoopCopier copier(state_, loop_, invariants_, taken_, *body);
  for (const V1Loop::Variable& variable : loop_.variables) {
    const V1Node& next = graph_.nodes[variable.next];
    WEFT_ASSIGN_OR_RETURN(
        const V1Value result,
        copier.MapAfter(next.inputs[0], next.controls, *next.def));
    body->results.push_back(result);
  }
  WEFT_RETURN_IF_ERROR(copier.Run());
  stateful_ = stateful_ || copier.stateful();
  return body;
}

// Once it is known which values from outside both functions use.
void LoopMaker::AddArgs(V1Graph& cond, V1Graph& body) {
  for (const V1Loop::Variable& variable : loop_.variables) {
    body.arg_types.push_back(TypeAttr(*graph_.nodes[variable.merge].def, "T"));
  }
  for (int enter : invariants_.enters) {
    body.results.push_back(
        {V1Value::kArg, static_cast<int>(body.arg_types.size())});
    body.arg_types.push_back(TypeAttr(*graph_.nodes[enter].def, "T"));
  }
  cond.arg_types = body.arg_types;
  body.result_types = body.arg_types;
}

absl::Status LoopMaker::AddWhile(const V1Graph& cond, const V1Graph& body) {
  proto::NodeDef* def =
      state_.module.NewDef(name_, stateful_ ? "While" : "StatelessWhile");
  auto& attrs = *def->mutable_attr();
  proto::AttrValue::ListValue* types = attrs["T"].mutable_list();
  for (int type : body.arg_types)
    types->add_type(static_cast<proto::DataType>(type));
  attrs["cond"].mutable_func()->set_name(cond.name);
  attrs["body"].mutable_func()->set_name(body.name);
  std::vector<int> enters;
  for (const V1Loop::Variable& variable : loop_.variables)
    enters.push_back(variable.enter);
  const auto& first = graph_.nodes[enters[0]].def->attr();
  const auto parallel = first.find("parallel_iterations");
  if (parallel != first.end()) attrs["parallel_iterations"] = parallel->second;

  V1Node node{.def = def};
  enters.insert(enters.end(), invariants_.enters.begin(),
                invariants_.enters.end());
  for (int enter : enters) {
    const V1Node& from = graph_.nodes[enter];
    node.inputs.push_back(from.inputs[0]);
    node.controls.insert(node.controls.end(), from.controls.begin(),
                         from.controls.end());
  }
  WEFT_RETURN_IF_ERROR(state_.module.TakeNodes(1));
  while_node_ = static_cast<int>(graph_.nodes.size());
  graph_.nodes.push_back(std::move(node));
  state_.forward.push_back({});
  state_.frames.in.push_back(loop_.parent);
  state_.frames.out.push_back(loop_.parent);
  return absl::OkStatus();
}

// Moves what is computed after the last iteration to the frame around.
absl::Status LoopMaker::MoveOut(std::vector<int>* left) {
  std::vector<int> open;
  for (int n : loop_.nodes) {
    const bool is_exit = graph_.nodes[n].op() == V1Op::kExit;
    if (loop_.part(n) == V1Part::kTail && !is_exit) open.push_back(n);
  }
  absl::flat_hash_set<int> moved(open.begin(), open.end());
  while (!open.empty()) {
    const int n = open.back();
    open.pop_back();
    left->push_back(n);
    std::vector<int> shared;
    WEFT_RETURN_IF_ERROR(FindShared(n, &shared));
    for (int other : shared) {
      if (moved.insert(other).second) open.push_back(other);
    }
  }
  for (int n : *left) state_.frames.in[n] = state_.frames.out[n] = loop_.parent;
  return absl::OkStatus();
}

// What `node`, which runs after the last iteration, shares with the iterations:
// it must be the same in each, so that it can be computed outside as well.
absl::Status LoopMaker::FindShared(int node, std::vector<int>* shared) const {
  const V1Node& n = graph_.nodes[node];
  std::vector<int> needed = n.controls;
  for (const V1Value& input : n.inputs) needed.push_back(input.node);
  for (size_t i = 0; i < needed.size(); ++i) {
    const int from = state_.Current({needed[i], 0}).node;
    const V1Node& other = graph_.nodes[from];
    const bool is_data = i >= n.controls.size();
    const bool varies =
        loop_.by_merge.contains(from) || other.op() == V1Op::kLoopCond;
    if ((is_data && varies) ||
        (loop_.part(from) == V1Part::kHead && IsStateful(*other.def))) {
      return Unimplemented(DescribeNode(*n.def), ": needs '", other.name(),
                           "' after the last iteration (in ",
                           state_.frames.Describe(loop_.frame), ")");
    }
    const bool is_inside = state_.frames.in[from] == loop_.frame;
    if (is_inside && loop_.part(from) == V1Part::kHead &&
        other.op() == V1Op::kNone) {
      shared->push_back(from);
    }
  }
  return absl::OkStatus();
}

// Says what took the place of the loop's own nodes.
void LoopMaker::Forward() {
  for (int n : loop_.nodes) {
    const V1Node& node = graph_.nodes[n];
    if (state_.frames.in[n] != loop_.frame && node.op() != V1Op::kEnter)
      continue;  // Moved.
    state_.module.Hide(node.name(), where_);
    if (node.op() == V1Op::kNone) continue;
    state_.forward[n] = {while_node_, 0};
    const auto variable = loop_.by_switch.find(n);
    if (variable != loop_.by_switch.end())
      state_.forward[n].index = variable->second;
    if (node.op() == V1Op::kEnter || node.op() == V1Op::kExit) {
      state_.forward[n] = node.inputs[0];
    }
  }
  if (loop_.parent != 0) return;
  for (int exit : loop_.exits) {
    state_.module.Alias(graph_.nodes[exit].name(), 0, graph_,
                        state_.Current({exit, 0}));
  }
}

}  // namespace

absl::StatusOr<std::vector<int>> MakeWhile(V1LoopState& state,
                                           const V1Loop& loop) {
  return LoopMaker(state, loop).Run();
}

}  // namespace weft
