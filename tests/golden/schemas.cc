// Polyaxon's schemas, as golden cases describe them: a document, what it means,
// and the values of the layer that it makes.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "layers/config/config.h"
#include "tests/golden/adapter.h"

namespace weft::golden {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using nlohmann::json;

// The argument `name` of a layer, given or by default; null if there is none.
json ArgumentOf(const Message& layer, const std::string& name) {
  const auto& r = *layer.GetReflection();
  const FieldDescriptor* field = layer.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr) {
    const FieldDescriptor* base =
        layer.GetDescriptor()->FindFieldByName("recurrent");
    if (base == nullptr) return nullptr;
    return ArgumentOf(r.GetMessage(layer, base), name);
  }
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return r.GetBool(layer, field);
    case FieldDescriptor::CPPTYPE_INT64:
      return r.GetInt64(layer, field);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return r.GetDouble(layer, field);
    case FieldDescriptor::CPPTYPE_STRING:
      return r.GetString(layer, field);
    default:
      return nullptr;
  }
}

absl::Status CheckConfig(const LayerConfig& config, const json& expected) {
  const auto& r = *config.GetReflection();
  const FieldDescriptor* field = r.GetOneofFieldDescriptor(
      config, LayerConfig::descriptor()->oneof_decl(0));
  const Message& layer = r.GetMessage(config, field);
  for (const auto& [name, value] : expected.items()) {
    const json got = ArgumentOf(layer, name);
    if (got != value) {
      return InvalidArgument("argument ", name, ": got ", got.dump(),
                             ", expected ", value.dump());
    }
  }
  return absl::OkStatus();
}

absl::Status BuildSchema(const GoldenCase& c, CaseGraph* built) {
  WEFT_ASSIGN_OR_RETURN(
      LayerConfig config,
      LayerConfigFromYaml(c.config.at("yaml").get<std::string>()));
  WEFT_RETURN_IF_ERROR(CheckConfig(config, c.config.at("expected_config")));
  // Written and read back it must be the same.
  WEFT_ASSIGN_OR_RETURN(const LayerConfig again,
                        LayerConfigFromYaml(ToYaml(config)));
  if (again.SerializeAsString() != config.SerializeAsString()) {
    return InvalidArgument("written back it is ", ToYaml(config));
  }
  WEFT_ASSIGN_OR_RETURN(const keras::AnyLayer layer, MakeLayer(config));
  const keras::Result result = (*layer)(built->inputs.at("x"));
  built->outputs["y"] = result[0];
  for (size_t k = 1; k < result.size(); ++k) {
    built->outputs[absl::StrCat("state_", k - 1)] = result[k];
  }
  return built->SetWeights(c, layer->weights());
}

}  // namespace

absl::Span<const Adapter> SchemaAdapters() {
  static const auto& adapters = *new std::vector<Adapter>{
      {.family = "polyaxon.schemas",
       .forms = {Form::kLoop},
       .build = BuildSchema},
  };
  return adapters;
}

}  // namespace weft::golden
