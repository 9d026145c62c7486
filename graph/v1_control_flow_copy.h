// Copies parts of an old graph into a function.
#ifndef WEFT_GRAPH_V1_CONTROL_FLOW_COPY_H_
#define WEFT_GRAPH_V1_CONTROL_FLOW_COPY_H_

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "graph/v1_control_flow_graph.h"

namespace weft {

// Copies what values need: their nodes, those that these need, and so on, up to
// what a derived class says is an argument.
class V1Copier {
 public:
  // `from` and `to` must differ. `from` does not change.
  V1Copier(V1Module& module, const V1Graph& from, V1Graph& to)
      : from_(from), to_(to), module_(module) {}
  virtual ~V1Copier() = default;
  V1Copier(const V1Copier&) = delete;
  V1Copier& operator=(const V1Copier&) = delete;

  // What `value` of `from` is in `to`. Nodes are copied by the next Run.
  absl::StatusOr<V1Value> Map(V1Value value);
  // As Map, for what must wait for these nodes as well.
  absl::StatusOr<V1Value> MapAfter(V1Value value,
                                   const std::vector<int>& controls,
                                   const proto::NodeDef& named);
  absl::Status Run();

  // Is any node that was copied stateful?
  bool stateful() const { return stateful_; }

 protected:
  // A value of `from` to be copied, or an argument of `to`.
  struct Source {
    V1Value value;
    bool is_arg = false;
  };
  // What `value` comes from, through what disappears.
  virtual absl::StatusOr<Source> Resolve(V1Value value) = 0;
  // The node to wait for instead of `node`; -1 for none. A node that lies under
  // a condition because of what it waits for must still do so.
  virtual absl::StatusOr<int> ResolveControl(int node) = 0;
  // Called once for each node that is copied.
  virtual absl::Status Check(int node) = 0;

  const V1Graph& from_;
  V1Graph& to_;

 private:
  absl::StatusOr<int> Copy(int node);
  absl::Status MapControls(const V1Node& node, std::vector<int>* controls);

  V1Module& module_;
  bool stateful_ = false;
  absl::flat_hash_map<int, int> copied_;
  std::vector<int> open_;  // Of `from`: copied, but for the inputs.
};

// Does `node` do nothing but pass on a value?
bool IsAnchor(const V1Graph& graph, int node);
// Is it an Identity that waits for nothing but its input?
bool IsIdentity(const V1Node& node);

}  // namespace weft

#endif  // WEFT_GRAPH_V1_CONTROL_FLOW_COPY_H_
