// PlanGraph: what the passes work on.
//
// A flat copy of the part of a Graph that a signature needs. Nodes, values and
// frames of all bodies are numbered through, so that a body uses a value of the
// graph around it directly, by its number: there are no captures, branches have
// no arguments, and calls are gone.
//
//   frame 0            the graph itself; its results are the fetches
//   cond               child of the frame with the While; its arguments are the
//                      loop variables; its result says whether to go on
//   body               child of cond, whose values it may use: it runs after it
//                      in each iteration; one result per loop variable
//   then, else         children of the frame with the If
#ifndef WEFT_RUNTIME_PLAN_GRAPH_H_
#define WEFT_RUNTIME_PLAN_GRAPH_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/attr.h"
#include "core/data_type.h"
#include "core/tensor.h"
#include "core/tensor_shape.h"
#include "graph/node.h"
#include "graph/op.h"

namespace weft {

using Ids = absl::InlinedVector<int, 3>;

// One result of a node, a feed, or a loop variable.
struct PlanValue {
  DataType dtype = DataType::kInvalid;
  int node = -1;  // Whose output it is; -1: a feed, or an argument of `frame`.
  int index = 0;  // Which output, feed or argument.
  int frame = 0;
  const TensorShape* shape = nullptr;  // What is known before any feed.
};

// When an instruction runs that writes a variable.
enum class WritePhase : uint8_t {
  kNone,    // Writes none.
  kCommit,  // At the end of the run, when nothing can fail any more.
  kShadow,  // At its place, on a copy that is swapped in at the end.
};

// What a pass has put in the place of nodes: an op that only kernels know, by a
// name that begins with "_".
struct MadeOp {
  std::string op;
  AttrMap attrs;
  std::vector<DataType> input_types;
  std::vector<DataType> output_types;
  bool names_its_parts = false;  // Its errors say which node they are of.
  bool is_pure = false;          // May be computed while laying out.
  // The result stays for the next run if it follows from variables that have
  // not changed.
  bool may_be_kept = false;
  // It stands for other nodes only where its layout is known before running:
  // else the plan does not hold (see Plan::has_assumptions).
  bool assumes = false;
  // So many inputs at the end need not have a shape when it is laid out.
  int num_optional_inputs = 0;
};

struct PlanNode {
  // Name, op, attrs. Null: made by the importer. Of a made op: what it stands
  // for, for its name.
  const Node* source = nullptr;
  std::shared_ptr<const MadeOp> made = nullptr;
  OpRole role = OpRole::kCompute;
  WritePhase phase = WritePhase::kNone;
  int frame = 0;
  int scope = 0;      // Into PlanGraph::scopes: the calls it was inlined from.
  int constant = -1;  // Of a kConst: its first output, in PlanGraph::constants.
  int cond = -1;      // Frames of a kWhile.
  int body = -1;
  int then_frame = -1;  // Frames of a kIf.
  int else_frame = -1;
  Ids inputs;  // Values. Of a kIf: the condition alone.
  Ids outputs;
  Ids controls;  // Nodes of the same frame that run before.

  // Null if weft does not know the op, or if it is made.
  const OpSchema* schema() const {
    return source != nullptr && made == nullptr ? source->schema() : nullptr;
  }
  absl::string_view op() const;  // "NoOp" without a source.
  const AttrMap& attrs() const {
    return made != nullptr ? made->attrs : source->attrs();
  }
  // Of ops that weft does not know: none.
  const OpTraits& traits() const { return *op_traits; }
  const OpTraits* op_traits = &NoTraits();

  static const OpTraits& NoTraits();
};

struct PlanFrame {
  int parent = -1;         // -1: frame 0.
  int owner = -1;          // The While or If.
  std::vector<int> nodes;  // In an order in which they can run.
  std::vector<int> args;   // Of a cond frame: the loop variables.
  std::vector<int> results;
  std::vector<int> targets;  // Nodes that run for what they do.
};

// A variable that the plan uses. Its handle does not occur as a value: what
// takes it as an input takes the value that the variable has then.
struct PlanVariable {
  std::string name;
  DataType dtype = DataType::kInvalid;
  const TensorShape* shape = nullptr;  // As declared.
  const Node* source = nullptr;
  int start = -1;   // Value at the start of the run; -1: not used.
  int target = -1;  // What the commit segment writes; -1: nothing.
  int shadow = -1;  // Value that the last write to a copy left; -1: none.
  bool must_exist = false;   // Is its value at the start needed?
  bool keeps_value = false;  // Does the commit segment start from its value?
  bool fallible = false;     // May a write in the commit segment fail?
};

// A write that does not wait for the end of the run: `node` works on `to`,
// which is a copy of `from`, or, for a mere write, new.
struct ShadowWrite {
  int variable = -1;
  int node = -1;
  int from = -1;
  int to = -1;
  bool keeps_value = false;
  bool takes = false;  // Nobody else uses `from`: its memory becomes `to`.
};

struct PlanGraph {
  std::vector<PlanNode> nodes;
  std::vector<PlanValue> values;
  std::vector<PlanFrame> frames;
  std::vector<int> feeds;  // Values, in the order of the signature.
  std::vector<PlanVariable> variables;
  std::vector<ShadowWrite> shadows;
  std::deque<Tensor> constants;
  std::deque<TensorShape> shapes;  // Of values of made nodes.
  std::vector<std::string> scopes = {""};

  int AddFrame(int parent, int owner);
  int AddNode(PlanNode node);  // Its outputs become its own.
  int AddValue(PlanValue value);
  int AddConstant(Tensor value);
  // A made node in `frame` that stands for `source`, with outputs of these
  // shapes; its number.
  int AddMade(MadeOp op, int source, int frame, Ids inputs,
              const std::vector<TensorShape>& shapes);

  // "rnn/while/MatMul": with the calls it was inlined from.
  std::string NameOf(int node) const;
  // "MatMul 'rnn/while/MatMul'".
  std::string Describe(int node) const;
  // NameOf with the owners of the frames around it in front: unique.
  std::string PathOf(int node) const;
  // "MatMul:0", "x:0".
  std::string ValueName(int value) const;
  // The node of `frame` that is `node` or has it in its bodies; -1 if `node`
  // does not lie within `frame`, or in the condition of the loop around it.
  int Enclosing(int node, int frame) const;
  // Is `frame` `ancestor` or within it?
  bool Within(int frame, int ancestor) const;

  // Removes what is not marked, and renumbers. Lists of frames are kept in
  // order.
  void Keep(const std::vector<bool>& nodes, const std::vector<bool>& values);
  // Replaces each use of a value by replacement[value].
  void ReplaceUses(const std::vector<int>& replacement);
  // One line per node, for tests and people.
  std::string ToString() const;
};

// Orders the nodes of all frames so that each comes behind what it needs, else
// by number. InvalidArgument names the nodes of a cycle.
absl::Status OrderNodes(PlanGraph* graph);

// What must run before each node, in its own frame: makers of its inputs and of
// what its bodies use, and control inputs. Calls fn(predecessor, node).
void ForEachDependency(const PlanGraph& graph,
                       absl::FunctionRef<void(int predecessor, int node)> fn);

}  // namespace weft

#endif  // WEFT_RUNTIME_PLAN_GRAPH_H_
