// What ops of old files compute, and ops that are a few others.
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/graphdef/expansion_testing.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// ---- Old forms --------------------------------------------------------------

TEST_F(ExpansionTest, OldFormsOfArrays) {
  Load(
      In("x") + In("axis", "DT_INT32") + In("dims", "DT_BOOL") +
      NodeText("joined", "Concat", "axis x x", "T = type: DT_FLOAT; N = i: 2") +
      NodeText("reversed", "Reverse", "x dims", kFloat) +
      NodeText("part", "MatrixDiagPart", "x", kFloat) +
      NodeText("matrix", "MatrixDiag", "part", kFloat) +
      NodeText("rint", "Rint", "x", kFloat) +
      NodeText("same", "Snapshot", "x", kFloat) +
      NodeText("sum", "AccumulateNV2", "x x",
               "T = type: DT_FLOAT; N = i: 2; shape = shape { unknown_rank: "
               "true }"));
  Feeds("x", {2, 2}, {1.4f, 2, 3, 4.5f});
  feeds_.emplace_back("axis", Tensor::Scalar<int32_t>(1));
  feeds_.emplace_back("dims", Tensor::Vector<bool>({false, true}));
  EXPECT_THAT(Fetch("joined"), ElementsAre(1.4f, 2, 1.4f, 2, 3, 4.5f, 3, 4.5f));
  EXPECT_THAT(Fetch("reversed"), ElementsAre(2, 1.4f, 4.5f, 3));
  EXPECT_THAT(Fetch("part"), ElementsAre(1.4f, 4.5f));
  EXPECT_THAT(Fetch("matrix"), ElementsAre(1.4f, 0, 0, 4.5f));
  EXPECT_THAT(Fetch("rint"), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(Fetch("same"), ElementsAre(1.4f, 2, 3, 4.5f));
  EXPECT_THAT(Fetch("sum"), ElementsAre(2.8f, 4, 6, 9));
}

TEST_F(ExpansionTest, OldFormsOfHeads) {
  Load(In("x") + In("b") + In("ids", "DT_INT32") +
       NodeText("biased", "BiasAddV1", "x b", kFloat) +
       NodeText("top", "TopK", "x", "T = type: DT_FLOAT; k = i: 1") +
       NodeText("in_top", "InTopK", "x ids", "T = type: DT_INT32; k = i: 1") +
       NodeText("product", "MulNoNan", "x b", kFloat) +
       NodeText("sums", "SegmentSum", "x ids",
                "T = type: DT_FLOAT; Tindices = type: DT_INT32"));
  Feeds("x", {2, 2}, {1, INFINITY, 3, 2});
  Feeds("b", {2}, {10, 0});
  feeds_.emplace_back("ids", Tensor::Vector<int32_t>({0, 2}));
  EXPECT_THAT(Fetch("biased"), ElementsAre(11, INFINITY, 13, 2));
  EXPECT_THAT(Fetch("top"), ElementsAre(INFINITY, 3));
  EXPECT_THAT(Fetch("product"), ElementsAre(10, 0, 30, 0));
  EXPECT_THAT(Fetch("sums"), ElementsAre(1, INFINITY, 0, 0, 3, 2));
  const absl::StatusOr<Tensor> places = TryFetch("top:1");
  ASSERT_THAT(places, IsOk());
  EXPECT_THAT(places->data<int32_t>(), ElementsAre(1, 0));
}

TEST_F(ExpansionTest, MatricesFromDiagonals) {
  Load(In("x") + NodeText("diag", "Diag", "x", kFloat) + In("y") +
       In("perm", "DT_INT32") +
       NodeText("transposed", "ConjugateTranspose", "y perm", kFloat));
  Feeds("x", {2}, {3, 4});
  Feeds("y", {1, 2}, {5, 6});
  feeds_.emplace_back("perm", Tensor::Vector<int32_t>({1, 0}));
  EXPECT_THAT(Fetch("diag"), ElementsAre(3, 0, 0, 4));
  const absl::StatusOr<Tensor> transposed = TryFetch("transposed");
  ASSERT_THAT(transposed, IsOk());
  EXPECT_EQ(transposed->shape(), (TensorShape{2, 1}));
}

// ---- Images -----------------------------------------------------------------

TEST_F(ExpansionTest, MaxPoolV2TakesConstants) {
  const auto sizes = [](const std::string& name, int n) {
    return NodeText(name, "Const", "",
                    absl::StrCat("dtype = type: DT_INT32; value = tensor { "
                                 "dtype: DT_INT32 tensor_shape { dim { size: 4 "
                                 "} } int_val: 1 int_val: ",
                                 n, " int_val: ", n, " int_val: 1 }"));
  };
  Load(In("x") + sizes("ksize", 2) + sizes("strides", 1) +
       NodeText("pool", "MaxPoolV2", "x ksize strides",
                "T = type: DT_FLOAT; padding = s: 'VALID'"));
  Feeds("x", {1, 2, 3, 1}, {1, 5, 2, 4, 3, 6});
  EXPECT_THAT(Fetch("pool"), ElementsAre(5, 6));
  EXPECT_THAT(
      WhyUnsupported(In("x") + In("k", "DT_INT32") +
                         NodeText("pool", "MaxPoolV2", "x k k",
                                  "T = type: DT_FLOAT; padding = s: 'VALID'"),
                     "pool"),
      AllOf(HasSubstr("MaxPoolV2 'pool'"),
            HasSubstr("ksize must be a constant")));
}

TEST_F(ExpansionTest, OldNormalisations) {
  Load(In("t") + In("m") + In("v") + In("beta") + In("gamma") +
       NodeText("norm", "BatchNormWithGlobalNormalization", "t m v beta gamma",
                "T = type: DT_FLOAT; variance_epsilon = f: 1; "
                "scale_after_normalization = b: true") +
       NodeText("lrn", "LRN", "t",
                "T = type: DT_FLOAT; depth_radius = i: 1; bias = f: 2; alpha = "
                "f: 0.5; beta = f: 1"));
  Feeds("t", {1, 1, 1, 3}, {1, 2, 4});
  Feeds("m", {3}, {1, 1, 1});
  Feeds("v", {3}, {0, 3, 8});
  Feeds("beta", {3}, {7, 0, 0});
  Feeds("gamma", {3}, {1, 4, 3});
  EXPECT_THAT(Fetch("norm"), ElementsAre(Near(7), Near(2), Near(3)));
  // Sums of squares of neighbours: 5, 21, 20.
  EXPECT_THAT(Fetch("lrn"),
              ElementsAre(Near(1 / 4.5f), Near(2 / 12.5f), Near(4 / 12.0f)));
}

TEST_F(ExpansionTest, ResizeBilinear) {
  std::string text = In("x") + In("size", "DT_INT32");
  for (const char* kind : {"none", "align_corners", "half_pixel_centers"}) {
    const std::string attr = absl::StrCat("; ", kind, " = b: true");
    text += NodeText(kind, "ResizeBilinear", "x size",
                     absl::StrCat(kFloat, kind[0] == 'n' ? "" : attr));
  }
  Load(text);
  Feeds("x", {1, 2, 2, 1}, {0, 10, 20, 30});
  feeds_.emplace_back("size", Tensor::Vector<int32_t>({2, 4}));
  EXPECT_THAT(Fetch("none"), ElementsAre(0, 5, 10, 10, 20, 25, 30, 30));
  EXPECT_THAT(Fetch("half_pixel_centers"),
              ElementsAre(0, 2.5f, 7.5f, 10, 20, 22.5f, 27.5f, 30));
  feeds_.back() = {"size", Tensor::Vector<int32_t>({1, 3})};
  EXPECT_THAT(Fetch("align_corners"), ElementsAre(0, 5, 10));
}

TEST_F(ExpansionTest, ExtractImagePatches) {
  Load(In("x", "DT_FLOAT",
          "dim { size: 1 } dim { size: 2 } dim { size: 3 } dim { size: 1 }") +
       NodeText("patches", "ExtractImagePatches", "x",
                "T = type: DT_FLOAT; padding = s: 'VALID'; ksizes = list { i: "
                "[1, 2, 2, 1] }; strides = list { i: [1, 1, 1, 1] }; rates = "
                "list { i: [1, 1, 1, 1] }"));
  Feeds("x", {1, 2, 3, 1}, {1, 2, 3, 4, 5, 6});
  EXPECT_THAT(Fetch("patches"), ElementsAre(1, 2, 4, 5, 2, 3, 5, 6));
}

// ---- Einsum -----------------------------------------------------------------

TEST_F(ExpansionTest, Einsum) {
  std::string text = In("x") + In("y");
  const std::pair<const char*, const char*> equations[] = {
      {"matmul", "ij,jk->ik"},
      {"swapped", "ij,jk->ki"},
      {"outer", "ij,kl->ijkl"},
      {"batch", "ij,ij->i"},
      {"all", "ij, jk ->"}};
  for (const auto& [name, equation] : equations) {
    text += NodeText(
        name, "Einsum", "x y",
        absl::StrCat(kFloat, "; N = i: 2; equation = s: '", equation, "'"));
  }
  text += NodeText("sum", "Einsum", "x",
                   "T = type: DT_FLOAT; N = i: 1; equation = s: 'ij->j'");
  Load(text);
  Feeds("x", {2, 2}, {1, 2, 3, 4});
  Feeds("y", {2, 2}, {10, 20, 30, 40});
  EXPECT_THAT(Fetch("matmul"), ElementsAre(70, 100, 150, 220));
  EXPECT_THAT(Fetch("swapped"), ElementsAre(70, 150, 100, 220));
  EXPECT_THAT(Fetch("batch"), ElementsAre(50, 250));
  EXPECT_THAT(Fetch("all"), ElementsAre(540));
  EXPECT_THAT(Fetch("sum"), ElementsAre(4, 6));
  const absl::StatusOr<Tensor> outer = TryFetch("outer");
  ASSERT_THAT(outer, IsOk());
  EXPECT_EQ(outer->shape(), (TensorShape{2, 2, 2, 2}));
  EXPECT_EQ(outer->data<float>()[6], 60);
}

TEST_F(ExpansionTest, EinsumSaysWhatItCannot) {
  const auto text = [](const std::string& equation) {
    return In("x", "DT_FLOAT", "dim { size: 2 } dim { size: 2 }") +
           NodeText("e", "Einsum", "x",
                    absl::StrCat(kFloat, "; N = i: 1; equation = s: '",
                                 equation, "'"));
  };
  const auto import = [&](const std::string& equation) {
    return Import(text(equation)).status();
  };
  EXPECT_THAT(WhyUnsupported(text("ii->i"), "e"),
              HasSubstr("parts must be different letters"));
  EXPECT_THAT(import("ij,jk->ik"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("one part for each of the 1 inputs")));
  EXPECT_THAT(import("ij->k"), StatusIs(absl::StatusCode::kInvalidArgument,
                                        HasSubstr("no input has 'k'")));
  EXPECT_THAT(import("ijk->k"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("input 0 is [2, 2] but attr 'equation' says "
                                 "\"ijk\"")));
}

}  // namespace
}  // namespace weft
