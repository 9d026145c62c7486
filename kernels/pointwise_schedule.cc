// List scheduling: of what can run, that which the longest chain waits for.
#include <algorithm>
#include <vector>

#include "kernels/pointwise_registers.h"

namespace weft {
namespace {

// In half cycles; two vector instructions start per cycle.
int LatencyOf(VectorOp op) {
  switch (op) {
    case VectorOp::kLoad:
    case VectorOp::kLoadTruth:
    case VectorOp::kRowValue:
      return 14;
    case VectorOp::kDiv:
      return 34;
    case VectorOp::kSqrt:
      return 38;
    case VectorOp::kFloor:
    case VectorOp::kCeil:
    case VectorOp::kRound:
    case VectorOp::kApproximateReciprocal:
      return 14;
    case VectorOp::kAndBits:
    case VectorOp::kOrBits:
    case VectorOp::kXorBits:
    case VectorOp::kCopySign:
    case VectorOp::kToExponent:
    case VectorOp::kHalfOfBits:
    case VectorOp::kSubBits:
    case VectorOp::kAndMasks:
    case VectorOp::kOrMasks:
    case VectorOp::kSelect:
    case VectorOp::kSelectOrZero:
    case VectorOp::kZeroOrSelect:
      return 3;
    default:
      return 8;
  }
}

class Scheduler {
 public:
  Scheduler(const VectorCode& code, RegisterCount registers)
      : code_(code), limits_{registers.vectors - 2, registers.masks - 2} {}

  std::vector<int> Run() {
    FindUses();
    FindHeights();
    for (size_t i = 0; i < code_.size(); ++i) {
      if (code_[i].op != VectorOp::kNumber && waits_for_[i] == 0)
        ready_.push_back(static_cast<int>(i));
    }
    std::vector<int> order;
    for (int now = 0; !ready_.empty(); ++now) {
      const size_t k = Choose(&now);
      const int i = ready_[k];
      ready_.erase(ready_.begin() + k);
      order.push_back(i);
      Start(i, now);
    }
    return order;
  }

 private:
  bool IsValue(int i) const {
    return i >= 0 && code_[i].op != VectorOp::kNumber;
  }

  // Every argument once.
  template <typename F>
  void ForEachArgument(int i, const F& f) const {
    const auto& arguments = code_[i].arguments;
    for (int a = 0; a < 3; ++a) {
      if (!IsValue(arguments[a])) continue;
      if (std::find(arguments.begin(), arguments.begin() + a, arguments[a]) ==
          arguments.begin() + a) {
        f(arguments[a]);
      }
    }
  }

  void FindUses() {
    users_.resize(code_.size());
    uses_left_.assign(code_.size(), 0);
    waits_for_.assign(code_.size(), 0);
    ready_at_.assign(code_.size(), 0);
    for (size_t i = 0; i < code_.size(); ++i) {
      if (IsLoad(code_[i].op)) ++loads_left_;
      ForEachArgument(static_cast<int>(i), [&](int a) {
        users_[a].push_back(static_cast<int>(i));
        ++uses_left_[a];
        ++waits_for_[i];
      });
    }
  }

  void FindHeights() {
    height_.assign(code_.size(), 0);
    for (size_t i = code_.size(); i-- > 0;) {
      for (int user : users_[i])
        height_[i] = std::max(height_[i], height_[user]);
      height_[i] += LatencyOf(code_[i].op);
    }
  }

  // Vectors or, if there are registers for them, masks.
  int KindOf(int i) const {
    return limits_[kMask] > 0 && MakesMask(code_[i].op) ? kMask : kVector;
  }

  // How many registers become free less those that are taken.
  int Freed(int i, int kind) const {
    int freed = !IsStore(code_[i].op) && KindOf(i) == kind ? -1 : 0;
    ForEachArgument(
        i, [&](int a) { freed += uses_left_[a] == 1 && KindOf(a) == kind; });
    return freed;
  }

  // The place in ready_; `now` moves on to when that can start.
  size_t Choose(int* now) const {
    size_t best = 0;
    int scarce = -1;
    for (int kind : {kVector, kMask}) {
      if (limits_[kind] > 0 && live_[kind] >= limits_[kind]) scarce = kind;
    }
    if (scarce >= 0) {
      for (size_t k = 1; k < ready_.size(); ++k) {
        const int difference =
            Freed(ready_[k], scarce) - Freed(ready_[best], scarce);
        if (difference > 0 || (difference == 0 && IsBefore(k, best))) best = k;
      }
    } else {
      int first = ready_at_[ready_[0]];
      for (int i : ready_) first = std::min(first, ready_at_[i]);
      *now = std::max(*now, first);
      bool found = false;
      for (size_t k = 0; k < ready_.size(); ++k) {
        if (ready_at_[ready_[k]] > *now) continue;
        if (!found || IsBefore(k, best)) best = k;
        found = true;
      }
    }
    *now = std::max(*now, ready_at_[ready_[best]]);
    return best;
  }

  bool IsBefore(size_t a, size_t b) const {
    const int x = ready_[a], y = ready_[b];
    return height_[x] != height_[y] ? height_[x] > height_[y] : x < y;
  }

  void Start(int i, int now) {
    for (int kind : {kVector, kMask}) live_[kind] -= Freed(i, kind);
    ForEachArgument(i, [&](int a) { --uses_left_[a]; });
    for (int user : users_[i]) {
      ready_at_[user] = std::max(ready_at_[user], now + LatencyOf(code_[i].op));
      if (--waits_for_[user] == 0) MakeReady(user);
    }
    if (IsLoad(code_[i].op) && --loads_left_ == 0) {
      ready_.insert(ready_.end(), stores_.begin(), stores_.end());
    }
  }

  void MakeReady(int i) {
    if (IsStore(code_[i].op) && loads_left_ > 0) {
      stores_.push_back(i);
    } else {
      ready_.push_back(i);
    }
  }

  static constexpr int kVector = 0, kMask = 1;

  const VectorCode& code_;
  const int limits_[2];  // Of registers in use, by kind.
  std::vector<std::vector<int>> users_;
  std::vector<int> uses_left_, waits_for_, ready_at_, height_;
  std::vector<int> ready_;
  std::vector<int> stores_;  // That wait for the last load.
  int loads_left_ = 0;
  int live_[2] = {0, 0};
};

}  // namespace

std::vector<int> ScheduleVectorCode(const VectorCode& code,
                                    RegisterCount registers) {
  return Scheduler(code, registers).Run();
}

std::vector<int> KeepVectorOrder(const VectorCode& code) {
  std::vector<int> order, stores;
  std::vector<bool> is_done(code.size(), false);
  for (size_t i = 0; i < code.size(); ++i) {
    const VectorInstruction& instruction = code[i];
    if (instruction.op == VectorOp::kNumber || IsLoad(instruction.op)) continue;
    // What is loaded is so where it is used first.
    for (int a : instruction.arguments) {
      if (a < 0 || is_done[a] || !IsLoad(code[a].op)) continue;
      is_done[a] = true;
      order.push_back(a);
    }
    (IsStore(instruction.op) ? stores : order).push_back(static_cast<int>(i));
  }
  order.insert(order.end(), stores.begin(), stores.end());
  return order;
}

}  // namespace weft
