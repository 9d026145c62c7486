#include "kernels/pointwise_generated.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "absl/strings/str_cat.h"
#include "kernels/crossovers.h"
#include "kernels/pointwise_jit.h"

namespace weft {
namespace {

// Loads, and as many stores.
constexpr int kMaxPointers = 2 * kMaxPointwisePlaces;

PointwiseForm FormOf(const PointwiseProgram& program,
                     const PointwiseDomain& d) {
  PointwiseForm form;
  for (const PointwiseLoad& load : d.loads) {
    form.loads.push_back(
        {.is_truth = load.is_truth, .repeats = load.strides[0] == 0});
  }
  for (const PointwiseDomain::Step& step : d.steps) {
    const PointwiseInstruction& i = program.instructions[step.instruction];
    form.steps.push_back(
        {.op = i.op, .arguments = step.arguments, .parameter = i.parameter});
  }
  for (const PointwiseDomain::Step& step : d.steps) {
    if (d.direct[step.result] >= 0)
      form.stores.push_back({.place = step.result});
  }
  for (const PointwiseDomain::Store& store : d.stores)
    form.stores.push_back({.place = store.place,
                           .is_truth = store.is_truth,
                           .is_sum = store.is_sum,
                           .is_mean = store.is_mean});
  return form;
}

GeneratedDomain::Pointer PointerOf(int operand, bool is_truth,
                                   const std::vector<int64_t>& strides) {
  const int64_t bytes = is_truth ? 1 : static_cast<int64_t>(sizeof(float));
  GeneratedDomain::Pointer p = {.operand = operand, .element_bytes = bytes};
  p.column_bytes = strides[0] * bytes;
  for (size_t k = 1; k < strides.size(); ++k)
    p.strides.push_back(strides[k] * bytes);
  return p;
}

// One for each load, then for each store of FormOf().
std::vector<GeneratedDomain::Pointer> PointersOf(const PointwiseDomain& d) {
  std::vector<GeneratedDomain::Pointer> pointers;
  for (const PointwiseLoad& load : d.loads)
    pointers.push_back(PointerOf(load.input, load.is_truth, load.strides));
  const std::vector<int64_t> dense = d.DenseStrides();
  for (const PointwiseDomain::Step& step : d.steps) {
    const int output = d.direct[step.result];
    if (output >= 0) pointers.push_back(PointerOf(output, false, dense));
  }
  for (const PointwiseDomain::Store& store : d.stores)
    pointers.push_back(PointerOf(store.output, store.is_truth, store.strides));
  return pointers;
}

std::string WhyNotDomain(const PointwiseProgram& program,
                         const PointwiseDomain& d, VectorSet set) {
  for (const PointwiseLoad& load : d.loads) {
    if (load.strides[0] != 0 && load.strides[0] != 1) {
      return absl::StrCat("elements of ", program.registers[load.input],
                          " stand apart");
    }
  }
  // Most of each vector would be for nothing.
  if (d.axes.size() > 1 && 2 * d.axes[0] < LanesOf(set))
    return absl::StrCat("its rows have ", d.axes[0], " elements");
  return "";
}

// The first element of each operand.
void SetPointers(const GeneratedDomain& d, const KernelContext& c,
                 void** pointers) {
  const size_t num_loads = d.pointers.size() - d.num_stores;
  size_t p = 0;
  for (; p < num_loads; ++p) pointers[p] = c.input(d.pointers[p].operand).data;
  for (; p < d.pointers.size(); ++p)
    pointers[p] = c.output(d.pointers[p].operand).data;
}

void RunAll(const GeneratedDomain& d, const KernelContext& c) {
  void* pointers[kMaxPointers];
  SetPointers(d, c, pointers);
  d.code(pointers, d.row_bytes.data(), d.columns, d.rows);
}

// Columns of the only row.
void RunColumns(const GeneratedDomain& d, const KernelContext& c, int64_t begin,
                int64_t end) {
  void* pointers[kMaxPointers];
  SetPointers(d, c, pointers);
  for (size_t p = 0; p < d.pointers.size(); ++p) {
    pointers[p] =
        static_cast<char*>(pointers[p]) + begin * d.pointers[p].column_bytes;
  }
  d.code(pointers, d.row_bytes.data(), end - begin, 1);
}

void RunRows(const GeneratedDomain& d, const KernelContext& c, int64_t begin,
             int64_t end) {
  void* pointers[kMaxPointers];
  while (begin < end) {
    const int64_t slab = begin / d.rows_at_once;
    const int64_t row = begin - slab * d.rows_at_once;
    const int64_t rows = std::min(end - begin, d.rows_at_once - row);
    SetPointers(d, c, pointers);
    for (size_t p = 0; p < d.pointers.size(); ++p) {
      int64_t offset = row * d.row_bytes[p];
      int64_t rest = slab;
      for (size_t k = 0; k < d.slabs.size(); ++k) {
        offset += rest % d.slabs[k] * d.pointers[p].strides[1 + k];
        rest /= d.slabs[k];
      }
      pointers[p] = static_cast<char*>(pointers[p]) + offset;
    }
    d.code(pointers, d.row_bytes.data(), d.columns, rows);
    begin += rows;
  }
}

// Parts that are worth another thread, and as many as threads can share evenly.
void SetParts(int64_t lanes, GeneratedDomain* g) {
  const int64_t vectors_per_row = (g->columns + lanes - 1) / lanes;
  int64_t column_bytes = 0;
  for (const GeneratedDomain::Pointer& p : g->pointers)
    column_bytes += p.column_bytes;
  const uint64_t most =
      std::max(g->rows * vectors_per_row * g->function->num_instructions() /
                   crossover::kProgramInstructions,
               g->rows * g->columns * column_bytes / crossover::kProgramBytes);
  const int64_t n = g->rows == 1 ? vectors_per_row : g->rows;
  g->num_parts = std::min<int64_t>(n, std::bit_floor(most));
  if (g->num_parts <= 1) return;
  g->grain = (n + g->num_parts - 1) / g->num_parts;
  if (g->rows == 1) g->grain *= lanes;
}

}  // namespace

std::string WhyNotGenerated(const PointwiseProgram& program, DataType type) {
  if (type != DataType::kFloat)
    return absl::StrCat(DataTypeName(type), " is computed by the C library");
  for (const PointwiseInstruction& i : program.instructions) {
    if (!HasVectorCode(i.op))
      return absl::StrCat(InfoOf(i.op).name, " is computed by the C library");
  }
  if (!VectorSetInUse().has_value()) return "the processor has no AVX2";
  return "";
}

std::string VectorSetName() {
  return VectorSetInUse() == VectorSet::kAvx512 ? "AVX-512" : "AVX2";
}

GeneratedDomain GenerateDomain(const PointwiseProgram& program,
                               const PointwiseDomain& d) {
  GeneratedDomain g;
  const VectorSet set = *VectorSetInUse();
  g.reason = WhyNotDomain(program, d, set);
  if (!g.reason.empty() || d.size == 0) return g;
  g.function = FindPointwiseFunction(FormOf(program, d), set);
  if (g.function == nullptr) {
    g.reason = "the system gives no memory that can be executed";
    return g;
  }
  g.code = g.function->code();
  g.pointers = PointersOf(d);
  g.num_stores = g.pointers.size() - d.loads.size();
  for (const GeneratedDomain::Pointer& p : g.pointers)
    g.row_bytes.push_back(p.strides.empty() ? 0 : p.strides[0]);
  g.columns = d.axes[0];
  g.rows = d.size / g.columns;
  g.rows_at_once = d.axes.size() > 1 ? d.axes[1] : 1;
  if (d.axes.size() > 2) g.slabs.assign(d.axes.begin() + 2, d.axes.end());
  // A sum is one thread's.
  if (g.rows > 1 || !d.has_sums()) SetParts(LanesOf(set), &g);
  return g;
}

void RunGenerated(const GeneratedDomain& d, const KernelContext& c) {
  if (d.num_parts <= 1) {
    d.slabs.empty() ? RunAll(d, c) : RunRows(d, c, 0, d.rows);
  } else if (d.rows == 1) {
    c.pool().ParallelFor(d.columns, d.grain, [&](int64_t begin, int64_t end) {
      RunColumns(d, c, begin, end);
    });
  } else {
    c.pool().ParallelFor(d.rows, d.grain, [&](int64_t begin, int64_t end) {
      RunRows(d, c, begin, end);
    });
  }
}

}  // namespace weft
