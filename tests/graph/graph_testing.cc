#include "tests/graph/graph_testing.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "graph/text_format.h"
#include "gtest/gtest.h"

namespace weft {
namespace {

void DumpTo(const Graph& graph, const std::string& indent, std::string* out) {
  for (const std::unique_ptr<Node>& node : graph.nodes()) {
    absl::StrAppend(out, indent, node->Describe());
    for (const Node* control : node->control_inputs()) {
      absl::StrAppend(out, " ^", control->name());
    }
    if (!node->device().empty()) absl::StrAppend(out, " on ", node->device());
    if (node->schema() == nullptr) absl::StrAppend(out, " unknown");
    for (const auto& [name, value] : node->attrs()) {
      // Functions that are alike share a name: what counts is the body.
      if (node->num_bodies() > 0 && value.kind() == AttrKind::kFunction)
        continue;
      absl::StrAppend(out, " ", name, "=", value.ToString());
    }
    absl::StrAppend(out, " ->");
    for (int i = 0; i < node->num_outputs(); ++i) {
      absl::StrAppend(out, " ", DataTypeName(node->output_dtype(i)), " ",
                      node->output_shape(i).ToString());
    }
    absl::StrAppend(out, "\n");
    for (int b = 0; b < node->num_bodies(); ++b) {
      absl::StrAppend(out, indent, "  body ", b, ":\n");
      DumpTo(node->body(b), indent + "    ", out);
      absl::StrAppend(out, indent, "    returns");
      for (const Output& result : node->body(b).results()) {
        absl::StrAppend(out, " ", result.name());
      }
      absl::StrAppend(out, "\n");
    }
  }
}

}  // namespace

proto::GraphDef GraphDefOf(absl::string_view text) {
  proto::GraphDef def;
  const absl::Status parsed = ParseText(text, &def);
  EXPECT_TRUE(parsed.ok()) << parsed << "\n" << text;
  return def;
}

absl::StatusOr<std::unique_ptr<Graph>> Import(absl::string_view text,
                                              const ImportOptions& options) {
  return ImportGraphDef(GraphDefOf(text), options);
}

std::string NodeText(absl::string_view name, absl::string_view op,
                     absl::string_view inputs, absl::string_view attrs) {
  std::string text = absl::StrCat("node { name: '", name, "' op: '", op, "'");
  for (absl::string_view input :
       absl::StrSplit(inputs, ' ', absl::SkipEmpty())) {
    absl::StrAppend(&text, " input: '", input, "'");
  }
  // Several attrs are separated by semicolons.
  for (absl::string_view attr :
       absl::StrSplit(attrs, ';', absl::SkipWhitespace())) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(attr, absl::MaxSplits('=', 1));
    absl::StrAppend(&text, " attr { key: '",
                    absl::StripAsciiWhitespace(parts.first), "' value { ",
                    parts.second, " } }");
  }
  return text + " }\n";
}

std::string Dump(const Graph& graph) {
  std::string text;
  DumpTo(graph, "", &text);
  return text;
}

}  // namespace weft
