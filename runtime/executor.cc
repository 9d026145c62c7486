#include "runtime/executor.h"

#include <cmath>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "runtime/condition.h"
#include "runtime/diagnose.h"
#include "runtime/evaluate.h"
#include "runtime/numerics.h"

namespace weft {
namespace {

// How much work (see Instruction::cost) is done between two looks at the clock.
constexpr int64_t kCreditBetweenStops = 256;

class Execution {
 public:
  Execution(const Plan& plan, ExecutionContext* context)
      : plan_(plan), context_(*context), layout_(*context->layout()) {}

  template <bool kCheckNumerics>
  absl::Status Run(int begin, int end) {
    const Instruction* const program = layout_.program.data();
    TensorRef* const values = context_.values();
    char* const arena = context_.arena();
    int64_t credit = kCreditBetweenStops;
    pc_ = begin;
    while (pc_ < end) {
      const Instruction& i = program[pc_];
      credit -= i.cost;
      if (credit < 0) {
        credit = kCreditBetweenStops;
        absl::Status stop = context_.CheckStop();
        if (!stop.ok()) return stop;
      }
      switch (i.kind) {
        case InstrKind::kKernel: {
          KernelContext c(values, absl::Span<const int>(i.inputs, i.num_inputs),
                          absl::Span<const int>(i.outputs, i.num_outputs),
                          &context_);
          c.Place(arena + i.scratch, i.state, i.dying, i.random_counter);
          absl::Status status = i.kernel->Compute(c);
          if (!status.ok()) return status;
          if (kCheckNumerics) WEFT_RETURN_IF_ERROR(CheckOutputs(i));
          break;
        }
        case InstrKind::kCopy:
          std::memcpy(values[i.outputs[0]].data, values[i.inputs[0]].data,
                      i.bytes);
          break;
        case InstrKind::kJump:
          pc_ = i.target;
          continue;
        case InstrKind::kBranch:
        case InstrKind::kLoopTest:
          if (!IsTrue(values[i.inputs[0]].dtype, values[i.inputs[0]].data)) {
            pc_ = i.target;
            continue;
          }
          if (i.kind == InstrKind::kBranch) break;
          if (++context_.iterations(i.first) >
              layout_.loops[i.first].max_iterations) {
            return TooManyIterations(i);
          }
          break;
        case InstrKind::kLoopBegin:
          context_.iterations(i.first) = 0;
          break;
        default:
          WEFT_RETURN_IF_ERROR(RunRare(i));
          if (kCheckNumerics && i.kind == InstrKind::kDeferred) {
            WEFT_RETURN_IF_ERROR(CheckOutputs(i));
          }
      }
      ++pc_;
    }
    return absl::OkStatus();
  }

  // What the error of Run() is about: the node, and where the loops were.
  absl::Status Explain(const absl::Status& status) const {
    const Instruction& i = layout_.program[pc_];
    std::string where;
    for (int loop = layout_.loop_of[pc_]; loop >= 0;
         loop = layout_.loops[loop].parent) {
      const LoopInfo& info = layout_.loops[loop];
      // The condition is evaluated before the iteration is counted.
      const int64_t iteration =
          context_.iterations(loop) - (pc_ > info.test ? 1 : 0);
      absl::StrAppend(&where, where.empty() ? " [" : ", ", "iteration ",
                      iteration, " of ", plan_.graph().Describe(info.node));
    }
    if (!where.empty()) where += "]";
    std::string node;
    const MadeOp* made =
        i.node >= 0 ? plan_.graph().nodes[i.node].made.get() : nullptr;
    if (i.node >= 0 && (made == nullptr || !made->names_its_parts)) {
      const bool computes = i.kind == InstrKind::kKernel ||
                            i.kind == InstrKind::kDeferred ||
                            i.kind == InstrKind::kKept;
      node = computes ? DescribeCall(
                            plan_.graph(), i.node,
                            [&](int input) {
                              return context_.values()[i.inputs[input]].shape;
                            })
                      : plan_.graph().Describe(i.node);
    }
    if (!node.empty()) node += ": ";
    return absl::Status(status.code(),
                        absl::StrCat(node, status.message(), where));
  }

 private:
  absl::Status RunRare(const Instruction& i) {
    TensorRef* const values = context_.values();
    switch (i.kind) {
      case InstrKind::kDeferred:
        return RunDeferred(i);
      case InstrKind::kKept: {
        if (context_.Holds(i.first)) break;
        KernelContext c(values, absl::Span<const int>(i.inputs, i.num_inputs),
                        absl::Span<const int>(i.outputs, i.num_outputs),
                        &context_);
        c.Place(context_.arena() + i.scratch, i.state, /*dying_inputs=*/0,
                i.random_counter);
        WEFT_RETURN_IF_ERROR(i.kernel->Compute(c));
        context_.Keep(i.first);
        break;
      }
      case InstrKind::kAlias:
        values[i.outputs[0]].data =
            static_cast<char*>(values[i.inputs[0]].data) + i.bytes;
        break;
      case InstrKind::kHandOver:
        return RunHandOvers(i.first, i.last);
      case InstrKind::kRelease:
        for (int o = 0; o < i.num_outputs; ++o) {
          if (context_.IsList(i.outputs[o])) {
            context_.list(i.outputs[o]) = {};
          } else {
            context_.slot(i.outputs[o]) = {};
          }
        }
        break;
      case InstrKind::kShadow:
        return MakeShadow(layout_.shadows[i.first]);
      default:
        return Internal("an instruction of an unknown kind");
    }
    return absl::OkStatus();
  }

  absl::Status RunDeferred(const Instruction& i) {
    std::vector<Tensor*> owners(i.num_inputs, nullptr);
    std::vector<Tensor*> results(i.num_outputs, nullptr);
    for (int k = 0; k < i.num_inputs; ++k) {
      const int v = i.inputs[k];
      if (!context_.IsSlot(v)) continue;
      // A view within a slot does not own it.
      Tensor& slot = context_.slot(v);
      const TensorRef& ref = context_.values()[v];
      if (slot.raw_data() == ref.data && slot.num_elements() == ref.size)
        owners[k] = &slot;
    }
    for (int k = 0; k < i.num_outputs; ++k) {
      if (context_.IsSlot(i.outputs[k]))
        results[k] = &context_.slot(i.outputs[k]);
    }
    KernelCall call = {.kernel = i.kernel, .values = context_.values()};
    call.inputs = absl::Span<const int>(i.inputs, i.num_inputs);
    call.outputs = absl::Span<const int>(i.outputs, i.num_outputs);
    call.owners = owners;
    call.results = results;
    call.dying = i.dying;
    call.random_counter = i.random_counter;
    call.services = &context_;
    WEFT_RETURN_IF_ERROR(LayOutAndCompute(call));
    for (int k = 0; k < i.num_outputs; ++k) {
      const Place& place = layout_.places[i.outputs[k]];
      const TensorRef& ref = context_.values()[i.outputs[k]];
      if (place.has_shape && results[k] != nullptr &&
          *ref.shape != place.shape) {
        return Internal("the kernel gives output ", k, " the shape ",
                        ref.shape->ToString(), " instead of ",
                        place.shape.ToString());
      }
    }
    return absl::OkStatus();
  }

  // Takes everything before anything is set: values may change places.
  absl::Status RunHandOvers(int first, int last) {
    handed_tensors_.clear();
    handed_lists_.clear();
    for (int h = first; h < last; ++h) {
      const HandOver& hand_over = layout_.hand_overs[h];
      if (context_.IsList(hand_over.to)) {
        // Not context_.list(): what is known beforehand lies elsewhere.
        auto& list =
            *static_cast<TensorList*>(context_.values()[hand_over.from].data);
        handed_lists_.push_back(hand_over.takes ? std::move(list) : list);
      } else {
        WEFT_ASSIGN_OR_RETURN(Tensor tensor, TakeTensor(hand_over));
        handed_tensors_.push_back(std::move(tensor));
      }
    }
    size_t next_tensor = 0, next_list = 0;
    for (int h = first; h < last; ++h) {
      const int to = layout_.hand_overs[h].to;
      if (context_.IsList(to)) {
        context_.list(to) = std::move(handed_lists_[next_list++]);
      } else {
        context_.SetSlot(to, std::move(handed_tensors_[next_tensor++]));
      }
    }
    handed_tensors_.clear();
    return absl::OkStatus();
  }

  absl::StatusOr<Tensor> TakeTensor(const HandOver& hand_over) {
    const TensorRef& ref = context_.values()[hand_over.from];
    if (context_.IsSlot(hand_over.from)) {
      Tensor& slot = context_.slot(hand_over.from);
      if (slot.raw_data() == ref.data && slot.num_elements() == ref.size) {
        return hand_over.takes ? std::move(slot) : slot;
      }
    }
    return Tensor::Borrow(ref.dtype, *ref.shape, ref.data)
        .Clone(context_.allocator());
  }

  absl::Status MakeShadow(const ShadowWrite& shadow) {
    const TensorRef& from = context_.values()[shadow.from];
    if (shadow.takes) {
      Tensor tensor = std::move(context_.slot(shadow.from));
      context_.SetSlot(shadow.to, std::move(tensor));
      return absl::OkStatus();
    }
    const Tensor like = Tensor::Borrow(from.dtype, *from.shape, from.data);
    if (shadow.keeps_value) {
      WEFT_ASSIGN_OR_RETURN(Tensor tensor, like.Clone(context_.allocator()));
      context_.SetSlot(shadow.to, std::move(tensor));
      return absl::OkStatus();
    }
    const PlanVariable& variable = plan_.graph().variables[shadow.variable];
    if (!variable.shape->IsCompatibleWith(*from.shape)) {
      return InvalidArgument("the value is ", from.shape->ToString(),
                             " but variable '", variable.name, "' is ",
                             variable.shape->ToString());
    }
    WEFT_ASSIGN_OR_RETURN(
        Tensor tensor,
        Tensor::Create(variable.dtype, *from.shape, context_.allocator()));
    context_.SetSlot(shadow.to, std::move(tensor));
    return absl::OkStatus();
  }

  absl::Status TooManyIterations(const Instruction& i) const {
    return ResourceExhausted(
        "the loop has run its limit of ", layout_.loops[i.first].max_iterations,
        " iterations (SessionOptions.max_loop_iterations, or the loop's own)");
  }

  absl::Status CheckOutputs(const Instruction& i) const {
    for (int o = 0; o < i.num_outputs; ++o) {
      const std::string problem =
          FindNotFinite(context_.values()[i.outputs[o]]);
      if (problem.empty()) continue;
      return InvalidArgument("check_numerics: output ", o, " is ", problem);
    }
    return absl::OkStatus();
  }

  const Plan& plan_;
  ExecutionContext& context_;
  const Layout& layout_;
  int pc_ = 0;
  std::vector<Tensor> handed_tensors_;
  std::vector<TensorList> handed_lists_;
};

}  // namespace

absl::Status Execute(const Plan& plan, ExecutionContext* context, int begin,
                     int end, bool check_numerics) {
  Execution execution(plan, context);
  absl::Status status;
  // Kernels do not throw; but should one, the process goes on.
  try {
    status = check_numerics ? execution.Run<true>(begin, end)
                            : execution.Run<false>(begin, end);
  } catch (const std::bad_alloc&) {
    status = ResourceExhausted("out of memory");
  } catch (const std::exception& e) {
    status = Internal("the kernel threw: ", e.what());
  } catch (...) {
    status = Internal("the kernel threw");
  }
  return status.ok() ? status : execution.Explain(status);
}

}  // namespace weft
