// Ops of files for which ordinary nodes stand in the graph.
//
//   WEFT_EXPANSION(BiasAddV1, [](ExpansionContext& c) -> Outputs {
//     return {BiasAdd(c.in(0), c.in(1))};
//   });
//
// Such an op has a schema, so that its attrs and types are checked, but no
// kernel and no gradient: reading a file puts the nodes in its place, and an
// identity that has its name, so that it can be fetched.
#ifndef WEFT_GRAPH_EXPANSION_H_
#define WEFT_GRAPH_EXPANSION_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "core/attr.h"
#include "core/status.h"
#include "graph/graph.h"
#include "graph/output.h"

namespace weft {

// The variable that a reference is to, and what changed it last, if the
// reference comes from there.
struct Reference {
  Output handle;  // Not valid: no reference.
  Node* behind = nullptr;
};

// What an expansion sees of the node in the file. New nodes lie in a name scope
// of their own and run after the node's control inputs.
//
// Reference variables are resource variables here: a reference is a read of its
// variable, which is known by its handle.
class ExpansionContext {
 public:
  ExpansionContext(Graph& graph, const std::string& name, const AttrMap& attrs,
                   Outputs inputs, std::vector<Reference> references,
                   bool has_controls)
      : graph_(graph),
        name_(name),
        attrs_(attrs),
        inputs_(std::move(inputs)),
        references_(std::move(references)),
        has_controls_(has_controls) {}

  Graph& graph() const { return graph_; }
  const std::string& name() const { return name_; }  // In the file.
  const AttrMap& attrs() const { return attrs_; }    // Complete.
  template <typename T>
  const T& attr(absl::string_view name) const {
    return attrs_.Get<T>(name);
  }

  int num_inputs() const { return static_cast<int>(inputs_.size()); }
  // The value of input i; of a reference, its value behind the node's control
  // inputs.
  Output in(int i);
  // The inputs from `begin` to before `end`.
  Outputs in(int begin, int end);
  // The variable that input i refers to. Not valid, and a mistake, if it is no
  // reference.
  Output handle(int i);
  // The node behind which that reference is; null if there is none.
  Node* behind(int i) const { return references_[i].behind; }

  // Output i is this reference.
  void SetReference(int i, Reference reference) {
    results_.emplace_back(i, reference);
  }
  // For ops without outputs: what runs if the node runs.
  void AddEffect(Node* node) { effects_.push_back(node); }

  // A mistake of the file: InvalidArgument, or Unimplemented.
  template <typename... Args>
  Outputs Fail(const Args&... args) {
    return FailWith(InvalidArgument(args...));
  }
  template <typename... Args>
  Outputs FailUnimplemented(const Args&... args) {
    return FailWith(Unimplemented(args...));
  }

  // For the importer.
  const absl::Status& status() const { return status_; }
  const std::vector<std::pair<int, Reference>>& references() const {
    return results_;
  }
  const std::vector<Node*>& effects() const { return effects_; }

 private:
  Outputs FailWith(absl::Status status) {
    status_.Update(status);
    return {};
  }

  Graph& graph_;
  const std::string& name_;
  const AttrMap& attrs_;
  Outputs inputs_;
  std::vector<Reference> references_;  // By input.
  const bool has_controls_;
  std::vector<std::pair<int, Reference>> results_;
  std::vector<Node*> effects_;
  absl::Status status_;
};

// The outputs of the node, of the types that its schema says.
using ExpansionFn = std::function<Outputs(ExpansionContext&)>;

// Expansions by op. Filled before main; read-only afterwards.
class ExpansionRegistry {
 public:
  static ExpansionRegistry& Global();
  void Register(std::string op, ExpansionFn fn);
  const ExpansionFn* Find(absl::string_view op) const;  // Null: none.

 private:
  absl::flat_hash_map<std::string, ExpansionFn> expansions_;
};

struct ExpansionRegistration {
  ExpansionRegistration(std::string op, ExpansionFn fn) {
    ExpansionRegistry::Global().Register(std::move(op), std::move(fn));
  }
};

// Why an op with an expansion has no kernel.
inline constexpr char kExpanded[] =
    "reading a file puts other nodes in its place";

}  // namespace weft

#define WEFT_EXPANSION(op, ...)                            \
  static const ::weft::ExpansionRegistration WEFT_CONCAT_( \
      weft_expansion_, op)(#op, __VA_ARGS__)

#endif  // WEFT_GRAPH_EXPANSION_H_
