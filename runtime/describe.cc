#include "runtime/describe.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/describes.h"

namespace weft {
namespace {

// More lines than that are only counted.
constexpr size_t kMaxNotes = 50;

void DescribeSignature(const Signature& signature, std::string* text) {
  absl::StrAppend(text, "signature: feeds [",
                  absl::StrJoin(signature.feeds, ", "), "], fetches [",
                  absl::StrJoin(signature.fetches, ", "), "], targets [",
                  absl::StrJoin(signature.targets, ", "), "]\n");
}

void DescribeVariables(const PlanGraph& graph, std::string* text) {
  for (const PlanVariable& variable : graph.variables) {
    absl::StrAppend(text, "  variable '", variable.name, "' ",
                    DataTypeName(variable.dtype), " ",
                    variable.shape->ToString(),
                    variable.target >= 0 ? ": written at the end of the run"
                    : variable.shadow >= 0
                        ? ": written to a copy, which is taken over at the end"
                        : ": read",
                    "\n");
  }
}

// How many instructions, and how many of them only copy.
std::string CountInstructions(const Layout& layout,
                              const std::vector<int>& instructions) {
  int kernels = 0, deferred = 0, copies = 0;
  for (int i : instructions) {
    const InstrKind kind = layout.program[i].kind;
    kernels += kind == InstrKind::kKernel;
    deferred += kind == InstrKind::kDeferred;
    copies += kind == InstrKind::kCopy || kind == InstrKind::kHandOver;
  }
  return absl::StrCat(instructions.size(), " instructions (", kernels,
                      " kernels, ", deferred, " laid out while running, ",
                      copies, " copies)");
}

void DescribeProgram(const Plan& plan, const Layout& layout,
                     std::string* text) {
  // By loop, the last for what is in none.
  std::vector<std::vector<int>> of_loop(layout.loops.size() + 1);
  for (int i = 0; i < layout.main_end; ++i) {
    const int loop = layout.loop_of[i];
    of_loop[loop >= 0 ? loop : layout.loops.size()].push_back(i);
  }
  absl::StrAppend(text, "  once: ", CountInstructions(layout, of_loop.back()),
                  "\n");
  for (size_t l = 0; l < layout.loops.size(); ++l) {
    absl::StrAppend(text, "  each iteration of ",
                    plan.graph().Describe(layout.loops[l].node), ": ",
                    CountInstructions(layout, of_loop[l]), "\n");
  }
  absl::StrAppend(text, "  commit: ", layout.program.size() - layout.main_end,
                  " instructions\n");
}

// What kernels say about themselves; once laid out, about that layout.
void DescribeKernels(const Plan& plan, const Layout* layout,
                     std::string* text) {
  std::vector<std::string> lines(plan.graph().nodes.size());
  for (size_t n = 0; n < lines.size(); ++n) {
    const auto* kernel =
        dynamic_cast<const Describes*>(plan.kernel(static_cast<int>(n)));
    if (kernel != nullptr) lines[n] = kernel->Describe();
  }
  if (layout != nullptr) {
    for (const Instruction& i : layout->program) {
      const auto* state = dynamic_cast<const Describes*>(i.state);
      if (state != nullptr && i.node >= 0) lines[i.node] = state->Describe();
    }
  }
  size_t count = 0;
  for (size_t n = 0; n < lines.size(); ++n) {
    if (lines[n].empty() || ++count > kMaxNotes) continue;
    absl::StrAppend(text, "  ", plan.graph().Describe(static_cast<int>(n)),
                    ": ", lines[n], "\n");
  }
  if (count > kMaxNotes)
    absl::StrAppend(text, "  and ", count - kMaxNotes, " more\n");
}

void DescribeMemory(const Layout& layout, std::string* text) {
  size_t bytes = 0, shared = 0;
  for (const ArenaUse& use : layout.arena_uses) {
    bytes += use.bytes;
    shared += use.shares;
  }
  absl::StrAppend(text, "  arena: ", layout.arena_bytes, " bytes for ",
                  layout.arena_uses.size(), " values of ", bytes, " bytes, ",
                  shared, " of them in place\n");
  absl::StrAppend(text, "  while running: ", layout.num_slots, " tensors and ",
                  layout.num_lists, " lists of their own\n");
}

}  // namespace

std::string DescribePlan(const PlanRunner& runner) {
  const Plan& plan = runner.plan();
  std::string text;
  DescribeSignature(runner.signature(), &text);
  absl::StrAppend(&text, "plan: ", plan.graph().nodes.size(), " nodes in ",
                  plan.graph().frames.size(), " graphs and bodies\n");
  if (!plan.options().assumes) {
    absl::StrAppend(&text,
                    "  the plan that assumes shapes did not fit: this one "
                    "assumes nothing\n");
  }
  for (const std::string& line : plan.report())
    absl::StrAppend(&text, "  ", line, "\n");
  DescribeVariables(plan.graph(), &text);
  const std::shared_ptr<const Layout> layout = runner.last_layout();
  DescribeKernels(plan, layout.get(), &text);
  if (layout == nullptr)
    return absl::StrCat(text, "not laid out yet: it has not been run\n");
  absl::StrAppend(&text, "layout (", runner.layouts_made(),
                  " made; the last one, for ",
                  absl::StrJoin(layout->feed_shapes, ", ",
                                [](std::string* out, const TensorShape& shape) {
                                  out->append(shape.ToString());
                                }),
                  "):\n");
  DescribeProgram(plan, *layout, &text);
  DescribeMemory(*layout, &text);
  for (size_t i = 0; i < std::min(layout->notes.size(), kMaxNotes); ++i) {
    absl::StrAppend(&text, "  ", layout->notes[i], "\n");
  }
  if (layout->notes.size() > kMaxNotes) {
    absl::StrAppend(&text, "  and ", layout->notes.size() - kMaxNotes,
                    " more\n");
  }
  return text;
}

}  // namespace weft
