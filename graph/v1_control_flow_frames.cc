#include "graph/v1_control_flow_frames.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/node_list.h"

namespace weft {
namespace {

// How many data inputs an op takes, and how many outputs it has.
struct Arity {
  int inputs;
  int outputs;
};

Arity ArityOf(V1Op op) {
  switch (op) {
    case V1Op::kSwitch:
      return {2, 2};
    case V1Op::kMerge:
      return {2, 2};
    case V1Op::kControlTrigger:
      return {0, 0};
    default:
      return {1, 1};
  }
}

class FrameFinder {
 public:
  explicit FrameFinder(const V1Graph& graph) : graph_(graph) {
    result_.frames.emplace_back();
    result_.in.resize(graph.nodes.size(), -1);
    result_.out.resize(graph.nodes.size(), -1);
  }

  absl::StatusOr<V1Frames> Run() {
    WEFT_ASSIGN_OR_RETURN(const std::vector<int> order, InOrder(graph_));
    for (int n : order) {
      const absl::Status status = Visit(n);
      if (!status.ok())
        return Annotate(status, DescribeNode(*graph_.nodes[n].def));
    }
    for (int n : order) {
      const absl::Status status = CheckInputs(n);
      if (!status.ok())
        return Annotate(status, DescribeNode(*graph_.nodes[n].def));
    }
    return std::move(result_);
  }

 private:
  bool IsNextIteration(int node) const {
    return node != V1Value::kArg &&
           graph_.nodes[node].op() == V1Op::kNextIteration;
  }

  // Finds the frames of a node, from those of its inputs.
  absl::Status Visit(int n) {
    const V1Node& node = graph_.nodes[n];
    int first = -1;
    for (const V1Value& input : node.inputs) {
      if (IsNextIteration(input.node))
        continue;  // Leads to the next iteration.
      WEFT_RETURN_IF_ERROR(Join(n, input.node, &first));
    }
    for (int control : node.controls) {
      if (IsNextIteration(control)) {
        return InvalidArgument("waits for ", graph_.nodes[control].name(),
                               ", a NextIteration in ",
                               result_.Describe(result_.out[control]),
                               ", which only a Merge may use");
      }
      WEFT_RETURN_IF_ERROR(Join(n, control, &first));
    }
    if (result_.in[n] < 0) result_.in[n] = 0;
    result_.out[n] = result_.in[n];
    const V1Op op = node.op();
    if (op == V1Op::kEnter) return Enter(n);
    const bool loops = op == V1Op::kExit || op == V1Op::kNextIteration ||
                       op == V1Op::kLoopCond;
    if (loops && result_.in[n] == 0) {
      return InvalidArgument(
          "is in no loop: no Enter leads into a frame that it is in");
    }
    if (op == V1Op::kExit)
      result_.out[n] = result_.frames[result_.in[n]].parent;
    return absl::OkStatus();
  }

  // The input `from` of `n` lies in the frame that the one before does.
  absl::Status Join(int n, int from, int* first) {
    const int frame = result_.out[from];
    if (result_.in[n] < 0) {
      result_.in[n] = frame;
      *first = from;
      return absl::OkStatus();
    }
    if (frame == result_.in[n]) return absl::OkStatus();
    return InvalidArgument(
        "its inputs come from different frames: '", graph_.nodes[*first].name(),
        "' is in ", result_.Describe(result_.in[n]), ", '",
        graph_.nodes[from].name(), "' is in ", result_.Describe(frame));
  }

  absl::Status Enter(int n) {
    const auto& attrs = graph_.nodes[n].def->attr();
    const auto name = attrs.find("frame_name");
    if (name == attrs.end() || name->second.s().empty()) {
      return InvalidArgument("attr 'frame_name' is missing or empty");
    }
    const int parent = result_.in[n];
    const auto [it, is_new] =
        by_name_.emplace(std::make_pair(parent, name->second.s()),
                         static_cast<int>(result_.frames.size()));
    if (is_new) {
      const int depth = result_.frames[parent].depth + 1;
      if (depth > kMaxV1Depth) {
        return InvalidArgument("frame '", Printable(name->second.s()),
                               "' is nested more than ", kMaxV1Depth, " deep");
      }
      result_.frames.push_back({name->second.s(), parent, depth});
    }
    result_.out[n] = it->second;
    return absl::OkStatus();
  }

  // What can be said once all frames are known.
  absl::Status CheckInputs(int n) const {
    const V1Node& node = graph_.nodes[n];
    const V1Op op = node.op();
    for (const V1Value& input : node.inputs) {
      WEFT_RETURN_IF_ERROR(CheckOutput(input));
      if (!IsNextIteration(input.node)) continue;
      if (op != V1Op::kMerge) {
        return InvalidArgument("uses '", graph_.nodes[input.node].name(),
                               "', a NextIteration in ",
                               result_.Describe(result_.out[input.node]),
                               ", which only a Merge may use");
      }
      if (result_.out[input.node] == result_.in[n]) continue;
      return InvalidArgument("is in ", result_.Describe(result_.in[n]),
                             ", but its input '",
                             graph_.nodes[input.node].name(), "' is in ",
                             result_.Describe(result_.out[input.node]));
    }
    if (op == V1Op::kNone) return absl::OkStatus();
    WEFT_RETURN_IF_ERROR(CheckArity(n));
    const bool has_type = op != V1Op::kLoopCond && op != V1Op::kControlTrigger;
    if (has_type && TypeAttr(*node.def, "T") == 0)
      return InvalidArgument("attr 'T' is missing");
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      const int given = TypeOf(graph_, node.inputs[k]);
      const int wanted = InputType(*node.def, static_cast<int>(k));
      if (given == 0 || wanted == 0 || given == wanted) continue;
      return InvalidArgument(
          "input ", k, " '", graph_.nodes[node.inputs[k].node].name(), "' is ",
          TypeName(given), " but must be ", TypeName(wanted));
    }
    return absl::OkStatus();
  }

  // The nodes disappear, and with them whoever else would look at this.
  absl::Status CheckOutput(V1Value input) const {
    const proto::NodeDef& from = *graph_.nodes[input.node].def;
    const V1Op op = V1OpOf(from.op());
    if (op == V1Op::kNone || input.index < ArityOf(op).outputs)
      return absl::OkStatus();
    return InvalidArgument("uses output ", input.index, " of ",
                           DescribeNode(from), ", which has ",
                           ArityOf(op).outputs);
  }

  absl::Status CheckArity(int n) const {
    const V1Node& node = graph_.nodes[n];
    const int wanted = ArityOf(node.op()).inputs;
    const int given = static_cast<int>(node.inputs.size());
    if (given == wanted) return absl::OkStatus();
    // A loop variable of which something was left out. Harmless if nothing
    // needs it, which is seen when the loop is made.
    const bool is_rest =
        node.op() == V1Op::kMerge && given == 1 && result_.in[n] != 0;
    if (is_rest) return absl::OkStatus();
    return InvalidArgument("has ", given, given == 1 ? " input" : " inputs",
                           " but must have ", wanted, " (in ",
                           result_.Describe(result_.in[n]), ")");
  }

  const V1Graph& graph_;
  V1Frames result_;
  absl::flat_hash_map<std::pair<int, std::string>, int> by_name_;
};

}  // namespace

std::string V1Frames::Describe(int frame) const {
  if (frame == 0) return "no frame";
  const std::string name =
      absl::StrCat("frame '", Printable(frames[frame].name), "'");
  const V1Frame& parent = frames[frames[frame].parent];
  return parent.depth == 0
             ? name
             : absl::StrCat(name, " in '", Printable(parent.name), "'");
}

absl::StatusOr<V1Frames> FindFrames(const V1Graph& graph) {
  return FrameFinder(graph).Run();
}

}  // namespace weft
