#include "runtime/commit.h"

#include <cstring>
#include <mutex>
#include <utility>

#include "core/status.h"
#include "runtime/executor.h"

namespace weft {
namespace {

// Is this the only handle? Then what other threads did with theirs is over,
// also in the order of memory: they let go by a decrement, which the one here
// acquires.
bool IsLastHandle(const Tensor& tensor) {
  if (!tensor.IsSoleOwner()) return false;
  const Tensor handle = tensor;
  return true;
}

class Committer {
 public:
  Committer(const Plan& plan, const std::vector<VariableStore::Cell*>& cells,
            ExecutionContext* context)
      : plan_(plan),
        cells_(cells),
        context_(*context),
        layout_(*context->layout()) {}

  // Everything that can fail: finds or allocates the memory to write to.
  absl::Status Prepare() {
    const std::vector<PlanVariable>& variables = plan_.graph().variables;
    for (size_t v = 0; v < variables.size(); ++v) {
      if (variables[v].target < 0) continue;
      // The run's own handle, unless the commit segment still reads it.
      if (!layout_.copy_on_commit[v]) context_.variables[v] = {};
      WEFT_RETURN_IF_ERROR(Prepare(static_cast<int>(v)));
    }
    return absl::OkStatus();
  }

  absl::Status Write() {
    const std::vector<PlanVariable>& variables = plan_.graph().variables;
    for (size_t v = 0; v < variables.size(); ++v) {
      Tensor& fresh = context_.fresh[v];
      if (!fresh.is_valid() || !variables[v].keeps_value) continue;
      std::memcpy(fresh.mutable_raw_data(), cells_[v]->value.raw_data(),
                  fresh.num_bytes());
    }
    context_.set_stoppable(false);
    return Execute(plan_, &context_, layout_.main_end,
                   static_cast<int>(layout_.program.size()),
                   /*check_numerics=*/false);
  }

  void Publish() {
    const std::vector<PlanVariable>& variables = plan_.graph().variables;
    for (size_t v = 0; v < variables.size(); ++v) {
      if (variables[v].target >= 0) {
        if (context_.fresh[v].is_valid())
          cells_[v]->value = std::move(context_.fresh[v]);
        ++cells_[v]->version;
      } else if (variables[v].shadow >= 0) {
        cells_[v]->value = std::move(context_.slot(variables[v].shadow));
        ++cells_[v]->version;
      }
    }
  }

 private:
  absl::Status Prepare(int v) {
    const PlanVariable& variable = plan_.graph().variables[v];
    const Tensor& value = cells_[v]->value;
    const Place& place = layout_.places[variable.target];
    const TensorShape* shape = &place.shape;
    if (!place.has_shape)
      shape = context_.values()[layout_.written_values[v]].shape;
    if (!variable.shape->IsCompatibleWith(*shape)) {
      return InvalidArgument("variable '", variable.name, "' is ",
                             variable.shape->ToString(),
                             " but the value to assign is ", shape->ToString());
    }
    if (variable.keeps_value &&
        (!value.is_valid() || value.shape() != *shape)) {
      return FailedPrecondition(
          "variable '", variable.name,
          "' was given another shape while the run was going on");
    }
    const bool fits = value.is_valid() && value.dtype() == variable.dtype &&
                      value.shape() == *shape && IsLastHandle(value);
    if (fits && !layout_.copy_on_commit[v]) {
      // Others get their handles under the lock that is held here.
      context_.BindTarget(v, cells_[v]->value.mutable_raw_data(), *shape);
      return absl::OkStatus();
    }
    WEFT_ASSIGN_OR_RETURN(
        context_.fresh[v],
        IsPlain(variable.dtype)
            ? Tensor::CreateUninitialized(variable.dtype, *shape,
                                          context_.allocator())
            : Tensor::Create(variable.dtype, *shape, context_.allocator()));
    context_.BindTarget(v, context_.fresh[v].mutable_raw_data(),
                        context_.fresh[v].shape());
    return absl::OkStatus();
  }

  const Plan& plan_;
  const std::vector<VariableStore::Cell*>& cells_;
  ExecutionContext& context_;
  const Layout& layout_;
};

}  // namespace

bool WritesVariables(const Plan& plan) {
  for (const PlanVariable& variable : plan.graph().variables) {
    if (variable.target >= 0 || variable.shadow >= 0) return true;
  }
  return false;
}

bool MakesShadows(const Plan& plan) { return !plan.graph().shadows.empty(); }

absl::Status Commit(const Plan& plan,
                    const std::vector<VariableStore::Cell*>& cells,
                    const VariableStore& store, ExecutionContext* context) {
  std::lock_guard<std::mutex> lock(store.mutex());
  Committer committer(plan, cells, context);
  WEFT_RETURN_IF_ERROR(committer.Prepare());
  WEFT_RETURN_IF_ERROR(committer.Write());
  committer.Publish();
  return absl::OkStatus();
}

}  // namespace weft
