#include "runner/interface.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/names.h"
#include "runner/exit_code.h"

namespace weft::runner {
namespace {

absl::StatusOr<std::string> NameInGraph(
    const std::map<std::string, TensorInfo>& side, const std::string& name) {
  const auto it = side.find(name);
  if (it == side.end()) return name;
  if (!it->second.name.empty()) return it->second.name;
  return WithExitCode(
      Unimplemented("'", Printable(name),
                    "' is a sparse tensor in the signature, which weft does "
                    "not have"),
      ExitCode::kFeed);
}

}  // namespace

absl::StatusOr<Interface> Interface::Create(const Model& model,
                                            const std::string& signature) {
  const ModelSignatures& all = model.meta_graph.signatures;
  if (signature.empty()) {
    const auto served = all.find(kDefaultSignature);
    if (served != all.end()) return Interface(&served->second);
    if (all.size() != 1) return Interface(nullptr);
    return Interface(&all.begin()->second);
  }
  const auto it = all.find(signature);
  if (it != all.end()) return Interface(&it->second);
  std::vector<absl::string_view> names;
  for (const auto& [name, other] : all) names.push_back(name);
  return WithExitCode(
      NotFound(model.path, " has no signature '", Printable(signature), "'",
               all.empty() ? "; it has none" : DidYouMean(signature, names)),
      ExitCode::kFeed);
}

absl::StatusOr<std::string> Interface::Input(const std::string& name) const {
  if (signature_ == nullptr) return name;
  return NameInGraph(signature_->inputs, name);
}

absl::StatusOr<std::string> Interface::Output(const std::string& name) const {
  if (signature_ == nullptr) return name;
  return NameInGraph(signature_->outputs, name);
}

std::vector<std::string> Interface::Outputs() const {
  std::vector<std::string> names;
  if (signature_ == nullptr) return names;
  for (const auto& [name, info] : signature_->outputs) {
    if (!info.name.empty() && info.dtype != DataType::kInvalid)
      names.push_back(name);
  }
  return names;
}

}  // namespace weft::runner
