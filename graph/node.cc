#include "graph/node.h"

#include "absl/strings/str_cat.h"
#include "graph/graph.h"

namespace weft {

Node::~Node() = default;

std::string Node::Describe() const {
  constexpr size_t kMaxInputs = 8;  // A message is read by people.
  std::string text = absl::StrCat(op_, " '", name_, "'(");
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (i > 0) absl::StrAppend(&text, ", ");
    if (i == kMaxInputs) {
      absl::StrAppend(&text, "... ", inputs_.size() - i, " more");
      break;
    }
    absl::StrAppend(&text, inputs_[i].name(), " ",
                    inputs_[i].shape().ToString());
  }
  return text + ")";
}

Graph& Output::graph() const {
  WEFT_CHECK(node_ != nullptr);
  return node_->graph();
}

DataType Output::dtype() const {
  if (node_ == nullptr || index_ >= node_->num_outputs())
    return DataType::kInvalid;
  return node_->output_dtype(index_);
}

const TensorShape& Output::shape() const {
  static const TensorShape& unknown =
      *new TensorShape(TensorShape::UnknownRank());
  if (node_ == nullptr || index_ >= node_->num_outputs()) return unknown;
  return node_->output_shape(index_);
}

std::string Output::name() const {
  return node_ == nullptr ? "<none>" : absl::StrCat(node_->name(), ":", index_);
}

}  // namespace weft
