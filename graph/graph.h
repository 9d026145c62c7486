// Graph: a static computation graph under construction, or complete.
//
//   Graph g({.mode = ModeKeys::kTrain, .seed = 7});
//   Output x = Placeholder(g, "x", DataType::kFloat, {-1, 28});
//   Output y = Tanh(x) * 2.0f;
//   absl::Status status = g.status();  // The first mistake, if any.
//
// A graph only grows. Building is not thread-safe; a finished graph is read by
// any number of threads.
#ifndef WEFT_GRAPH_GRAPH_H_
#define WEFT_GRAPH_GRAPH_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/attr.h"
#include "graph/mode_keys.h"
#include "graph/node.h"
#include "graph/output.h"

namespace weft {

struct GraphOptions {
  ModeKeys mode = ModeKeys::kPredict;
  int64_t seed = 0;  // Of all random ops and initializers without their own.
  int64_t max_nodes = int64_t{1} << 24;  // With those of all bodies.
};

// What Graph::Add takes beside op, inputs and attrs.
struct NodeOptions {
  std::string name = {};  // Made unique, under the name scope. Empty: the op.
  std::vector<Node*> control_inputs = {};
  std::vector<std::unique_ptr<Graph>> bodies = {};
  std::string device = {};
  SourceLocation location = {};  // If not known: the inputs' own.
};

// A variable: a named tensor that outlives a run.
struct VariableInfo {
  std::string name;
  Output handle;  // Of the VarHandleOp, dtype kResource.
  DataType dtype = DataType::kInvalid;
  TensorShape shape;
  Node* initializer = nullptr;  // Assigns the initial value; null if imported.
  bool trainable = true;
  bool restore = true;  // False: saved, but left out of restoring.
};

class Graph {
 public:
  explicit Graph(GraphOptions options = {});
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  const GraphOptions& options() const { return options_; }
  ModeKeys mode() const { return options_.mode; }

  // ---- Building ----------------------------------------------------------

  // The new node. Type attrs follow from the inputs, defaults are filled in,
  // shapes are inferred. Inputs may lie in this graph or in one around it:
  // those are captured. Inputs of a graph within this one are a mistake.
  // After a mistake: the error node, which has any number of outputs, of
  // dtype kInvalid.
  Node* Add(absl::string_view op, const std::vector<Operand>& inputs,
            AttrMap attrs = {}, NodeOptions options = {});

  // A node of an op that weft does not know, from a file: kept and saved, but
  // not run. Its outputs have no shape; their dtypes are what their users
  // expect (kInvalid where that is not known).
  Node* AddUnknown(absl::string_view op, const std::vector<Operand>& inputs,
                   AttrMap attrs, const std::vector<DataType>& output_types,
                   NodeOptions options = {});

  // Records a mistake, if it is the first, and returns the error node.
  Node* Fail(const absl::Status& error, SourceLocation location = {});
  // The first mistake made in this graph or a body of it.
  const absl::Status& status() const;
  bool IsErrorNode(const Node* node) const;

  // `base`, or base_1, base_2, ...: under the current name scope, not in use.
  std::string UniqueName(absl::string_view base);
  // "encoder/cell": the scopes that are open. Empty at the top.
  const std::string& name_scope() const { return name_scope_; }

  // ---- Reading -----------------------------------------------------------

  // All nodes in the order of their ids: inputs before users.
  absl::Span<const std::unique_ptr<Node>> nodes() const { return nodes_; }
  int num_nodes() const { return static_cast<int>(nodes_.size()); }
  Node* FindNode(absl::string_view name) const;  // Null if there is none.
  // The Output called "node" or "node:k", or an alias of it. NotFound with the
  // nearest name, InvalidArgument for a bad index or syntax.
  absl::StatusOr<Output> FindOutput(absl::string_view name) const;
  // Makes `name` ("node:k") another name of `output`.
  void AddAlias(absl::string_view name, Output output);
  const std::map<std::string, Output>& aliases() const { return aliases_; }
  // Makes FindOutput say that the node `name` is part of `where`, "loop
  // 'rnn/while'", and can not be fetched.
  void AddHidden(absl::string_view name, absl::string_view where);

  // ---- Variables and collections, of the outermost graph ------------------

  void AddVariable(VariableInfo variable);
  const std::vector<VariableInfo>& variables() const {
    return root().variables_;
  }
  const VariableInfo* FindVariable(absl::string_view name) const;
  // Named lists of names: of nodes, outputs, or what the collection holds.
  void AddToCollection(absl::string_view collection, std::string name);
  const std::vector<std::string>& Collection(
      absl::string_view collection) const;
  const std::map<std::string, std::vector<std::string>>& collections() const {
    return root().collections_;
  }
  // The seed of what is called `name`: from the graph's seed and the name
  // alone, so never from the order of construction. Never 0.
  int64_t SeedFor(absl::string_view name) const;

  // ---- Bodies ------------------------------------------------------------

  // A graph of its own inside `parent`: a loop's body, a branch, a function.
  // It shares the options; names are unique within it.
  static std::unique_ptr<Graph> MakeBody(Graph& parent);
  Graph* parent() const { return parent_; }
  Graph& root() const;
  // How many graphs are around this one.
  int depth() const;

  // Adds the next argument.
  Output AddArg(DataType dtype, const TensorShape& shape,
                absl::string_view name = "arg");
  const Outputs& args() const { return args_; }
  const Outputs& results() const { return results_; }
  void SetResults(Outputs results) { results_ = std::move(results); }

  // What a body uses of the graphs around it: `inner` is an argument that
  // stands for `outer`. Captured args come after the declared ones.
  struct Capture {
    Output outer;
    Output inner;
  };
  const std::vector<Capture>& captures() const { return captures_; }
  // The Output of this graph that stands for `outer`, of this graph or one
  // around it. Captures it if need be.
  Output Capturing(Output outer);

  // ---- Changing what is there: for Gradients, importers and passes ---------

  // Appends an input and an output to a node with bodies.
  void AppendInput(Node* node, Output input);
  Output AppendOutput(Node* node, DataType dtype, const TensorShape& shape);
  void AddControlInput(Node* node, Node* control_input);
  void SetInput(Node* node, int i, Output input);
  void SetAttr(Node* node, absl::string_view name, AttrValue value);
  void SetOutputShape(Node* node, int i, const TensorShape& shape);

 private:
  friend class NameScope;
  friend class LocationScope;
  friend class ControlScope;

  absl::StatusOr<Node*> TryAdd(absl::string_view op, Outputs inputs,
                               AttrMap attrs, NodeOptions& options,
                               SourceLocation location);
  // The graph that a node with these inputs belongs to: the innermost of
  // theirs. An error if one lies in a body that is complete.
  absl::StatusOr<Graph*> Home(const std::vector<Operand>& inputs);
  absl::StatusOr<Outputs> Localize(const std::vector<Operand>& inputs);
  std::unique_ptr<Node> MakeNode(absl::string_view op, Outputs inputs,
                                 NodeOptions& options, SourceLocation location);
  absl::StatusOr<Node*> Insert(std::unique_ptr<Node> node);
  absl::Status Infer(Node* node, const std::vector<DataType>& output_types);
  SourceLocation LocationOf(const std::vector<Operand>& inputs,
                            const NodeOptions& options) const;

  GraphOptions options_;
  Graph* parent_ = nullptr;
  std::vector<std::unique_ptr<Node>> nodes_;
  absl::flat_hash_map<std::string, Node*> by_name_;
  absl::flat_hash_map<std::string, int> next_suffix_;
  std::map<std::string, Output> aliases_;
  absl::flat_hash_map<std::string, std::string> hidden_;
  std::string name_scope_;
  SourceLocation location_;  // Root only: of the outermost LocationScope.
  std::vector<Node*> control_scope_;
  std::unique_ptr<Node> error_node_;
  absl::Status status_;
  int64_t total_nodes_ = 0;  // Root only: with those of all bodies.

  std::vector<VariableInfo> variables_;
  std::map<std::string, std::vector<std::string>> collections_;

  bool complete_ = false;  // A body that belongs to a node.
  Outputs args_;
  Outputs results_;
  std::vector<Capture> captures_;
  absl::flat_hash_map<Output, Output> captured_;
};

// While it lives, names of new nodes begin with `name` + "/". The scope's own
// name is made unique; Full() is it.
class NameScope {
 public:
  NameScope(Graph& graph, absl::string_view name);
  // Enters a scope that exists already, given by its full name.
  struct Existing {
    std::string full_name;
  };
  NameScope(Graph& graph, Existing scope);
  ~NameScope();
  NameScope(const NameScope&) = delete;
  NameScope& operator=(const NameScope&) = delete;
  const std::string& Full() const { return graph_.name_scope_; }

 private:
  Graph& graph_;
  std::string outer_;
};

// While it lives, new nodes report `location`: what a layer opens, so that the
// user's line is reported, not weft's. Within another it changes nothing.
class LocationScope {
 public:
  LocationScope(Graph& graph, SourceLocation location);
  explicit LocationScope(const Operand& x)
      : LocationScope(x.graph(), x.location) {}
  ~LocationScope();
  LocationScope(const LocationScope&) = delete;
  LocationScope& operator=(const LocationScope&) = delete;

 private:
  Graph& graph_;
  SourceLocation outer_;
};

// While it lives, new nodes run after `nodes`.
class ControlScope {
 public:
  ControlScope(Graph& graph, std::vector<Node*> nodes);
  ~ControlScope();
  ControlScope(const ControlScope&) = delete;
  ControlScope& operator=(const ControlScope&) = delete;

 private:
  Graph& graph_;
  size_t outer_size_;
};

}  // namespace weft

#endif  // WEFT_GRAPH_GRAPH_H_
