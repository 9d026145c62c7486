// The gradient of a loop: a loop that goes back through the steps.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "ops/control_flow.h"
#include "ops/control_flow_copy.h"
#include "ops/emit.h"
#include "ops/gradients_backprop.h"
#include "ops/gradients_rows.h"
#include "ops/gradients_save.h"
#include "ops/gradients_step.h"
#include "ops/list.h"
#include "ops/list_concat.h"
#include "ops/math.h"
#include "ops/source.h"

namespace weft {
namespace {

class LoopGradient {
 public:
  LoopGradient(Node* loop, const Outputs& dys, const Flags& wanted,
               GradientContext& context, bool in_loop)
      : loop_(loop),
        graph_(loop->graph()),
        dys_(dys),
        wanted_(wanted),
        context_(context),
        in_loop_(in_loop),
        step_sizes_(StepSizes(loop->body(1))) {
    if (!in_loop) truncate_ = context.truncate;
  }

  Outputs Build() {
    Outputs dxs(loop_->num_inputs());
    FindVariables();
    if (vars_.empty() || !DifferentiateStep()) return dxs;
    FindRows();
    const StepGradient step(*joint_, num_forward_, *loop_, StepResults());
    const Outputs lists = SaveEachStep(loop_, OfLoop(step.saved()), context_);
    if (!graph_.status().ok()) return dxs;
    const Output steps = Steps(lists);
    if (!graph_.status().ok()) return dxs;
    FindLists(step, lists);
    const Outputs last = GoBack(step, steps, lists);
    for (size_t k = 0, next = 0; k < vars_.size(); ++k) {
      dxs[vars_[k]] = terms_[k].empty()
                          ? Truncated(vars_[k], steps, last[next++])
                          : SumOfTerms(k);
    }
    return dxs;
  }

 private:
  struct Rows {
    Output value;  // In the copy of the body.
    Output list;   // Of all steps.
  };

  // Which variables have a gradient: those that depend on what is wanted, and
  // on which what flows in depends.
  void FindVariables() {
    Flags to;
    for (const Output& dy : dys_) to.push_back(dy.valid());
    const Flags from = LoopFlowForward(*loop_, wanted_);
    to = LoopFlowBackward(*loop_, to);
    for (int i = 0; i < loop_->num_inputs(); ++i) {
      if (from[i] && to[i]) vars_.push_back(i);
    }
  }

  bool IsInvariant(int var) const {
    const Graph& body = loop_->body(1);
    return body.results()[var] == body.args()[var];
  }

  // Adds the backward nodes to a copy of the body.
  bool DifferentiateStep() {
    std::vector<TensorShape> shapes;
    for (const Output& arg : loop_->body(1).args())
      shapes.push_back(arg.shape());
    context_.copies.push_back(CopyBody(loop_->body(1), graph_, loop_->inputs(),
                                       shapes, &context_.origins));
    joint_ = context_.copies.back().get();
    if (!graph_.status().ok()) return false;
    for (int i = 0; i < loop_->num_inputs(); ++i) {
      context_.outside[joint_->args()[i]] = loop_->input(i);
    }
    num_forward_ = joint_->num_nodes();
    Backprop backprop(*joint_, context_, /*in_loop=*/true);
    Outputs args;
    for (int var : vars_) {
      args.push_back(joint_->args()[var]);
      const DataType type = GradientType(loop_->input(var), context_);
      if (type == DataType::kInvalid) return FailUnknownVariable(var);
      cotangents_.push_back(joint_->AddArg(type, args.back().shape(), "grad"));
      Seed(backprop, var, cotangents_.back());
    }
    step_results_ = backprop.Run(args);
    for (size_t k = 0; k < vars_.size() && graph_.status().ok(); ++k) {
      if (IsWrittenInOrder(vars_[k])) {
        step_results_[k] = cotangents_[k];
      } else if (!step_results_[k].valid()) {
        step_results_[k] = ZeroGradient(args[k], context_);
      }
    }
    return graph_.status().ok();
  }

  void Seed(Backprop& backprop, int var, Output cotangent) {
    const Output result = joint_->results()[var];
    backprop.Seed(result, cotangent);
    if (cotangent.dtype() != DataType::kVariant || !IsInvariant(var) ||
        dys_[var].valid()) {
      return;
    }
    // The gradient of a list that every step reads begins as zeros, and
    // counters are another number in every step.
    for (size_t i = 0; i < step_sizes_.size(); ++i) {
      if (step_sizes_[i].value_or(0) != 0)
        backprop.MarkFresh(result, joint_->args()[i]);
    }
  }

  // Is the variable a list of which every step does nothing but set another
  // element? Then no step needs to know of the elements that others have set,
  // and the list of their gradients stays as it is.
  bool IsWrittenInOrder(int var) const {
    if (wanted_[var]) return false;  // There, what was set has no gradient.
    const Graph& body = loop_->body(1);
    const Output& list = body.args()[var];
    const Output& result = body.results()[var];
    const Node& node = *result.node();
    if (node.op() != "TensorListSetItem" || !(node.input(0) == list))
      return false;
    bool by_counter = false;
    for (size_t i = 0; i < step_sizes_.size(); ++i) {
      by_counter = by_counter || (node.input(1) == body.args()[i] &&
                                  step_sizes_[i].value_or(0) != 0);
    }
    return by_counter && CountUses(body, list) == 1 &&
           CountUses(body, result) == 1;
  }

  static int CountUses(const Graph& body, const Output& value) {
    int count = 0;
    for (const std::unique_ptr<Node>& node : body.nodes()) {
      count += std::count(node->inputs().begin(), node->inputs().end(), value);
    }
    return count +
           std::count(body.results().begin(), body.results().end(), value);
  }

  bool FailUnknownVariable(int var) {
    graph_.Fail(Unimplemented(
        loop_->Describe(), ": the type of the variable behind ",
        loop_->input(var).name(), " is not known, so it has no gradient"));
    return false;
  }

  // Finds the variables whose gradients are summed up behind the loop, and the
  // rows that this takes.
  void FindRows() {
    terms_.resize(vars_.size());
    for (size_t k = 0; k < vars_.size() && !truncate_.has_value(); ++k) {
      if (!IsInvariant(vars_[k])) continue;
      terms_[k] = FindRowTerms(step_results_[k], cotangents_[k]);
      for (const Node* term : terms_[k]) {
        for (const Output& rows : term->inputs()) {
          if (FindRows(rows) == nullptr) rows_.push_back({.value = rows});
        }
      }
    }
  }

  Rows* FindRows(const Output& value) {
    const auto it =
        std::find_if(rows_.begin(), rows_.end(),
                     [&](const Rows& rows) { return rows.value == value; });
    return it == rows_.end() ? nullptr : &*it;
  }

  // What a step back gives: the gradients that it hands on, and then the rows
  // that are collected.
  Outputs StepResults() const {
    Outputs results;
    for (size_t k = 0; k < vars_.size(); ++k) {
      if (terms_[k].empty()) results.push_back(step_results_[k]);
    }
    for (const Rows& rows : rows_) results.push_back(rows.value);
    return results;
  }

  // Rows that the forward loop has saved are in a list already.
  void FindLists(const StepGradient& step, const Outputs& lists) {
    for (Rows& rows : rows_) {
      const std::optional<int> saved = step.SavedList(rows.value);
      if (saved.has_value()) rows.list = lists[*saved];
    }
  }

  // What is saved, in terms of the loop's own body. Loops within may have been
  // extended in the copy, to give what is saved; then so are the originals.
  std::vector<SavedValue> OfLoop(std::vector<SavedValue> saved) {
    for (SavedValue& s : saved) {
      Node* copy = s.value.node();
      if (copy->num_bodies() > 0) RepeatOnOrigin(copy, context_);
      s.value = Output(context_.origins.at(copy), s.value.index());
    }
    return saved;
  }

  // How many steps the loop made. In a loop that number would be saved; but
  // each of `lists` tells it, too.
  Output Steps(const Outputs& lists) {
    return in_loop_ && !lists.empty() ? TensorListLength(lists[0])
                                      : CountSteps(loop_, context_);
  }

  int32_t Limit() const {
    return static_cast<int32_t>(std::clamp<int64_t>(*truncate_, 0, INT32_MAX));
  }

  // Is there a step left to go back through, behind that of number `count` - 1?
  Output IsBefore(Output count, Output first_step) const {
    return Greater(count,
                   truncate_.has_value() ? first_step : ScalarLike(count, 0));
  }

  // Returns the gradients that the steps hand on, at the beginning.
  Outputs GoBack(const StepGradient& step, Output steps, const Outputs& lists) {
    Output first_step;
    if (truncate_.has_value()) {
      first_step =
          Maximum(steps - static_cast<double>(Limit()), ScalarLike(steps, 0));
    }
    WhileOptions options = {.name = "while"};
    Outputs initial;
    auto add = [&](Output value, const TensorShape& shape) {
      initial.push_back(value);
      options.shape_invariants.push_back(shape);
    };
    add(steps, {});
    Outputs carried;  // The cotangents that they stand for.
    for (size_t k = 0; k < vars_.size(); ++k) {
      if (!terms_[k].empty()) continue;
      const int var = vars_[k];
      add(dys_[var].valid() ? dys_[var]
                            : ZeroGradient(loop_->output(var), context_),
          loop_->body(1).args()[var].shape());
      carried.push_back(cotangents_[k]);
    }
    const size_t num_handed_on = initial.size();
    for (const Rows& rows : rows_) {
      if (rows.list.valid()) continue;
      add(TensorListReserve(rows.value.shape(), steps, rows.value.dtype()), {});
    }
    auto body = [&](const Outputs& v) {
      const Output index = v[0] - 1.0;
      std::vector<std::pair<Output, Output>> given;
      for (size_t k = 0; k < carried.size(); ++k)
        given.emplace_back(carried[k], v[k + 1]);
      const Outputs values = step.Emit(v[0].graph(), index, lists, given);
      Outputs results = {index};
      results.insert(results.end(), values.begin(),
                     values.begin() + carried.size());
      for (size_t r = 0; r < rows_.size(); ++r) {
        if (rows_[r].list.valid()) continue;
        results.push_back(TensorListSetItem(v[results.size()], index,
                                            values[carried.size() + r]));
      }
      return results;
    };
    const Outputs last = While(
        initial, [&](const Outputs& v) { return IsBefore(v[0], first_step); },
        body, options);
    if (!graph_.status().ok()) return Outputs(num_handed_on - 1);
    size_t next = num_handed_on;
    for (Rows& rows : rows_) {
      if (!rows.list.valid()) rows.list = last[next++];
    }
    return Outputs(last.begin() + 1, last.begin() + num_handed_on);
  }

  // The gradient of vars_[k] from the rows of all steps.
  Output SumOfTerms(size_t k) {
    Outputs sum;
    if (dys_[vars_[k]].valid()) sum.push_back(dys_[vars_[k]]);
    for (const Node* term : terms_[k]) {
      std::vector<Operand> inputs;
      for (const Output& rows : term->inputs())
        inputs.emplace_back(AllRows(*FindRows(rows)), loop_->location());
      sum.push_back(graph_.Add(term->op(), inputs, term->attrs()));
    }
    return sum.size() == 1 ? sum[0] : AddN(sum);
  }

  // [rows of all steps, columns].
  static Output AllRows(const Rows& rows) {
    return TensorListConcat(rows.list, rows.value.dtype(), rows.value.shape())
        .tensor;
  }

  // Nothing flows into the state before the steps that are gone back through.
  Output Truncated(int var, Output steps, Output dx) {
    if (!truncate_.has_value() || IsInvariant(var) || !graph_.status().ok())
      return dx;
    const Output whole = LessEqual(steps, ScalarLike(steps, Limit()));
    if (dx.dtype() != DataType::kVariant)
      return Select(whole, dx, ZerosLike(dx));
    const Output none = ZeroGradient(loop_->input(var), context_);
    return Cond(
        whole, [&] { return Outputs{dx}; }, [&] { return Outputs{none}; })[0];
  }

  Node* loop_;
  Graph& graph_;
  const Outputs& dys_;
  const Flags& wanted_;
  GradientContext& context_;
  const bool in_loop_;
  const std::vector<std::optional<int64_t>> step_sizes_;  // By variable.
  std::optional<int64_t> truncate_;
  std::vector<int> vars_;
  Graph* joint_ = nullptr;  // The copy of the body, with backward nodes.
  int num_forward_ = 0;
  Outputs cotangents_;    // Arguments of joint_, one per variable.
  Outputs step_results_;  // What they become in one step back.
  // By variable: what its gradient is the sum of, behind the loop. None: it is
  // handed on from step to step.
  std::vector<std::vector<const Node*>> terms_;
  std::vector<Rows> rows_;  // What the terms take.
};

}  // namespace

Outputs DifferentiateLoop(Node* loop, const Outputs& dys, const Flags& wanted,
                          GradientContext& context, bool in_loop) {
  return LoopGradient(loop, dys, wanted, context, in_loop).Build();
}

}  // namespace weft
