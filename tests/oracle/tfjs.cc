#include "tests/oracle/tfjs.h"

#include <pwd.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/oracle/tfjs_model.h"

namespace weft {
namespace {

using Json = nlohmann::json;

constexpr char kScript[] = "tests/oracle/run_graphs.js";

// Where scripts/install_packages puts it.
std::string NodeModules() {
  const char* cache = std::getenv("WEFT_CACHE_DIR");
  const passwd* user = getpwuid(getuid());
  return absl::StrCat(
      cache != nullptr
          ? cache
          : absl::StrCat(user != nullptr ? user->pw_dir : "", "/.cache/weft"),
      "/tfjs-4.22.0/node_modules");
}

template <typename T>
Json ValuesOf(const Tensor& tensor) {
  Json values = Json::array();
  for (T value : tensor.data<T>()) values.push_back(value);
  return values;
}

absl::StatusOr<Json> FeedToJson(const Feed& feed) {
  const Tensor& value = feed.value;
  Json json = {{"name", feed.name.substr(0, feed.name.find(':'))},
               {"shape", std::vector<int64_t>(value.shape().dims().begin(),
                                              value.shape().dims().end())}};
  switch (value.dtype()) {
    case DataType::kFloat:
      json["dtype"] = "float32";
      json["values"] = ValuesOf<float>(value);
      break;
    case DataType::kInt32:
      json["dtype"] = "int32";
      json["values"] = ValuesOf<int32_t>(value);
      break;
    case DataType::kBool:
      json["dtype"] = "bool";
      json["values"] = ValuesOf<bool>(value);
      break;
    default:
      return Unimplemented("feed '", feed.name, "' is ",
                           DataTypeName(value.dtype()));
  }
  // A scalar is not a list.
  if (value.shape().rank() == 0) json["values"] = Json(json["values"][0]);
  return json;
}

absl::StatusOr<Json> CaseToJson(const TfjsCase& one) {
  WEFT_ASSIGN_OR_RETURN(Json json, TfjsModel(one.graph));
  json["feeds"] = Json::array();
  for (const Feed& feed : one.feeds) {
    WEFT_ASSIGN_OR_RETURN(Json value, FeedToJson(feed));
    json["feeds"].push_back(std::move(value));
  }
  json["fetches"] = one.fetches;
  return json;
}

template <typename T>
Tensor TensorOf(const TensorShape& shape, const Json& values) {
  Tensor tensor = *Tensor::Create(DataTypeOf<T>(), shape);
  size_t i = 0;
  for (const Json& value : values) {
    // NaN and infinities are strings.
    const double number =
        value.is_string()
            ? std::strtod(value.get<std::string>().c_str(), nullptr)
            : value.get<double>();
    tensor.mutable_data<T>()[i++] = static_cast<T>(number);
  }
  return tensor;
}

absl::StatusOr<std::vector<Tensor>> ResultOf(const Json& json) {
  if (json.contains("error"))
    return absl::UnknownError(json["error"].get<std::string>());
  std::vector<Tensor> outputs;
  for (const Json& output : json["outputs"]) {
    const auto dims = output["shape"].get<std::vector<int64_t>>();
    WEFT_ASSIGN_OR_RETURN(const TensorShape shape, TensorShape::Create(dims));
    const std::string dtype = output["dtype"];
    outputs.push_back(
        dtype == "int32"  ? TensorOf<int32_t>(shape, output["values"])
        : dtype == "bool" ? TensorOf<bool>(shape, output["values"])
                          : TensorOf<float>(shape, output["values"]));
  }
  return outputs;
}

std::string Contents(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

absl::StatusOr<std::vector<absl::StatusOr<std::vector<Tensor>>>> RunInTfjs(
    const std::vector<TfjsCase>& cases) {
  const std::string modules = NodeModules();
  if (!std::filesystem::exists(modules)) {
    return FailedPrecondition(
        "TensorFlow.js is not in ", modules,
        "; scripts/install_packages puts it there, which needs npm and its "
        "registry");
  }
  Json all = Json::array();
  for (const TfjsCase& one : cases) {
    WEFT_ASSIGN_OR_RETURN(Json json, CaseToJson(one));
    all.push_back(std::move(json));
  }
  const std::string directory = ::testing::TempDir();
  const std::string input = directory + "/cases.json";
  const std::string output = directory + "/results.json";
  const std::string log = directory + "/log.txt";
  std::ofstream(input) << all.dump();
  std::filesystem::remove(output);
  const std::string command =
      absl::StrCat("node '", kScript, "' '", modules, "' '", input, "' '",
                   output, "' > '", log, "' 2>&1");
  const int status = std::system(command.c_str());
  if (status != 0) {
    return Internal("node failed (", status,
                    "), which has to be installed: ", Contents(log));
  }
  const Json results =
      Json::parse(Contents(output), nullptr, /*allow_exceptions=*/false);
  if (!results.is_array() || results.size() != cases.size())
    return Internal("node gave no results: ", Contents(log));
  std::vector<absl::StatusOr<std::vector<Tensor>>> list;
  for (const Json& result : results) list.push_back(ResultOf(result));
  return list;
}

}  // namespace weft
