// Attrs as they stand in files.
#ifndef WEFT_GRAPH_ATTR_PROTO_H_
#define WEFT_GRAPH_ATTR_PROTO_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/attr.h"
#include "graph/tensor_proto.h"

namespace weft {

namespace proto {
class AttrValue;
class NameAttrList;
}  // namespace proto

// Reads the attrs of the nodes of a graph or of a function's body.
class AttrReader {
 public:
  // `function_attrs` are what placeholders stand for; null in a graph, where
  // there must be none.
  AttrReader(TensorBudget* budget, const AttrMap* function_attrs)
      : budget_(budget), function_attrs_(function_attrs) {}

  // An empty list has no kind in a file; it becomes a list(int). As
  // TensorFromProto, InvalidArgument and Unimplemented are told apart.
  absl::StatusOr<AttrValue> Read(const proto::AttrValue& attr) const;
  absl::StatusOr<FunctionName> ReadFunction(
      const proto::NameAttrList& function) const;

 private:
  absl::StatusOr<AttrValue> ReadAt(const proto::AttrValue& attr,
                                   int depth) const;
  absl::StatusOr<FunctionName> ReadFunctionAt(
      const proto::NameAttrList& function, int depth) const;
  absl::StatusOr<AttrValue> ReadList(const proto::AttrValue& attr,
                                     int depth) const;

  TensorBudget* budget_;
  const AttrMap* function_attrs_;
};

absl::Status AttrToProto(const AttrValue& value, proto::AttrValue* to);

}  // namespace weft

#endif  // WEFT_GRAPH_ATTR_PROTO_H_
