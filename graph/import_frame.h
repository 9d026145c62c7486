// The state of an import. Used by the import_*.cc files alone.
#ifndef WEFT_GRAPH_IMPORT_FRAME_H_
#define WEFT_GRAPH_IMPORT_FRAME_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "core/attr.h"
#include "graph/expansion.h"
#include "graph/function_library.h"
#include "graph/graph.h"
#include "graph/import.h"
#include "graph/node_list.h"
#include "graph/tensor_proto.h"

namespace weft {

namespace proto {
class AttrValue;
}

// A node that is complete but for its bodies.
struct NodeDraft {
  int number = 0;  // In the list.
  const proto::NodeDef* def = nullptr;
  std::string op;  // PartitionedCall where def has a function.
  const OpSchema* schema = nullptr;  // Null: unknown.
  AttrMap attrs;
  Outputs inputs;
  std::vector<Node*> control_inputs;

  std::vector<FunctionName> functions;         // One per body.
  std::vector<std::unique_ptr<Graph>> bodies;  // Null while not made.
  std::vector<TensorShape> arg_shapes;         // Of the bodies' arguments.
  int times_widened = 0;

  // How a function calls its results, and how many each is: for nodes that have
  // the function's name as their op.
  std::vector<std::pair<absl::string_view, int64_t>> results;

  OpRole role() const;
  // Those of the inputs that become arguments of the bodies.
  absl::Span<const Output> args() const;
};

// A graph or body that is being filled.
struct ImportFrame {
  Graph* graph = nullptr;
  std::unique_ptr<Graph> body;  // Owns *graph, unless that is the outermost.
  const NodeList* list = nullptr;
  const proto::FunctionDef* function = nullptr;  // Null: the outermost.
  AttrMap attrs;              // What placeholders in the function stand for.
  std::vector<Outputs> args;  // By argument of the signature.
  std::vector<Node*> nodes;   // By number in the list; null: not yet added.
  // NodeDraft::results, by number in the list.
  absl::flat_hash_map<int, std::vector<std::pair<absl::string_view, int64_t>>>
      results;
  // Outputs that are references to variables: see import_expand.cc.
  absl::flat_hash_map<Output, Reference> references;
  size_t next = 0;                   // In list->order().
  std::unique_ptr<NodeDraft> draft;  // Whose bodies are being made.

  // Who uses each node: filled when first asked for.
  struct Use {
    int node;
    int input;
  };
  std::vector<std::vector<Use>> uses;
};

// What all frames share.
struct ImportContext {
  ImportOptions options;
  int producer = 0;  // Version of the program that wrote the file.
  FunctionLibrary library;
  TensorBudget budget;
  int64_t outputs_left = 0;
  // A function may be called often; its constants share memory.
  absl::flat_hash_map<const proto::AttrValue*, Tensor> constants;
};

// ---- import_node.cc ---------------------------------------------------------

// The value of an attr of a node in `frame`.
absl::StatusOr<AttrValue> ReadAttr(ImportContext& context,
                                   const ImportFrame& frame,
                                   const proto::AttrValue& attr);
// The next node of the frame, read and checked as far as the schema is not
// needed.
absl::StatusOr<std::unique_ptr<NodeDraft>> ReadNode(ImportContext& context,
                                                    ImportFrame& frame);
// Adds it to the frame's graph.
absl::Status AddNode(ImportContext& context, ImportFrame& frame,
                     NodeDraft& draft);
absl::StatusOr<Output> ResolveRef(const ImportFrame& frame,
                                  const InputRef& ref);

// ---- import_expand.cc -------------------------------------------------------

// Adds the nodes that stand for a node of an op with an expansion.
absl::StatusOr<Node*> Expand(const ExpansionFn& expansion, ImportFrame& frame,
                             NodeDraft& draft);
// Makes the inputs of a node that are references reads of their own where the
// node has control inputs: what it sees is what is there behind them.
void ReadBehindControls(ImportFrame& frame, NodeDraft& draft);

// ---- import_unknown.cc ------------------------------------------------------

// What the outputs of a node of an unknown op must be, for those that use them:
// their dtypes. Records their names in the draft's attrs.
absl::StatusOr<std::vector<DataType>> UnknownOutputs(ImportFrame& frame,
                                                     NodeDraft& draft);

// ---- import_body.cc ---------------------------------------------------------

// Finds the functions of a node with bodies, and their arguments' shapes.
absl::Status PrepareBodies(ImportContext& context, NodeDraft& draft);
// Which body is to be made next; -1: none.
int NextBody(const NodeDraft& draft);
// A frame to make it in.
absl::StatusOr<std::unique_ptr<ImportFrame>> BeginBody(ImportContext& context,
                                                       ImportFrame& outer,
                                                       int which);
// Gives it, filled, to the draft of the frame around it. A loop whose variables
// change their shapes gets another body, for shapes that fit.
absl::Status EndBody(ImportContext& context, ImportFrame& outer,
                     ImportFrame& filled);
// The dtypes of an argument or result of a function called with `attrs`: one,
// or those of a list.
absl::StatusOr<std::vector<DataType>> ArgTypes(
    const proto::FunctionDef& function, bool is_input, int arg,
    const AttrMap& attrs);

}  // namespace weft

#endif  // WEFT_GRAPH_IMPORT_FRAME_H_
