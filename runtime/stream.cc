#include "runtime/stream.h"

#include <random>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/collections.h"
#include "runtime/signature.h"

namespace weft {
namespace {

// What the fetches of a stream depend on, when all that is fed is fed.
class Needed {
 public:
  explicit Needed(const Outputs& fed) : fed_(fed.begin(), fed.end()) {}

  // Adds `output` and what it depends on.
  void Add(const Output& output) {
    std::vector<const Node*> open;
    Visit(output, &open);
    while (!open.empty()) {
      const Node* node = open.back();
      open.pop_back();
      if (!nodes_.insert(node).second) continue;
      for (const Output& input : node->inputs()) Visit(input, &open);
      for (const Node* control : node->control_inputs()) {
        open.push_back(control);
      }
    }
  }
  void AddFed(const Output& output) { fed_.insert(output); }

  bool Uses(const Output& output) const { return used_.contains(output); }
  const absl::flat_hash_set<const Node*>& nodes() const { return nodes_; }

 private:
  void Visit(const Output& output, std::vector<const Node*>* open) {
    used_.insert(output);
    if (!fed_.contains(output)) open->push_back(output.node());
  }

  absl::flat_hash_set<Output> fed_;
  absl::flat_hash_set<Output> used_;
  absl::flat_hash_set<const Node*> nodes_;
};

// A seed as layers draw it, for the node of that name.
Tensor SeedFrom(int64_t seed, int64_t of_name) {
  std::seed_seq words = {seed, seed >> 32, of_name, of_name >> 32};
  std::mt19937_64 random(words);
  const auto draw = [&] { return static_cast<int64_t>(random() >> 2); };
  const int64_t first = draw();
  return Tensor::Vector<int64_t>({first, draw()});
}

}  // namespace

absl::StatusOr<Stream> Stream::Create(Session& session,
                                      const StreamOptions& options) {
  Stream stream;
  stream.num_fetches_ = options.fetches.size();
  WEFT_RETURN_IF_ERROR(stream.FindPairs(session.graph(), options));
  WEFT_RETURN_IF_ERROR(stream.Prepare(session, options));
  return stream;
}

absl::Status Stream::FindPairs(const Graph& graph,
                               const StreamOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const ResolvedSignature resolved,
                        Resolve(graph, {options.feeds, options.fetches, {}}));
  std::vector<Pair> known;
  for (const char* collection : {kRecurrentState, kRecurrentDraws}) {
    const std::vector<std::string>& names = graph.Collection(collection);
    for (size_t i = 0; i + 1 < names.size(); i += 2) {
      Pair pair;
      WEFT_ASSIGN_OR_RETURN(pair.from, graph.FindOutput(names[i]));
      WEFT_ASSIGN_OR_RETURN(pair.to, graph.FindOutput(names[i + 1]));
      known.push_back(pair);
    }
  }
  Needed needed(resolved.feeds);
  // The states of later chunks are fed, so that what makes the first ones is no
  // part of the stream.
  for (const Pair& pair : known) needed.AddFed(pair.from);
  for (const Output& fetch : resolved.fetches) needed.Add(fetch);
  // What a state becomes may depend on states that the fetches do not.
  for (bool found = true; found;) {
    found = false;
    for (size_t i = 0; i < known.size(); ++i) {
      if (!needed.Uses(known[i].from)) continue;
      needed.Add(known[i].to);
      pairs_.push_back(known[i]);
      known.erase(known.begin() + static_cast<int64_t>(i));
      found = true;
      break;
    }
  }
  for (const std::string& scope : graph.Collection(kRecurrentBackward)) {
    for (const Node* node : needed.nodes()) {
      if (!absl::StartsWith(node->name(), absl::StrCat(scope, "/"))) continue;
      return FailedPrecondition(
          "the fetches depend on '", scope,
          "', which also reads backwards: it needs whole sequences");
    }
  }
  return absl::OkStatus();
}

absl::Status Stream::Prepare(Session& session, const StreamOptions& options) {
  Signature first{options.feeds, options.fetches, {}};
  Signature next = first;
  for (const Pair& pair : pairs_) {
    const std::string name = pair.from.name();
    next.feeds.push_back(name);
    if (!pair.stays()) {
      first.fetches.push_back(pair.to.name());
      next.fetches.push_back(pair.to.name());
    } else if (options.seed.has_value()) {
      seeds_[name] = SeedFrom(*options.seed, session.graph().SeedFor(name));
      first.feeds.push_back(name);
    } else {
      first.fetches.push_back(name);
    }
  }
  WEFT_ASSIGN_OR_RETURN(first_, session.Prepare(first));
  WEFT_ASSIGN_OR_RETURN(next_, session.Prepare(next));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Tensor>> Stream::Run(absl::Span<const Tensor> feeds,
                                                const RunOptions& options) {
  const bool starts = carried_.empty();
  std::vector<Tensor> fed(feeds.begin(), feeds.end());
  for (const Pair& pair : pairs_) {
    const auto& values = starts ? seeds_ : carried_;
    const auto value = values.find(pair.from.name());
    if (value != values.end()) fed.push_back(value->second);
  }
  std::vector<Tensor> results;
  WEFT_RETURN_IF_ERROR((starts ? *first_ : *next_).Run(fed, &results, options));
  std::map<std::string, Tensor> carried = starts ? seeds_ : carried_;
  size_t k = num_fetches_;
  for (const Pair& pair : pairs_) {
    const std::string name = pair.from.name();
    if (pair.stays() && carried.contains(name)) continue;
    carried[name] = std::move(results[k++]);
  }
  carried_ = std::move(carried);
  results.resize(num_fetches_);
  return results;
}

absl::Status Stream::Restore(std::map<std::string, Tensor> snapshot) {
  if (!snapshot.empty() && snapshot.size() != pairs_.size()) {
    return InvalidArgument("the snapshot holds ", snapshot.size(),
                           " states but the stream has ", pairs_.size());
  }
  for (const Pair& pair : pairs_) {
    if (snapshot.empty()) break;
    const auto value = snapshot.find(pair.from.name());
    if (value == snapshot.end()) {
      return InvalidArgument("the snapshot lacks ", pair.from.name());
    }
    const Tensor& state = value->second;
    if (state.dtype() != pair.from.dtype() ||
        !pair.from.shape().IsCompatibleWith(state.shape())) {
      return InvalidArgument("the snapshot's ", pair.from.name(), " is ",
                             DataTypeName(state.dtype()), " ",
                             state.shape().ToString(), " but must be ",
                             DataTypeName(pair.from.dtype()), " ",
                             pair.from.shape().ToString());
    }
  }
  carried_ = std::move(snapshot);
  return absl::OkStatus();
}

}  // namespace weft
