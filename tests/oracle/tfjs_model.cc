#include "tests/oracle/tfjs_model.h"

#include <google/protobuf/util/json_util.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "core/tensor.h"
#include "graph/tensor_proto.h"

namespace weft {
namespace {

using Json = nlohmann::json;

template <typename To, typename From>
std::string Converted(const Tensor& tensor) {
  std::vector<To> values;
  for (From value : tensor.data<From>())
    values.push_back(static_cast<To>(value));
  return std::string(reinterpret_cast<const char*>(values.data()),
                     values.size() * sizeof(To));
}

// Moves the values of constants out of the nodes.
class WeightWriter {
 public:
  absl::Status Take(proto::NodeDef* node) {
    TensorBudget budget(int64_t{1} << 30);
    WEFT_ASSIGN_OR_RETURN(
        const Tensor value,
        TensorFromProto(node->attr().at("value").tensor(), &budget));
    node->mutable_attr()->erase("value");
    std::string dtype;
    switch (value.dtype()) {
      case DataType::kFloat:
        dtype = "float32";
        data_ += Converted<float, float>(value);
        break;
      case DataType::kDouble:
        dtype = "float32";
        data_ += Converted<float, double>(value);
        break;
      case DataType::kInt32:
        dtype = "int32";
        data_ += Converted<int32_t, int32_t>(value);
        break;
      case DataType::kInt64:
        dtype = "int32";
        data_ += Converted<int32_t, int64_t>(value);
        break;
      case DataType::kBool:
        dtype = "bool";
        data_ += Converted<uint8_t, bool>(value);
        break;
      case DataType::kString:
        dtype = "string";
        for (const std::string& text : value.data<std::string>()) {
          const auto size = static_cast<uint32_t>(text.size());
          data_.append(reinterpret_cast<const char*>(&size), sizeof(size));
          data_ += text;
        }
        break;
      default:
        return Unimplemented("constant '", node->name(), "' is ",
                             DataTypeName(value.dtype()));
    }
    specs_.push_back(
        {{"name", node->name()},
         {"shape", std::vector<int64_t>(value.shape().dims().begin(),
                                        value.shape().dims().end())},
         {"dtype", dtype}});
    return absl::OkStatus();
  }

  const Json& specs() const { return specs_; }
  const std::string& data() const { return data_; }

 private:
  Json specs_ = Json::array();
  std::string data_;
};

// TensorFlow.js finds weights by their name alone, in functions too: it has to
// be unique among all.
void NameConstantsByFunction(proto::FunctionDef* function) {
  const std::string& prefix = function->signature().name();
  absl::flat_hash_set<std::string> constants;
  for (proto::NodeDef& node : *function->mutable_node_def()) {
    if (node.op() != "Const") continue;
    constants.insert(node.name());
    node.set_name(absl::StrCat(prefix, "/", node.name()));
  }
  const auto rename = [&](std::string* input) {
    const size_t start = input->compare(0, 1, "^") == 0 ? 1 : 0;
    const std::string name = input->substr(start, input->find(':') - start);
    if (constants.contains(name)) input->insert(start, prefix + "/");
  };
  for (proto::NodeDef& node : *function->mutable_node_def()) {
    for (std::string& input : *node.mutable_input()) rename(&input);
  }
  for (auto& [name, value] : *function->mutable_ret()) rename(&value);
}

// What its converter does as well: it has no Assert, nor what makes the text.
void StripAssert(proto::NodeDef* node) {
  if (node->op() != "Assert") return;
  node->set_op("NoOp");
  node->clear_attr();
  proto::NodeDef plain = *node;
  plain.clear_input();
  for (const std::string& input : node->input()) {
    if (input.compare(0, 1, "^") == 0) plain.add_input(input);
  }
  *node = plain;
}

absl::Status TakeNodes(
    google::protobuf::RepeatedPtrField<proto::NodeDef>* nodes,
    WeightWriter* weights) {
  for (proto::NodeDef& node : *nodes) {
    StripAssert(&node);
    if (node.op() == "Const") WEFT_RETURN_IF_ERROR(weights->Take(&node));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Json> TfjsModel(const proto::GraphDef& graph) {
  proto::GraphDef topology = graph;
  WeightWriter weights;
  WEFT_RETURN_IF_ERROR(TakeNodes(topology.mutable_node(), &weights));
  for (auto& function : *topology.mutable_library()->mutable_function()) {
    NameConstantsByFunction(&function);
    WEFT_RETURN_IF_ERROR(TakeNodes(function.mutable_node_def(), &weights));
  }
  std::string text;
  const auto status =
      google::protobuf::util::MessageToJsonString(topology, &text);
  if (!status.ok()) return Internal(status.ToString());
  Json model = {{"topology", Json::parse(text)},
                {"weightSpecs", weights.specs()},
                {"weightData", absl::Base64Escape(weights.data())}};
  return model;
}

}  // namespace weft
