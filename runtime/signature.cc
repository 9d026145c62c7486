#include "runtime/signature.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/names.h"

namespace weft {
namespace {

absl::StatusOr<Output> FindValue(const Graph& graph, const std::string& name,
                                 absl::string_view use) {
  absl::StatusOr<Output> output = graph.FindOutput(name);
  if (!output.ok())
    return Annotate(output.status(),
                    absl::StrCat(use, " '", Printable(name), "'"));
  if (output->dtype() == DataType::kResource) {
    return InvalidArgument(use, " '", name, "' is a variable, not a value");
  }
  return output;
}

absl::StatusOr<const Node*> FindTarget(const Graph& graph,
                                       const std::string& name) {
  if (const Node* node = graph.FindNode(name)) return node;
  std::vector<absl::string_view> names;
  for (const auto& node : graph.nodes()) names.push_back(node->name());
  return NotFound("target '", Printable(name),
                  "': there is no such node in the graph",
                  DidYouMean(name, names));
}

}  // namespace

absl::StatusOr<ResolvedSignature> Resolve(const Graph& graph,
                                          const Signature& signature) {
  ResolvedSignature resolved;
  absl::flat_hash_map<Output, std::string> fed;
  for (const std::string& name : signature.feeds) {
    WEFT_ASSIGN_OR_RETURN(const Output output, FindValue(graph, name, "feed"));
    const auto [other, is_new] = fed.insert({output, name});
    if (!is_new) {
      return InvalidArgument(
          "feed '", name, "': the output is fed twice",
          other->second == name
              ? std::string()
              : absl::StrCat(", also as '", other->second, "'"));
    }
    resolved.feeds.push_back(output);
  }
  for (const std::string& name : signature.fetches) {
    WEFT_ASSIGN_OR_RETURN(const Output output, FindValue(graph, name, "fetch"));
    resolved.fetches.push_back(output);
  }
  for (const std::string& name : signature.targets) {
    WEFT_ASSIGN_OR_RETURN(const Node* node, FindTarget(graph, name));
    resolved.targets.push_back(node);
  }
  return resolved;
}

std::string SignatureKey(const Signature& signature) {
  std::string key;
  for (const auto* names :
       {&signature.feeds, &signature.fetches, &signature.targets}) {
    absl::StrAppend(&key, names->size(), ";");
    for (const std::string& name : *names)
      absl::StrAppend(&key, name.size(), ":", name);
  }
  return key;
}

}  // namespace weft
