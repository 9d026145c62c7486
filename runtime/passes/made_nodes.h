// Nodes that several passes make.
#ifndef WEFT_RUNTIME_PASSES_MADE_NODES_H_
#define WEFT_RUNTIME_PASSES_MADE_NODES_H_

#include <cstdint>

#include "core/attr.h"
#include "core/data_type.h"
#include "core/tensor.h"
#include "core/tensor_shape.h"
#include "runtime/plan_graph.h"

namespace weft {

// All of these are named after the node `source`; what they give is a value.

int AddConst(PlanGraph* graph, int source, Tensor value);
// A scalar int32 or int64.
int AddScalar(PlanGraph* graph, int source, DataType type, int64_t value);
// The only output of a made node whose input types are those of its inputs.
int AddMadeValue(PlanGraph* graph, MadeOp op, int source, int frame, Ids inputs,
                 const TensorShape& shape);
// An op of the registry on scalars, of the type of `a`; "Less" gives a bool.
int AddArithmetic(PlanGraph* graph, const char* op, int source, int frame,
                  int a, int b);

// Memory for the rows that a loop makes, in the frame around it.
struct RowMemory {
  int rows = -1;
  int flags = -1;  // Whether each is set.
};
// `shape` is what is known of all rows together. `element_shape` -1: rows have
// the shape of the first that is set, which a layout has to know. `max_bytes`
// -1: they may take any number of bytes.
RowMemory AddRowMemory(PlanGraph* graph, int source, int frame,
                       int element_shape, int number, DataType type,
                       const TensorShape& shape, int64_t max_bytes = -1);
// In the body: rows[index] = row.
void AddSetRow(PlanGraph* graph, int source, int body, const RowMemory& memory,
               int index, int row);
// All rows, when `token` is made. Attr num_elements: how many there must be, or
// -1.
int AddStoredRows(PlanGraph* graph, int source, int frame,
                  const RowMemory& memory, int token, int64_t num_elements);
// Row `index` of `tensor`; `shape` is what is known of it.
int AddRow(PlanGraph* graph, int source, int frame, int tensor, int index,
           const TensorShape& shape);

}  // namespace weft

#endif  // WEFT_RUNTIME_PASSES_MADE_NODES_H_
