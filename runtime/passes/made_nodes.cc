#include "runtime/passes/made_nodes.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "graph/op.h"

namespace weft {

int AddConst(PlanGraph* graph, int source, Tensor value) {
  graph->shapes.push_back(value.shape());
  const int output =
      graph->AddValue({.dtype = value.dtype(), .shape = &graph->shapes.back()});
  static const auto& made = *new std::shared_ptr<const MadeOp>(
      std::make_shared<MadeOp>(MadeOp{.op = "Const", .is_pure = true}));
  PlanNode node = {.source = graph->nodes[source].source,
                   .made = made,
                   .role = OpRole::kConst,
                   .scope = graph->nodes[source].scope,
                   .constant = graph->AddConstant(std::move(value))};
  node.outputs = {output};
  graph->AddNode(std::move(node));
  return output;
}

int AddScalar(PlanGraph* graph, int source, DataType type, int64_t value) {
  return AddConst(graph, source,
                  type == DataType::kInt64
                      ? Tensor::Scalar<int64_t>(value)
                      : Tensor::Scalar<int32_t>(static_cast<int32_t>(value)));
}

int AddMadeValue(PlanGraph* graph, MadeOp op, int source, int frame, Ids inputs,
                 const TensorShape& shape) {
  for (int input : inputs) op.input_types.push_back(graph->values[input].dtype);
  const int node =
      graph->AddMade(std::move(op), source, frame, std::move(inputs), {shape});
  return graph->nodes[node].outputs[0];
}

int AddArithmetic(PlanGraph* graph, const char* name, int source, int frame,
                  int a, int b) {
  const DataType type = graph->values[a].dtype;
  MadeOp op{.op = name};
  op.attrs.Set("T", type);
  op.output_types = {absl::string_view(name) == "Less" ? DataType::kBool
                                                       : type};
  op.is_pure = true;
  const int value =
      AddMadeValue(graph, std::move(op), source, frame, {a, b}, {});
  // For passes that ask what the node computes.
  graph->nodes[graph->values[value].node].op_traits =
      &OpRegistry::Global().Find(name)->traits();
  return value;
}

RowMemory AddRowMemory(PlanGraph* graph, int source, int frame,
                       int element_shape, int number, DataType type,
                       const TensorShape& shape, int64_t max_bytes) {
  const bool is_open = element_shape < 0;
  if (is_open) element_shape = AddScalar(graph, source, DataType::kInt32, -1);
  MadeOp op{.op = "_RowStore", .assumes = is_open};
  op.attrs.Set("swapped", false);
  op.attrs.Set("max_bytes", max_bytes);
  op.input_types = {graph->values[element_shape].dtype,
                    graph->values[number].dtype};
  op.output_types = {type, DataType::kBool};
  const int64_t rows = shape.has_rank() ? shape.dim(0) : -1;
  const int node = graph->AddMade(std::move(op), source, frame,
                                  {element_shape, number}, {shape, {rows}});
  return {graph->nodes[node].outputs[0], graph->nodes[node].outputs[1]};
}

void AddSetRow(PlanGraph* graph, int source, int body, const RowMemory& memory,
               int index, int row) {
  const PlanNode& store = graph->nodes[graph->values[memory.rows].node];
  MadeOp op{.op = "_SetRow", .assumes = store.made->assumes};
  op.attrs.Set("swapped", false);
  op.attrs.Set("axis", int64_t{0});
  for (int input : {memory.rows, memory.flags, index, row})
    op.input_types.push_back(graph->values[input].dtype);
  op.output_types = {graph->values[row].dtype};
  const int node = graph->AddMade(std::move(op), source, body,
                                  {memory.rows, memory.flags, index, row},
                                  {*graph->values[row].shape});
  graph->frames[body].targets.push_back(node);
}

int AddStoredRows(PlanGraph* graph, int source, int frame,
                  const RowMemory& memory, int token, int64_t num_elements) {
  const PlanValue rows = graph->values[memory.rows];
  MadeOp op{.op = "_StoredRows"};
  op.attrs.Set("shape", *rows.shape);
  op.attrs.Set("num_elements", num_elements);
  op.attrs.Set("zeros", true);
  op.attrs.Set("swapped", false);
  for (int input : {memory.rows, memory.flags, token})
    op.input_types.push_back(graph->values[input].dtype);
  op.output_types = {rows.dtype, DataType::kBool};
  const int node = graph->AddMade(std::move(op), source, frame,
                                  {memory.rows, memory.flags, token},
                                  {*rows.shape, TensorShape({0})});
  return graph->nodes[node].outputs[0];
}

int AddRow(PlanGraph* graph, int source, int frame, int tensor, int index,
           const TensorShape& shape) {
  MadeOp op{.op = "_Row"};
  op.attrs.Set("shape", shape);
  op.output_types = {graph->values[tensor].dtype};
  return AddMadeValue(graph, std::move(op), source, frame, {tensor, index},
                      shape);
}

}  // namespace weft
