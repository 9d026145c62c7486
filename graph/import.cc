#include "graph/import.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/import_frame.h"
#include "graph/op.h"
#include "graph/v1_control_flow.h"
#include "proto/graph.pb.h"

namespace weft {
namespace {

// The version of the format that weft reads: that of TensorFlow 2.12, whose new
// fields since 1.15 are annotations. No producer so far asks for more than 12.
constexpr int kVersion = 1394;

absl::Status CheckVersions(const proto::GraphDef& def) {
  const proto::VersionDef& versions = def.versions();
  if (versions.min_consumer() > kVersion) {
    return FailedPrecondition(
        "the graph needs a reader of version ", versions.min_consumer(),
        " or later (versions.min_consumer); this is version ", kVersion,
        ". It was written by version ", versions.producer());
  }
  for (int bad : versions.bad_consumers()) {
    if (bad != kVersion) continue;
    return FailedPrecondition("the graph must not be read by version ",
                              kVersion,
                              " (versions.bad_consumers), which this is");
  }
  if (versions.producer() < 0) {
    return FailedPrecondition("the graph was written by version ",
                              versions.producer(),
                              " (versions.producer), which there is not");
  }
  return absl::OkStatus();
}

// Fills a graph and its bodies. A body is complete before the node that has it
// is added; the bodies that are being filled are a list, so that no depth of
// them uses up the stack.
class GraphImporter {
 public:
  GraphImporter(const proto::GraphDef& def, ImportContext context,
                NodeList list)
      : list_(std::move(list)), context_(std::move(context)) {
    context_.producer = def.versions().producer();
  }

  absl::StatusOr<std::unique_ptr<Graph>> Run() {
    auto graph = std::make_unique<Graph>(context_.options.graph);
    auto outermost = std::make_unique<ImportFrame>();
    outermost->graph = graph.get();
    outermost->list = &list_;
    outermost->nodes.resize(list_.size());
    frames_.push_back(std::move(outermost));
    while (!frames_.empty()) {
      const absl::Status status = Step();
      if (!status.ok()) return WithFrames(status);
    }
    RegisterVariables(*graph);
    return graph;
  }

 private:
  absl::Status Step() {
    ImportFrame& frame = *frames_.back();
    if (frame.draft == nullptr) {
      if (frame.next == frame.list->order().size()) return EndFrame();
      WEFT_ASSIGN_OR_RETURN(frame.draft, ReadNode(context_, frame));
    }
    const int body = NextBody(*frame.draft);
    if (body >= 0) {
      WEFT_ASSIGN_OR_RETURN(std::unique_ptr<ImportFrame> inner,
                            BeginBody(context_, frame, body));
      frames_.push_back(std::move(inner));
      return absl::OkStatus();
    }
    WEFT_RETURN_IF_ERROR(AddNode(context_, frame, *frame.draft));
    frame.draft = nullptr;
    return absl::OkStatus();
  }

  absl::Status EndFrame() {
    if (frames_.size() > 1) {
      WEFT_RETURN_IF_ERROR(
          EndBody(context_, *frames_[frames_.size() - 2], *frames_.back()));
    }
    frames_.pop_back();
    return absl::OkStatus();
  }

  // `status` with the functions in which it arose in front; of many, the
  // innermost and the outermost ones.
  absl::Status WithFrames(absl::Status status) const {
    constexpr size_t kShown = 4;  // At each end.
    for (size_t i = frames_.size() - 1; i > 0; --i) {
      if (i > kShown && i + kShown < frames_.size()) {
        status =
            Annotate(status, absl::StrCat("... ", i - kShown, " more ..."));
        i = kShown;
      }
      const std::string& function = frames_[i]->function->signature().name();
      status = Annotate(status,
                        absl::StrCat(DescribeNode(*frames_[i - 1]->draft->def),
                                     ": function '", Printable(function), "'"));
    }
    return status;
  }

  static void RegisterVariables(Graph& graph);

  const NodeList list_;
  ImportContext context_;
  std::vector<std::unique_ptr<ImportFrame>> frames_;
};

// The node that gives a variable its initial value, of those that write it: the
// one that TensorFlow calls NAME/Assign, or the only one.
Node* FindInitializer(const std::string& variable,
                      const std::vector<Node*>& writers) {
  for (Node* writer : writers) {
    // What it was expanded to lies in a scope of its name.
    const std::string assign = absl::StrCat(variable, "/Assign");
    if (writer->name() == assign ||
        absl::StartsWith(writer->name(), absl::StrCat(assign, "/")))
      return writer;
  }
  return writers.size() == 1 ? writers.front() : nullptr;
}

void GraphImporter::RegisterVariables(Graph& graph) {
  absl::flat_hash_map<const Node*, std::vector<Node*>> writers;
  for (const std::unique_ptr<Node>& node : graph.nodes()) {
    if (node->schema() == nullptr) continue;
    for (const auto& [input, access] : node->schema()->traits().variables) {
      if (access != VariableAccess::kWrite) continue;
      writers[node->input(input).node()].push_back(node.get());
    }
  }
  absl::flat_hash_set<std::string> known;
  for (const std::unique_ptr<Node>& node : graph.nodes()) {
    if (node->schema() == nullptr ||
        node->schema()->traits().role != OpRole::kVariable)
      continue;
    const AttrValue* shared = node->attrs().Find("shared_name");
    const AttrValue* dtype = node->attrs().Find("dtype");
    VariableInfo variable;
    variable.name = node->name();
    if (shared != nullptr && shared->get_if<std::string>() != nullptr &&
        !shared->get_if<std::string>()->empty()) {
      variable.name = *shared->get_if<std::string>();
    }
    if (!known.insert(variable.name).second)
      continue;  // Another handle of the same.
    variable.handle = node->output(0);
    if (dtype != nullptr && dtype->get_if<DataType>() != nullptr) {
      variable.dtype = *dtype->get_if<DataType>();
    }
    variable.shape = node->output_shape(0);
    variable.initializer = FindInitializer(variable.name, writers[node.get()]);
    graph.AddVariable(std::move(variable));
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Graph>> ImportGraphDef(
    const proto::GraphDef& file, const ImportOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckVersions(file));
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<StructuredGraph> structured,
                        StructureOldGraph(file, options.graph.max_nodes));
  const proto::GraphDef& def = structured != nullptr ? structured->def : file;
  WEFT_ASSIGN_OR_RETURN(FunctionLibrary library,
                        FunctionLibrary::Create(def, options.graph.max_nodes));
  WEFT_ASSIGN_OR_RETURN(NodeList list, NodeList::OfGraph(def));
  ImportContext context = {.options = options,
                           .library = std::move(library),
                           .budget = TensorBudget(options.max_tensor_bytes),
                           .outputs_left = options.max_outputs};
  WEFT_ASSIGN_OR_RETURN(
      std::unique_ptr<Graph> graph,
      GraphImporter(def, std::move(context), std::move(list)).Run());
  if (structured != nullptr) structured->AddNamesTo(*graph);
  return graph;
}

}  // namespace weft
