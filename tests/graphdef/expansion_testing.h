// Small graphs in text, run: what the tests of expansions share.
#ifndef WEFT_TESTS_GRAPHDEF_EXPANSION_TESTING_H_
#define WEFT_TESTS_GRAPHDEF_EXPANSION_TESTING_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "graph/unknown_op.h"
#include "gtest/gtest.h"
#include "runtime/session.h"
#include "tests/graph/graph_testing.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {

// A placeholder.
inline std::string In(const std::string& name,
                      const std::string& type = "DT_FLOAT",
                      const std::string& shape = "unknown_rank: true") {
  return NodeText(
      name, "Placeholder", "",
      absl::StrCat("dtype = type: ", type, "; shape = shape { ", shape, " }"));
}

inline constexpr char kFloat[] = "T = type: DT_FLOAT";

// Why the node called `name` is kept, but cannot be run.
inline std::string WhyUnsupported(const Graph& graph, const std::string& name) {
  const Node* node = graph.FindNode(name);
  const AttrValue* why =
      node != nullptr ? node->attrs().Find(kUnsupportedAttr) : nullptr;
  return why != nullptr ? *why->get_if<std::string>() : "";
}
inline std::string WhyUnsupported(const std::string& text,
                                  const std::string& name) {
  const absl::StatusOr<std::unique_ptr<Graph>> graph = Import(text);
  EXPECT_THAT(graph, IsOk());
  return graph.ok() ? WhyUnsupported(**graph, name) : "";
}

class ExpansionTest : public ::testing::Test {
 protected:
  void Load(const std::string& text) {
    session_ = nullptr;
    absl::StatusOr<std::unique_ptr<Graph>> graph = Import(text);
    ASSERT_THAT(graph, IsOk());
    absl::StatusOr<std::unique_ptr<Session>> session =
        Session::Create(*std::move(graph));
    ASSERT_THAT(session, IsOk());
    session_ = *std::move(session);
  }

  void Feeds(const std::string& name, const TensorShape& shape,
             std::initializer_list<float> values) {
    feeds_.emplace_back(name, Tensor::Of<float>(shape, values));
  }

  absl::StatusOr<Tensor> TryFetch(
      const std::string& name, const std::vector<std::string>& targets = {}) {
    if (session_ == nullptr) return FailedPrecondition("nothing is loaded");
    WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> values,
                          session_->Run(feeds_, {name}, targets));
    return values[0];
  }

  std::vector<float> Fetch(const std::string& name,
                           const std::vector<std::string>& targets = {}) {
    const absl::StatusOr<Tensor> value = TryFetch(name, targets);
    EXPECT_THAT(value, IsOk());
    if (!value.ok() || value->dtype() != DataType::kFloat) return {};
    return {value->data<float>().begin(), value->data<float>().end()};
  }

  void RunTarget(const std::string& name) {
    EXPECT_THAT(session_->Run({}, {}, {name}), IsOk());
  }

  std::unique_ptr<Session> session_;
  std::vector<Feed> feeds_;
};

inline auto Near(float x) { return ::testing::FloatNear(x, 1e-6f); }

}  // namespace weft

#endif  // WEFT_TESTS_GRAPHDEF_EXPANSION_TESTING_H_
