#include "graph/graph_def.h"

#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "core/status.h"
#include "graph/binary_format.h"
#include "graph/text_format.h"
#include "proto/graph.pb.h"
#include "proto/meta_graph.pb.h"

namespace weft {
namespace {

struct Magic {
  absl::string_view bytes;
  size_t offset;
  absl::string_view kind;
};

using absl::string_view;

constexpr Magic kMagics[] = {
    {string_view("\x89HDF\r\n", 6), 0, "an HDF5 file"},
    {string_view("PK\x03\x04", 4), 0, "a zip archive"},
    {string_view("PK\x05\x06", 4), 0, "a zip archive"},
    {string_view("\x1f\x8b", 2), 0, "a gzip archive"},
    {string_view("\x93NUMPY", 6), 0, "a NumPy array"},
    {string_view("TFL3", 4), 4, "a TensorFlow Lite model"},
    {string_view("\x7f"
                 "ELF",
                 4),
     0, "a program"},
    {string_view("\x89PNG", 4), 0, "a PNG image"},
};
// The end of a LevelDB table.
constexpr string_view kTableMagic("\x57\xfb\x80\x8b\x24\x75\x47\xdb", 8);

bool IsBlank(string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), absl::ascii_isspace);
}

string_view TextKind(string_view text) {
  const string_view start = absl::StripLeadingAsciiWhitespace(text);
  if (absl::StartsWith(start, "{") || absl::StartsWith(start, "["))
    return "JSON";
  if (absl::StartsWith(start, "<")) return "XML or HTML";
  if (absl::StartsWith(start, "saved_model_schema_version") ||
      absl::StartsWith(start, "meta_graphs")) {
    return "a SavedModel in text form";
  }
  if (absl::StartsWith(start, "meta_info_def") ||
      absl::StartsWith(start, "graph_def")) {
    return "a MetaGraphDef in text form";
  }
  return "text";
}

bool IsMetaGraph(string_view bytes) {
  proto::MetaGraphDef meta;
  return ParseBinary(bytes, &meta).ok() && meta.graph_def().node_size() > 0 &&
         !meta.graph_def().node(0).op().empty();
}

// The first field of a SavedModel and of an ONNX model is a version number; no
// GraphDef begins like that.
string_view VersionedKind(string_view bytes) {
  if (bytes.size() < 3 || bytes[0] != 0x08) return "";
  if (bytes[1] == 1 && bytes[2] == 0x12) return "a SavedModel";
  return bytes[1] > 1 && bytes[1] < 32 ? "an ONNX model" : "";
}

// Empty if nothing is recognised at a glance.
string_view MagicKind(string_view bytes) {
  for (const Magic& magic : kMagics) {
    if (bytes.size() > magic.offset &&
        absl::StartsWith(bytes.substr(magic.offset), magic.bytes)) {
      return magic.kind;
    }
  }
  if (absl::EndsWith(bytes, kTableMagic)) return "the index of a checkpoint";
  return VersionedKind(bytes);
}

// Could this be the beginning of a GraphDef? A node begins with its name,
// unless there is none.
bool BeginsLikeGraph(string_view bytes) {
  if (bytes[0] != 0x0a) return bytes[0] == 0x12 || bytes[0] == 0x22;
  size_t i = 1;
  while (i < bytes.size() && (bytes[i] & 0x80) != 0) ++i;  // The node's length.
  return i + 1 >= bytes.size() || bytes[i + 1] == 0x0a || bytes[i + 1] == 0x12;
}

// Is this something else that was taken for a node, such as the first field of
// a MetaGraphDef?
bool IsForeign(const proto::NodeDef& node) {
  return !std::all_of(node.op().begin(), node.op().end(),
                      absl::ascii_isprint) ||
         (node.op().empty() && node.name().empty());
}

absl::Status NotAGraph(string_view kind) {
  return InvalidArgument("not a GraphDef (looks like ", kind, ")");
}

absl::StatusOr<proto::GraphDef> ParseTextGraph(string_view text) {
  proto::GraphDef graph;
  const absl::Status parsed = ParseText(text, &graph);
  if (parsed.ok()) return graph;
  const string_view kind = TextKind(text);
  if (kind != "text") return NotAGraph(kind);
  return Annotate(parsed, "not a GraphDef in text form");
}

absl::StatusOr<proto::GraphDef> ParseBinaryGraph(string_view bytes) {
  if (const string_view kind = MagicKind(bytes); !kind.empty())
    return NotAGraph(kind);
  proto::GraphDef graph;
  const absl::Status parsed = ParseBinary(bytes, &graph);
  const bool is_large = parsed.code() == absl::StatusCode::kResourceExhausted;
  if (!parsed.ok() &&
      (is_large || (BeginsLikeGraph(bytes) && !IsMetaGraph(bytes)))) {
    return Annotate(parsed, "damaged GraphDef");
  }
  const bool has_foreign_fields =
      !graph.GetReflection()->GetUnknownFields(graph).empty();
  const bool is_nothing = graph.node_size() == 0 && has_foreign_fields;
  if (!parsed.ok() || is_nothing ||
      (graph.node_size() > 0 && IsForeign(graph.node(0)))) {
    return NotAGraph(DescribeContent(bytes));
  }
  return graph;
}

}  // namespace

bool LooksLikeText(string_view bytes) {
  const bool has_controls = std::any_of(bytes.begin(), bytes.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && !absl::ascii_isspace(c);
  });
  return !has_controls && bytes.size() <= std::numeric_limits<int>::max() &&
         google::protobuf::internal::IsStructurallyValidUTF8(
             bytes.data(), static_cast<int>(bytes.size()));
}

absl::StatusOr<proto::GraphDef> ParseGraphDef(string_view bytes) {
  if (IsBlank(bytes)) return InvalidArgument("not a GraphDef (it is empty)");
  return LooksLikeText(bytes) ? ParseTextGraph(bytes) : ParseBinaryGraph(bytes);
}

absl::StatusOr<std::string> SerializeGraphDef(const proto::GraphDef& graph,
                                              GraphFormat format) {
  return format == GraphFormat::kText
             ? absl::StatusOr<std::string>(PrintText(graph))
             : SerializeBinary(graph);
}

std::string DescribeContent(string_view bytes) {
  if (IsBlank(bytes)) return "nothing";
  if (LooksLikeText(bytes)) return std::string(TextKind(bytes));
  if (const string_view kind = MagicKind(bytes); !kind.empty())
    return std::string(kind);
  if (IsMetaGraph(bytes)) return "a MetaGraphDef";
  return "data of no known kind";
}

}  // namespace weft
