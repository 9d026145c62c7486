#include "core/pointwise.h"

#include <array>
#include <cstddef>

#include "absl/container/flat_hash_map.h"

namespace weft {
namespace {

constexpr size_t kCount = static_cast<size_t>(MicroOp::kCount);

// In the order of MicroOp.
constexpr std::array<MicroOpInfo, kCount> kInfos = {{
    {"abs", "nn"},
    {"add", "nnn"},
    {"and", "bbb"},
    {"cast", "bn"},
    {"ceil", "nn"},
    {"cos", "nn"},
    {"div", "nnn"},
    {"div_no_nan", "nnn"},
    {"elu", "nn"},
    {"elu_grad", "nnn", true},
    {"equal", "nnb"},
    {"erf", "nn"},
    {"exp", "nn"},
    {"expm1", "nn"},
    {"floor", "nn"},
    {"greater", "nnb"},
    {"greater_equal", "nnb"},
    {"is_finite", "nb"},
    {"is_inf", "nb"},
    {"is_nan", "nb"},
    {"leaky_relu", "nn"},
    {"leaky_relu_grad", "nnn", true},
    {"less", "nnb"},
    {"less_equal", "nnb"},
    {"log", "nn"},
    {"log1p", "nn"},
    {"max", "nnn"},
    {"min", "nnn"},
    {"mul", "nnn"},
    {"neg", "nn"},
    {"not", "bb"},
    {"not_equal", "nnb"},
    {"or", "bbb"},
    {"pow", "nnn"},
    {"reciprocal", "nn"},
    {"reciprocal_grad", "nnn", true},
    {"relu", "nn"},
    {"relu6", "nn"},
    {"relu6_grad", "nnn", true},
    {"relu_grad", "nnn", true},
    {"round", "nn"},
    {"rsqrt", "nn"},
    {"rsqrt_grad", "nnn", true},
    {"select", "bnnn"},
    {"select_rows", "bnnn"},
    {"selu", "nn"},
    {"selu_grad", "nnn", true},
    {"sigmoid", "nn"},
    {"sigmoid_grad", "nnn", true},
    {"sign", "nn"},
    {"sin", "nn"},
    {"softplus", "nn"},
    {"softplus_grad", "nnn", true},
    {"softsign", "nn"},
    {"softsign_grad", "nnn", true},
    {"sqrt", "nn"},
    {"sqrt_grad", "nnn", true},
    {"square", "nn"},
    {"squared_difference", "nnn"},
    {"sub", "nnn"},
    {"tanh", "nn"},
    {"tanh_grad", "nnn", true},
}};

}  // namespace

const MicroOpInfo& InfoOf(MicroOp op) {
  return kInfos[static_cast<size_t>(op)];
}

const MicroOp* FindMicroOp(absl::string_view name) {
  static const auto& by_name = *[] {
    auto* map = new absl::flat_hash_map<absl::string_view, MicroOp>;
    for (size_t i = 0; i < kCount; ++i) {
      map->insert({kInfos[i].name, static_cast<MicroOp>(i)});
    }
    return map;
  }();
  const auto found = by_name.find(name);
  return found != by_name.end() ? &found->second : nullptr;
}

}  // namespace weft
