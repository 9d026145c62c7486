// Old graphs on their way to structured ones: nodes as they stand in a file,
// but with numbers as inputs. Used by v1_control_flow*.cc and tensor_array*.cc
// alone.
#ifndef WEFT_GRAPH_V1_CONTROL_FLOW_GRAPH_H_
#define WEFT_GRAPH_V1_CONTROL_FLOW_GRAPH_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/graph.pb.h"

namespace weft {

// The ops of TensorFlow's first control flow; those for references count as the
// others.
enum class V1Op {
  kNone,
  kEnter,
  kExit,
  kMerge,
  kSwitch,
  kNextIteration,
  kLoopCond,
  kControlTrigger,
};
V1Op V1OpOf(absl::string_view op);

// Output `index` of a node, or argument `index` of the graph.
struct V1Value {
  static constexpr int kArg = -1;
  int node = kArg;
  int index = 0;

  friend bool operator==(const V1Value& a, const V1Value& b) {
    return a.node == b.node && a.index == b.index;
  }
  template <typename H>
  friend H AbslHashValue(H h, const V1Value& v) {
    return H::combine(std::move(h), v.node, v.index);
  }
};

struct V1Node {
  const proto::NodeDef* def =
      nullptr;  // Name, op, attrs; its inputs do not count.
  std::vector<V1Value> inputs = {};
  std::vector<int> controls = {};  // Nodes that run before.
  // Its control inputs only say to which frame it belongs.
  bool anchored = false;

  V1Op op() const { return V1OpOf(def->op()); }
  const std::string& name() const { return def->name(); }
};

// The outermost graph, or a function.
struct V1Graph {
  std::string name;   // Of the function; empty for the outermost graph.
  std::string where;  // What it is a body of: "loop 'rnn/while'".
  std::vector<V1Node> nodes;
  std::vector<int> arg_types;  // Numbers of data types, as in files.
  std::vector<V1Value> results;
  std::vector<int> result_types;
};

// All graphs of a file while its control flow is being changed.
class V1Module {
 public:
  // `max_nodes` bounds what is made, copies for several branches included.
  explicit V1Module(int64_t max_nodes) : nodes_left_(max_nodes) {}
  V1Module(const V1Module&) = delete;
  V1Module& operator=(const V1Module&) = delete;

  // The outermost graph as in the file, which must outlive the module. Mistakes
  // in names and inputs are those that NodeList reports.
  absl::Status Read(const proto::GraphDef& file);
  V1Graph& outermost() { return *graphs_[0]; }

  // ---- Making -------------------------------------------------------------

  const std::vector<std::unique_ptr<V1Graph>>& graphs() const {
    return graphs_;
  }
  // A function called like `base`: a body of `where`.
  V1Graph* AddGraph(absl::string_view base, std::string where);
  // A node's name, op and attrs, to be filled in.
  proto::NodeDef* NewDef(std::string name, absl::string_view op);
  // `base`, or base_1, base_2, ...: no node of the file is called so.
  std::string UniqueName(absl::string_view base);
  // ResourceExhausted if `count` more nodes are too many.
  absl::Status TakeNodes(int64_t count);

  // ---- Names that disappear -------------------------------------------------

  // Output `index` of the node that was called `name` is now `to` of `graph`.
  void Alias(const std::string& name, int index, const V1Graph& graph,
             V1Value to);
  // A node called `name` became part of `where`, or of nothing.
  void Hide(const std::string& name, const std::string& where);

  // What became of the names: "a:0" is now "b:2".
  std::map<std::string, std::string> FinalAliases() const;
  // Where nodes are that cannot be fetched.
  absl::flat_hash_map<std::string, std::string> FinalHidden() const;

  // ---- Result ---------------------------------------------------------------

  // The graphs, with all else that is in `file`.
  proto::GraphDef Emit(const proto::GraphDef& file) const;

 private:
  // `base`, or base_1, base_2, ...: not in `taken`, of which it becomes part.
  std::string Unique(absl::string_view base,
                     absl::flat_hash_set<std::string>* taken);

  int64_t nodes_left_;
  std::vector<std::unique_ptr<V1Graph>> graphs_;
  std::deque<proto::NodeDef> defs_;  // Those that are not in the file.
  absl::flat_hash_set<std::string> names_;
  absl::flat_hash_set<absl::string_view> file_names_;
  absl::flat_hash_set<std::string> function_names_;
  absl::flat_hash_map<std::string, int> next_suffix_;
  std::map<std::string, std::string> aliases_;
  absl::flat_hash_map<std::string, std::string> hidden_;
};

// How many nodes that pass a value on are looked through at a time.
inline constexpr int kMaxV1Steps = 100;

// The nodes of a graph, inputs first, without regard to what a NextIteration
// gives. InvalidArgument for a cycle.
absl::StatusOr<std::vector<int>> InOrder(const V1Graph& graph);

// "rnn/while" for rnn/while/Merge_1; `otherwise` for a name without a scope.
std::string ScopeOf(const std::string& name, absl::string_view otherwise);

// ---- v1_control_flow_types.cc -----------------------------------------------

// The number of the type that a value has or that a node takes; 0 if it is not
// known. References count as what they refer to.
int TypeOf(const V1Graph& graph, V1Value value);
int OutputType(const proto::NodeDef& node, int index);
int InputType(const proto::NodeDef& node, int index);
// That in a type attr of the node; 0 if there is none.
int TypeAttr(const proto::NodeDef& node, const std::string& name);
// Must it run exactly as often as the graph says? Unknown ops count as such.
bool IsStateful(const proto::NodeDef& node);
// "float32".
std::string TypeName(int type);

}  // namespace weft

#endif  // WEFT_GRAPH_V1_CONTROL_FLOW_GRAPH_H_
