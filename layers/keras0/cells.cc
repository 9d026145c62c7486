#include "layers/keras0/cells.h"

#include "absl/strings/str_cat.h"
#include "layers/weights.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"

namespace weft::keras0 {
namespace {

// Of `kept` the part z, of `other` the rest.
Output Mix(Output z, Output kept, Output other) {
  Output part = z * kept;
  Output rest = (1.0 - z) * other;
  return part + rest;
}

}  // namespace

// ---- SimpleRNN --------------------------------------------------------------

std::vector<Cell::Weight> SimpleRNNCell::Layout() const {
  return {{"W", Role::kInput}, {"U", Role::kInner}, {"b", Role::kBias}};
}

Output SimpleRNNCell::Next(Output x, Outputs* state) const {
  Output from_state = MatMul((*state)[0], weight(1));
  Output h = a(FromInput(x, 0, 2) + from_state);
  *state = {h};
  return h;
}

// ---- SimpleDeepRNN ----------------------------------------------------------

void SimpleDeepRNNCell::CheckOwn(const ArgumentChecker& check) const {
  // More is a mistake, and would take all memory before it is noticed.
  constexpr int64_t kMaxDepth = 1000;
  check.Expect(options().depth >= 1 && options().depth <= kMaxDepth, "depth",
               options().depth, absl::StrCat("in [1, ", kMaxDepth, "]"));
}

std::vector<Cell::Weight> SimpleDeepRNNCell::Layout() const {
  std::vector<Weight> layout = {{"W", Role::kInput}};
  for (int64_t d = 1; d <= options().depth; ++d) {
    layout.push_back({absl::StrCat("U_", d), Role::kInner});
  }
  layout.push_back({"b", Role::kBias});
  return layout;
}

std::vector<TensorShape> SimpleDeepRNNCell::state_shapes() const {
  if (weights().empty()) return {ColumnsShape(options().output_dim)};
  std::vector<TensorShape> shapes(options().depth,
                                  ColumnsShape(options().output_dim));
  shapes.resize(2 * shapes.size(), TensorShape{1});
  return shapes;
}

Output SimpleDeepRNNCell::Next(Output x, Outputs* state) const {
  const size_t depth = state->size() / 2;
  Output sum = FromInput(x, 0, depth + 1);
  for (size_t d = 0; d < depth; ++d) {
    Output term = s(MatMul((*state)[d], weight(d + 1)));
    // s(0) may well not be 0.
    sum = sum + term * (*state)[depth + d];
  }
  Output h = a(sum);
  Output counts = OnesLike((*state)[depth]);
  Outputs next = {h};
  next.insert(next.end(), state->begin(), state->begin() + depth - 1);
  next.push_back(counts);
  next.insert(next.end(), state->begin() + depth, state->end() - 1);
  *state = next;
  return h;
}

bool SimpleDeepRNNCell::IsFresh(size_t k) const {
  return k == 0 || k == static_cast<size_t>(options().depth);
}

// ---- GRU --------------------------------------------------------------------

std::vector<Cell::Weight> GRUCell::Layout() const {
  return {{"W_z", Role::kInput}, {"U_z", Role::kInner}, {"b_z", Role::kBias},
          {"W_r", Role::kInput}, {"U_r", Role::kInner}, {"b_r", Role::kBias},
          {"W_h", Role::kInput}, {"U_h", Role::kInner}, {"b_h", Role::kBias}};
}

Output GRUCell::Next(Output x, Outputs* state) const {
  Output h = (*state)[0];
  Output z = s(FromInput(x, 0, 2) + MatMul(h, weight(1)));
  Output r = s(FromInput(x, 3, 5) + MatMul(h, weight(4)));
  Output reset = r * h;
  Output candidate = a(FromInput(x, 6, 8) + MatMul(reset, weight(7)));
  Output next = Mix(z, h, candidate);
  *state = {next};
  return next;
}

// ---- LSTM -------------------------------------------------------------------

std::vector<Cell::Weight> LSTMCell::Layout() const {
  return {
      {"W_i", Role::kInput}, {"U_i", Role::kInner}, {"b_i", Role::kBias},
      {"W_c", Role::kInput}, {"U_c", Role::kInner}, {"b_c", Role::kBias},
      {"W_f", Role::kInput}, {"U_f", Role::kInner}, {"b_f", Role::kForgetBias},
      {"W_o", Role::kInput}, {"U_o", Role::kInner}, {"b_o", Role::kBias}};
}

std::vector<TensorShape> LSTMCell::state_shapes() const {
  const TensorShape shape = ColumnsShape(options().output_dim);
  return {shape, shape};
}

Output LSTMCell::Next(Output x, Outputs* state) const {
  Output h = (*state)[0];
  Outputs sums;  // i, c, f, o
  for (size_t k = 0; k < 12; k += 3) {
    Output from_state = MatMul(h, weight(k + 1));
    sums.push_back(FromInput(x, k, k + 2) + from_state);
  }
  Output i = s(sums[0]);
  Output f = s(sums[2]);
  Output o = s(sums[3]);
  Output kept = f * (*state)[1];
  Output added = i * a(sums[1]);
  Output c = kept + added;
  Output next = o * a(c);
  *state = {next, c};
  return next;
}

// ---- JZS --------------------------------------------------------------------

std::vector<Cell::Weight> JZS1Cell::Layout() const {
  return {{"W_z", Role::kInput}, {"b_z", Role::kBias},
          {"W_r", Role::kInput}, {"U_r", Role::kInner},
          {"b_r", Role::kBias},  {"U_h", Role::kInner},
          {"b_h", Role::kBias},  {"Pmat", Role::kProjection}};
}

Output JZS1Cell::Next(Output x, Outputs* state) const {
  Output h = (*state)[0];
  Output z = s(FromInput(x, 0, 1));
  Output r = s(FromInput(x, 2, 4) + MatMul(h, weight(3)));
  Output reset = r * h;
  Output projected = BiasAdd(Tanh(MatMul(x, weight(7))), weight(6));
  Output candidate = a(projected + MatMul(reset, weight(5)));
  Output next = Mix(z, candidate, h);
  *state = {next};
  return next;
}

std::vector<Cell::Weight> JZS2Cell::Layout() const {
  return {{"W_z", Role::kInput},      {"U_z", Role::kInner},
          {"b_z", Role::kBias},       {"U_r", Role::kInner},
          {"b_r", Role::kBias},       {"W_h", Role::kInput},
          {"U_h", Role::kInner},      {"b_h", Role::kBias},
          {"Pmat", Role::kProjection}};
}

Output JZS2Cell::Next(Output x, Outputs* state) const {
  Output h = (*state)[0];
  Output z = s(FromInput(x, 0, 2) + MatMul(h, weight(1)));
  Output r = s(FromInput(x, 8, 4) + MatMul(h, weight(3)));
  Output reset = r * h;
  Output candidate = a(FromInput(x, 5, 7) + MatMul(reset, weight(6)));
  Output next = Mix(z, candidate, h);
  *state = {next};
  return next;
}

std::vector<Cell::Weight> JZS3Cell::Layout() const {
  return {{"W_z", Role::kInput}, {"U_z", Role::kInner}, {"b_z", Role::kBias},
          {"W_r", Role::kInput}, {"U_r", Role::kInner}, {"b_r", Role::kBias},
          {"W_h", Role::kInput}, {"U_h", Role::kInner}, {"b_h", Role::kBias}};
}

Output JZS3Cell::Next(Output x, Outputs* state) const {
  Output h = (*state)[0];
  Output z = s(FromInput(x, 0, 2) + MatMul(Tanh(h), weight(1)));
  Output r = s(FromInput(x, 3, 5) + MatMul(h, weight(4)));
  Output reset = r * h;
  Output candidate = a(FromInput(x, 6, 8) + MatMul(reset, weight(7)));
  Output next = Mix(z, candidate, h);
  *state = {next};
  return next;
}

}  // namespace weft::keras0
