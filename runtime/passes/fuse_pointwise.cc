// Connected elementwise nodes become one program.
//
// What is next to nothing to compute, from one tensor of its size, is computed
// again in each program that uses it rather than kept in memory.
//
// A _Like within a group (see AssumeShapes) computes nothing: the program has a
// check instead, for its layout.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "core/pointwise.h"
#include "runtime/passes/passes.h"
#include "runtime/passes/pointwise_groups.h"
#include "runtime/passes/program_outputs.h"

namespace weft {
namespace {

// So many groups have a line each in the report.
constexpr int kMaxLines = 20;

class Fuser {
 public:
  explicit Fuser(PlanGraph* graph)
      : graph_(*graph),
        num_nodes_(static_cast<int>(graph->nodes.size())),
        groups_(*graph) {}

  void Run(PassReport* report) {
    std::vector<std::string> lines;
    const auto [nodes, programs] = Emit(&lines);
    report->push_back(absl::StrCat("pointwise: ", nodes, " nodes became ",
                                   programs, " programs"));
    report->insert(report->end(), lines.begin(), lines.end());
  }

 private:
  std::pair<int, int> Emit(std::vector<std::string>* lines) {
    std::vector<std::vector<int>> members(num_nodes_);
    std::vector<int> roots;
    for (const PlanFrame& frame : graph_.frames) {
      for (int node : frame.nodes) {
        if (!groups_.CanFuse(node)) continue;
        const int root = groups_.Find(node);
        if (members[root].empty()) roots.push_back(root);
        members[root].push_back(node);
      }
    }
    is_program_.assign(num_nodes_, false);
    for (int root : roots) {
      is_program_[root] =
          members[root].size() >= 2 || GainsAlone(members[root][0]);
    }
    FindOuterUses();
    replacement_.resize(graph_.values.size());
    for (size_t v = 0; v < replacement_.size(); ++v)
      replacement_[v] = static_cast<int>(v);
    int nodes = 0, programs = 0;
    for (int root : roots) {
      if (!is_program_[root] || !EmitProgram(members[root])) continue;
      nodes += static_cast<int>(members[root].size());
      if (++programs > kMaxLines) continue;
      lines->push_back(absl::StrCat("  ", graph_.Describe(members[root].back()),
                                    " and ", members[root].size() - 1,
                                    " before it"));
    }
    for (size_t v = replacement_.size(); v < graph_.values.size(); ++v)
      replacement_.push_back(static_cast<int>(v));
    graph_.ReplaceUses(replacement_);
    return {nodes, programs};
  }

  // Is a program of this node alone faster than its own kernel, which follows
  // the C library?
  bool GainsAlone(int node) const {
    if (groups_.IsLike(graph_.nodes[node])) return false;
    const MicroOp op = *groups_.MicroOpOf(graph_.nodes[node]);
    return groups_.type(node) == DataType::kFloat &&
           (TakesParts(node) || IsAddedUp(node) || op == MicroOp::kExp ||
            op == MicroOp::kSigmoid || op == MicroOp::kTanh ||
            op == MicroOp::kSoftplusGrad);
  }

  // Is an input a part of something? A program reads it where it is.
  bool TakesParts(int node) const {
    const Ids& inputs = graph_.nodes[node].inputs;
    return std::any_of(inputs.begin(), inputs.end(), [&](int input) {
      const int maker = graph_.values[input].node;
      return maker >= 0 && graph_.nodes[maker].op() == "Split";
    });
  }

  // Is the only use of the result that its rows are added up? Then a program
  // can do both.
  bool IsAddedUp(int node) const {
    const std::vector<int>& users = groups_.after(node);
    return users.size() == 1 && RowSumOf(graph_, users[0]).has_value();
  }

  // Marks the values that something outside of their group uses, unless all
  // that does so computes them again.
  void FindOuterUses() {
    used_outside_.assign(graph_.values.size(), false);
    FindCheap();
    std::vector<int> added(num_nodes_, 0);  // By root: registers, at most.
    for (int n = 0; n < num_nodes_; ++n) {
      for (int input : graph_.nodes[n].inputs) {
        const int maker = graph_.values[input].node;
        if (maker < 0 || IsInside(maker, n)) continue;
        used_outside_[input] = true;
        const bool fits = groups_.CanFuse(n) && is_program_[groups_.Find(n)] &&
                          !groups_.IsLike(graph_.nodes[n]) &&
                          groups_.Joins(maker, n) &&
                          graph_.nodes[n].frame == graph_.nodes[maker].frame;
        if (!fits || !HasRoomFor(maker, groups_.Find(n), &added))
          again_[maker] = false;
      }
    }
    for (const PlanFrame& frame : graph_.frames) {
      for (int result : frame.results) {
        used_outside_[result] = true;
        const int maker = graph_.values[result].node;
        if (maker >= 0) again_[maker] = false;
      }
    }
    for (int n = 0; n < num_nodes_; ++n) {
      if (again_[n]) used_outside_[graph_.nodes[n].outputs[0]] = false;
    }
  }

  // What may be computed again; not what itself needs such.
  void FindCheap() {
    again_.assign(num_nodes_, false);
    for (const PlanFrame& frame : graph_.frames) {
      for (int node : frame.nodes) {
        if (!groups_.CanFuse(node) || !IsCheap(graph_.nodes[node])) continue;
        const std::vector<int>& before = groups_.before(node);
        again_[node] = std::none_of(before.begin(), before.end(),
                                    [this](int b) { return again_[b]; });
      }
    }
  }

  // Does the program of `root` stay small enough with `node` in it, too?
  bool HasRoomFor(int node, int root, std::vector<int>* added) const {
    (*added)[root] += 1 + static_cast<int>(graph_.nodes[node].inputs.size());
    return groups_.instructions(root) + groups_.inputs(root) + (*added)[root] <=
           PointwiseGroups::kMaxInstructions + PointwiseGroups::kMaxInputs;
  }

  bool IsInside(int maker, int user) const {
    return groups_.CanFuse(user) && groups_.CanFuse(maker) &&
           groups_.Find(user) == groups_.Find(maker) &&
           groups_.Joins(maker, user);
  }

  // Is it one simple operation, on at most one tensor that is as large as the
  // result? The others are scalars, or have one element per row, or are a row.
  bool IsCheap(const PlanNode& node) const {
    if (groups_.IsLike(node)) return false;
    switch (*groups_.MicroOpOf(node)) {
      case MicroOp::kAdd:
      case MicroOp::kSub:
      case MicroOp::kMul:
      case MicroOp::kNeg:
        break;
      default:
        return false;
    }
    const TensorShape& result = *graph_.values[node.outputs[0]].shape;
    if (result.rank() < 1 || result.dim(-1) < 2) return false;
    const auto is_small = [&](int input) {
      const TensorShape& shape = *graph_.values[input].shape;
      return shape.has_rank() &&
             (shape.rank() < result.rank() || shape.dim(-1) == 1);
    };
    return std::count_if(node.inputs.begin(), node.inputs.end(), is_small) +
               1 >=
           static_cast<int64_t>(node.inputs.size());
  }

  // The register of an argument of `node`: what the group has computed, or an
  // input.
  int RegisterOf(int node, int argument, bool by_row) {
    const int value = graph_.nodes[node].inputs[argument];
    if (!by_row) {
      const auto made = result_of_.find(value);
      if (made != result_of_.end()) return -1 - made->second;
      const int maker = graph_.values[value].node;
      if (maker >= 0 && maker < num_nodes_ && again_[maker] &&
          graph_.nodes[maker].frame == graph_.nodes[node].frame) {
        EmitNode(maker);
        return -1 - result_of_.at(value);
      }
    }
    for (size_t i = 0; i < program_inputs_.size(); ++i) {
      if (program_inputs_[i] == value && input_by_row_[i] == by_row)
        return static_cast<int>(i);
    }
    program_inputs_.push_back(value);
    input_by_row_.push_back(by_row);
    input_names_.push_back(NameOfInput(node, argument));
    return static_cast<int>(program_inputs_.size()) - 1;
  }

  // As the graph has it; what passes have put there by what it stands for.
  std::string NameOfInput(int node, int argument) const {
    const PlanNode& n = graph_.nodes[node];
    if (n.made == nullptr) return n.source->input(argument).name();
    return graph_.ValueName(n.inputs[argument]);
  }

  void AddInstruction(MicroOp op, int node, std::vector<int> arguments) {
    code_.push_back(static_cast<int64_t>(op));
    arguments.resize(3, kNoRegister);
    code_.insert(code_.end(), arguments.begin(), arguments.end());
    const AttrValue* alpha = graph_.nodes[node].attrs().Find("alpha");
    parameters_.push_back(alpha != nullptr && alpha->get_if<float>() != nullptr
                              ? *alpha->get_if<float>()
                              : 0.0f);
    names_.push_back(graph_.Describe(node));
    result_names_.push_back(
        absl::StrCat(graph_.nodes[node].source->name(), ":0"));
  }

  // False if nothing uses what they compute.
  bool EmitProgram(const std::vector<int>& members) {
    program_inputs_.clear();
    input_by_row_.clear();
    input_names_.clear();
    result_of_.clear();
    code_.clear();
    parameters_.clear();
    names_.clear();
    result_names_.clear();
    checks_.clear();
    checked_shapes_.clear();
    for (int node : members) EmitNode(node);
    // Results are numbered behind the inputs, which are all known now.
    const int num_inputs = static_cast<int>(program_inputs_.size());
    for (size_t i = 0; i < code_.size(); ++i) {
      if (i % 4 == 0) continue;
      if (code_[i] == kNoRegister) {
        code_[i] = -1;
      } else if (code_[i] < 0) {
        code_[i] = num_inputs + (-1 - code_[i]);
      }
    }
    for (size_t i = 0; i < checks_.size(); i += 2) checks_[i] += num_inputs;
    std::vector<int64_t> outputs;
    std::vector<TensorShape> shapes;
    std::vector<std::pair<int, int>> uses;  // Values, and which output each is.
    for (int node : members) {
      const int value = graph_.nodes[node].outputs[0];
      if (!used_outside_[value]) continue;
      const int64_t result = num_inputs + result_of_.at(value);
      const TensorShape& shape = *graph_.values[value].shape;
      const auto found = std::find(outputs.begin(), outputs.end(), result);
      uses.emplace_back(value, static_cast<int>(found - outputs.begin()));
      if (found == outputs.end()) {
        outputs.push_back(result);
        shapes.push_back(shape);
      } else if (shapes[uses.back().second].IsCompatibleWith(shape)) {
        shapes[uses.back().second] =
            shapes[uses.back().second].MergedWith(shape);
      }
    }
    if (outputs.empty()) return false;
    input_names_.insert(input_names_.end(), result_names_.begin(),
                        result_names_.end());
    MadeOp op{.op = "_Pointwise", .assumes = !checks_.empty()};
    op.attrs.Set("T", groups_.type(members[0]));
    op.attrs.Set("program", code_);
    op.attrs.Set("parameters", parameters_);
    op.attrs.Set("outputs", outputs);
    op.attrs.Set("checks", checks_);
    op.attrs.Set("rows", std::vector<int64_t>());
    op.attrs.Set("row_names", std::vector<std::string>());
    op.attrs.Set("sums", std::vector<int64_t>());
    op.attrs.Set("names", names_);
    op.attrs.Set("registers", input_names_);
    op.names_its_parts = op.is_pure = true;
    Ids inputs(program_inputs_.begin(), program_inputs_.end());
    inputs.insert(inputs.end(), checked_shapes_.begin(), checked_shapes_.end());
    for (int v : inputs) op.input_types.push_back(graph_.values[v].dtype);
    op.output_types.assign(outputs.size(), groups_.type(members[0]));
    for (const auto& [value, output] : uses)
      op.output_types[output] = graph_.values[value].dtype;
    const int made =
        graph_.AddMade(std::move(op), members.back(),
                       graph_.nodes[members[0]].frame, inputs, shapes);
    for (const auto& [value, output] : uses)
      replacement_[value] = graph_.nodes[made].outputs[output];
    return true;
  }

  void EmitNode(int node) {
    const PlanNode& n = graph_.nodes[node];
    if (groups_.IsLike(n)) {
      EmitCheck(n);
      return;
    }
    const MicroOp op = *groups_.MicroOpOf(n);
    std::vector<int> arguments;
    for (size_t i = 0; i < n.inputs.size(); ++i) {
      const bool by_row = op == MicroOp::kSelectRows && i == 0;
      arguments.push_back(RegisterOf(node, static_cast<int>(i), by_row));
    }
    const size_t arity = static_cast<size_t>(InfoOf(op).arity());
    std::vector<int> first(
        arguments.begin(),
        arguments.begin() + std::min(arity, arguments.size()));
    AddInstruction(op, node, first);
    for (size_t i = arity; i < arguments.size(); ++i) {
      const int sum = static_cast<int>(names_.size()) - 1;
      AddInstruction(op, node, {-1 - sum, arguments[i]});
    }
    result_of_[n.outputs[0]] = static_cast<int>(names_.size()) - 1;
  }

  // That a result has the shape that it would be given.
  void EmitCheck(const PlanNode& like) {
    const int result = result_of_.at(like.inputs[0]);
    const auto shape = std::find(checked_shapes_.begin(), checked_shapes_.end(),
                                 like.inputs[1]);
    checks_.push_back(result);
    checks_.push_back(shape - checked_shapes_.begin());
    if (shape == checked_shapes_.end())
      checked_shapes_.push_back(like.inputs[1]);
    result_of_[like.outputs[0]] = result;
  }

  static constexpr int kNoRegister = -(1 << 20);

  PlanGraph& graph_;
  const int num_nodes_;  // Before anything was made.
  const PointwiseGroups groups_;
  std::vector<bool> is_program_;    // By root.
  std::vector<bool> used_outside_;  // By value.
  std::vector<bool> again_;         // By node: is computed wherever it is used.
  std::vector<int> replacement_;    // By value.

  // The program that is being made. Results are -1 - instruction until the
  // number of inputs is known.
  std::vector<int> program_inputs_;
  std::vector<bool> input_by_row_;
  std::vector<std::string> input_names_;
  absl::flat_hash_map<int, int> result_of_;  // By value: instruction.
  std::vector<int64_t> code_;
  std::vector<float> parameters_;
  std::vector<std::string> names_;
  std::vector<std::string> result_names_;
  std::vector<int64_t> checks_;  // Results, each with the number of a shape.
  std::vector<int> checked_shapes_;  // Values.
};

}  // namespace

void FusePointwise(PlanGraph* graph, PassReport* report) {
  Fuser(graph).Run(report);
}

void InterpretPrograms(PlanGraph* graph, PassReport* report) {
  int programs = 0;
  for (PlanNode& node : graph->nodes) {
    if (node.made == nullptr || node.made->op != "_Pointwise") continue;
    auto made = std::make_shared<MadeOp>(*node.made);
    made->attrs.Set("interpreted", true);
    node.made = std::move(made);
    ++programs;
  }
  report->push_back(
      absl::StrCat("generated code: switched off for ", programs, " programs"));
}

}  // namespace weft
