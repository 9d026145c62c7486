#include "train/ctc.h"

#include <limits>

#include "core/status.h"
#include "graph/graph.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/list.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/reduction.h"
#include "ops/source.h"

namespace weft {
namespace {

// The logarithm of a probability of 0. Finite, so that it may be multiplied by
// 0; whatever a path adds to it leaves it far below any real one.
constexpr double kLogZero = -1e30;

// log(sum of e^x), element by element of `xs`.
Output LogSumExp(const Outputs& xs) {
  Output largest = xs[0];
  for (size_t i = 1; i < xs.size(); ++i) largest = Maximum(largest, xs[i]);
  largest = StopGradient(largest);
  Outputs terms;
  for (const Output& x : xs) terms.push_back(Exp(x - largest));
  return Log(AddN(terms)) + largest;
}

class Ctc {
 public:
  Ctc(Output logits, Output labels, Output label_lengths, Output logit_lengths,
      int64_t blank)
      : g_(logits.graph()),
        log_probabilities_(LogSoftmax(logits)),
        labels_(labels),
        label_lengths_(label_lengths),
        logit_lengths_(logit_lengths),
        classes_(logits.shape().dim(2)),
        blank_(blank) {}

  Output Build() {
    Check();
    MakeStates();
    Output alpha = Forward();
    // The last state is the blank behind the last label; a path may as well end
    // in that label, if there is one.
    Output last = label_lengths_ * 2;
    Output before = AtState(alpha, last - 1);
    Output any = Greater(label_lengths_, ScalarLike(label_lengths_, 0));
    before = Select(any, before, ZerosLike(before) + kLogZero);
    Output log_p = LogSumExp({AtState(alpha, last), before});
    Output possible = Greater(log_p, ScalarLike(log_p, kLogZero / 10));
    Output infinite =
        ZerosLike(log_p) + std::numeric_limits<double>::infinity();
    return Select(possible, -log_p, infinite);
  }

 private:
  Output Scalar(int64_t value) {
    return Const(g_, static_cast<int32_t>(value));
  }

  // Makes everything that follows wait for the inputs to be right.
  void Check() {
    Output time = DimOf(log_probabilities_, 1);
    Output most = DimOf(labels_, 1);
    logit_lengths_ = InRange(logit_lengths_, time,
                             "CtcLoss: logit_lengths must be in "
                             "[0, time], but are");
    label_lengths_ = InRange(label_lengths_, most,
                             "CtcLoss: label_lengths must be in "
                             "[0, max_labels], but are");
    Output places = ExpandDims(Range(Scalar(0), most, Scalar(1)), 0);
    counts_ = Less(places, ExpandDims(label_lengths_, 1));
    Output low = Less(labels_, Scalar(0));
    Output high = GreaterEqual(labels_, Scalar(classes_));
    Output is_blank = Equal(labels_, Scalar(blank_));
    Output wrong = LogicalOr(LogicalOr(low, high), is_blank);
    Output any = Any(LogicalAnd(wrong, counts_));
    Output text = Const(
        g_, Tensor::Scalar<std::string>(
                "CtcLoss: labels must be classes other than the blank, but "
                "are"));
    Node* check = Assert(LogicalNot(any), {text, labels_},
                         {.summarize = 16, .name = "check_labels"});
    ControlScope after(g_, {check});
    labels_ = Identity(labels_);
  }

  Output InRange(Output lengths, Output limit, const char* what) {
    Output low = Less(lengths, Scalar(0));
    Output high = Greater(lengths, limit);
    Output text = Const(g_, Tensor::Scalar<std::string>(what));
    Output right = LogicalNot(Any(LogicalOr(low, high)));
    Node* check = Assert(right, {text, lengths},
                         {.summarize = 16, .name = "check_lengths"});
    ControlScope after(g_, {check});
    return Identity(lengths);
  }

  // The states of a path: blank, label, blank, label, ..., blank.
  void MakeStates() {
    Output batch = ExpandDims(DimOf(labels_, 0), 0);
    Output blanks = Fill(Shape(labels_), Scalar(blank_));
    Output labels = SelectV2(counts_, labels_, blanks);
    Output row = Concat({batch, Const(g_, {int32_t{-1}})}, 0);
    Output pairs = Reshape(Pack({labels, blanks}, 2), row);
    Output one = Concat({batch, Const(g_, {int32_t{1}})}, 0);
    Output first = Fill(one, Scalar(blank_));
    states_ = Concat({first, pairs}, 1);
    num_states_ = DimOf(states_, 1);
    // A path may leave out a blank between two labels that differ.
    Output two_before = ShiftedBy(2, states_, blank_);
    Output differs = NotEqual(states_, two_before);
    skips_ = LogicalAnd(NotEqual(states_, Scalar(blank_)), differs);
  }

  // `x` [batch, states], `by` states later; the first ones are `filling`.
  Output ShiftedBy(int by, Output x, double filling) {
    Output batch = DimOf(x, 0);
    Output front = Fill(Pack({batch, Scalar(by)}), ScalarLike(x, filling));
    return SliceAxis(Concat({front, x}, 1), 1, Scalar(0), num_states_);
  }

  // alpha [batch, states]: the logarithm of the probability of all beginnings
  // of paths that are in that state at the row's last step.
  Output Forward() {
    Output hot = OneHot(states_, classes_, log_probabilities_.dtype());
    Output emitted = BatchMatMul(log_probabilities_, hot, {.adj_y = true});
    Output list = TensorListFromTensor(Transpose(emitted, {1, 0, 2}));
    Output skip_cost =
        SelectV2(skips_, ScalarLike(emitted, 0), ScalarLike(emitted, kLogZero));
    // As if before the first step every path were in the first blank.
    Output start = OneHot(Scalar(0), num_states_, ScalarLike(emitted, 0),
                          ScalarLike(emitted, kLogZero));
    Output alpha = Fill(Shape(states_), ScalarLike(emitted, 0)) + start;
    Output limit = Minimum(DimOf(emitted, 1), Max(logit_lengths_));
    const TensorShape shape = {log_probabilities_.shape().dim(0), -1};
    const Outputs end = While(
        {Scalar(0), alpha}, [&](const Outputs& v) { return Less(v[0], limit); },
        [&](const Outputs& v) -> Outputs {
          Output now = TensorListGetItem(list, v[0], emitted.dtype(), shape);
          Output stay = v[1];
          Output next = ShiftedBy(1, stay, kLogZero);
          Output skip = ShiftedBy(2, stay, kLogZero) + skip_cost;
          Output reached = LogSumExp({stay, next, skip}) + now;
          Output valid = Less(v[0], logit_lengths_);
          return {v[0] + 1, Select(valid, reached, stay)};
        },
        {.shape_invariants = {TensorShape{}, TensorShape{-1, -1}}});
    return end[1];
  }

  // alpha[b, state[b]]: [batch].
  Output AtState(Output alpha, Output state) {
    Output hot =
        OneHot(state, num_states_, ScalarLike(alpha, 1), ScalarLike(alpha, 0));
    return Sum(alpha * hot, {.axes = 1});
  }

  Graph& g_;
  Output log_probabilities_;
  Output labels_;
  Output label_lengths_;
  Output logit_lengths_;
  int64_t classes_;
  int64_t blank_;
  Output counts_;  // [batch, max_labels]: is it a label of the row?
  Output states_;  // int32 [batch, states]: their classes.
  Output num_states_;
  Output skips_;
};

}  // namespace

Output CtcLoss(Operand logits, Operand labels, Operand label_lengths,
               Operand logit_lengths, const CtcOptions& options) {
  LocationScope at(logits);
  Graph& g = logits.graph();
  NameScope scope(g, options.name);
  const auto expect = [&](bool right, const char* what, const Operand& given,
                          const char* allowed) {
    if (right) return true;
    g.Fail(InvalidArgument("CtcLoss '", options.name, "': ", what, " are ",
                           DataTypeName(given.dtype()), " ",
                           given.shape().ToString(), " but must be ", allowed),
           logits.location);
    return false;
  };
  const auto is_int32 = [](const Operand& x, int rank) {
    return x.dtype() == DataType::kInt32 && x.shape().rank() == rank;
  };
  const bool fits =
      expect(logits.shape().rank() == 3 && logits.shape().dim(2) >= 1 &&
                 (logits.dtype() == DataType::kFloat ||
                  logits.dtype() == DataType::kDouble),
             "logits", logits,
             "float or double [batch, time, classes] with a known number of "
             "classes") &&
      expect(is_int32(labels, 2), "labels", labels,
             "int32 [batch, max_labels]") &&
      expect(is_int32(label_lengths, 1), "label_lengths", label_lengths,
             "int32 [batch]") &&
      expect(is_int32(logit_lengths, 1), "logit_lengths", logit_lengths,
             "int32 [batch]");
  if (!fits) return Output(g.Fail(g.status()));
  const int64_t classes = logits.shape().dim(2);
  const int64_t blank = options.blank.value_or(classes - 1);
  if (blank < 0 || blank >= classes) {
    return Output(
        g.Fail(InvalidArgument("CtcLoss '", options.name, "': blank is ", blank,
                               " but must be in [0, ", classes, "), a class"),
               logits.location));
  }
  return Ctc(logits, labels, label_lengths, logit_lengths, blank).Build();
}

}  // namespace weft
