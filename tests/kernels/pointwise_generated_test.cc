// A laid out program gives the same bits interpreted and generated, however its
// inputs lie, and on any number of threads.
#include "kernels/pointwise_generated.h"

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/thread_pool.h"
#include "gtest/gtest.h"
#include "kernels/pointwise_interpreter.h"
#include "kernels/pointwise_jit.h"
#include "tests/kernels/instruction_sets.h"

namespace weft {
namespace {

class Services : public RunServices {
 public:
  explicit Services(int threads) : pool_(threads) {}

  ThreadPool& pool() override { return pool_; }
  const std::shared_ptr<Allocator>& allocator() override { return allocator_; }
  uint64_t TakeRandomBlocks(int, uint64_t) override { return 0; }
  absl::Status CheckStop() override { return absl::OkStatus(); }

 private:
  ThreadPool pool_;
  std::shared_ptr<Allocator> allocator_;
};

struct Input {
  std::vector<int64_t> dims;
  std::vector<int64_t> strides = {};  // Empty: in one piece.
  bool is_truth = false;
};

class PointwiseGeneratedTest : public ::testing::Test {
 protected:
  // Returns the place of the result; inputs come first.
  int Step(MicroOp op, int x, int y = -1, int z = -1) {
    program_.instructions.push_back({.op = op, .arguments = {x, y, z}});
    program_.names.push_back(std::string(InfoOf(op).name));
    return program_.num_registers() - 1;
  }

  void SetInputs(const std::vector<Input>& inputs) {
    program_ = {.num_inputs = static_cast<int>(inputs.size())};
    memory_.clear();
    values_.clear();
    inputs_.clear();
    input_shapes_.clear();
    strides_.clear();
    std::mt19937 random(1);
    for (size_t i = 0; i < inputs.size(); ++i) {
      program_.registers.push_back(absl::StrCat("x", i));
      input_shapes_.push_back(
          std::make_unique<TensorShape>(*TensorShape::Create(inputs[i].dims)));
      strides_.push_back(inputs[i].strides);
    }
    for (size_t i = 0; i < inputs.size(); ++i) {
      int64_t size = input_shapes_[i]->num_elements();
      for (size_t k = 0; k < strides_[i].size(); ++k)
        size += strides_[i][k] * inputs[i].dims[k];
      memory_.emplace_back(size * sizeof(float));
      for (int64_t k = 0; k < size; ++k) {
        const float number = std::normal_distribution<float>(0, 2)(random);
        if (inputs[i].is_truth) {
          memory_.back()[k] = static_cast<char>(random() % 2);
        } else {
          std::memcpy(&memory_.back()[k * sizeof(float)], &number,
                      sizeof(float));
        }
      }
      const DataType dtype =
          inputs[i].is_truth ? DataType::kBool : DataType::kFloat;
      inputs_.push_back(
          {.dtype = dtype, .shape = *input_shapes_[i], .strides = strides_[i]});
      values_.push_back({.data = memory_[i].data(),
                         .size = input_shapes_[i]->num_elements(),
                         .shape = input_shapes_[i].get(),
                         .dtype = dtype});
    }
  }

  // All outputs, one behind the other. `reason`: of each domain.
  std::vector<char> Run(bool generates, int threads,
                        std::vector<std::string>* reasons = nullptr) {
    std::vector<DataType> types;
    for (int r : program_.outputs) {
      const MicroOp op = program_.instructions[r - program_.num_inputs].op;
      types.push_back(InfoOf(op).types.back() == 'b' ? DataType::kBool
                                                     : DataType::kFloat);
    }
    LayoutContext layout_context(inputs_, types);
    const auto layout =
        LayOutPointwise(program_, sizeof(float), layout_context);
    EXPECT_TRUE(layout.ok()) << layout.status();
    std::vector<TensorRef> values = values_;
    std::vector<std::vector<char>> results(types.size());
    std::vector<int> inputs, outputs;
    for (size_t i = 0; i < values_.size(); ++i)
      inputs.push_back(static_cast<int>(i));
    for (size_t o = 0; o < types.size(); ++o) {
      const TensorShape& shape = layout_context.outputs()[o].shape;
      results[o].resize(shape.num_elements() * ByteSizeOf(types[o]));
      outputs.push_back(static_cast<int>(values.size()));
      values.push_back({.data = results[o].data(),
                        .size = shape.num_elements(),
                        .shape = &shape,
                        .dtype = types[o]});
    }
    Services services(threads);
    const KernelContext c(values.data(), inputs, outputs, &services);
    std::vector<PointwiseLoop<float>> loops;
    for (const PointwiseInstruction& i : program_.instructions)
      loops.push_back(FindPointwiseLoop<float>(i.op));
    for (const PointwiseDomain& d : (*layout)->domains) {
      const GeneratedDomain generated = GenerateDomain(program_, d);
      if (reasons != nullptr) reasons->push_back(generated.reason);
      if (generates && generated.function != nullptr) {
        RunGenerated(generated, c);
      } else if (d.size > 0) {
        InterpretPointwise(program_, loops, d, c);
      }
    }
    std::vector<char> all;
    for (const auto& result : results)
      all.insert(all.end(), result.begin(), result.end());
    return all;
  }

  // The same bits, for `reason` or generated.
  void ExpectSameBits(const std::string& reason = "") {
    for (int64_t target : InstructionSets()) {
      const UseInstructionSet use(target);
      SCOPED_TRACE(hwy::TargetName(target));
      if (!VectorSetInUse().has_value()) continue;
      std::vector<std::string> reasons;
      const std::vector<char> expected = Run(false, 1, &reasons);
      for (const std::string& r : reasons) EXPECT_EQ(r, reason);
      for (int threads : {1, 2, 4})
        EXPECT_TRUE(Run(true, threads) == expected) << threads << " threads";
    }
  }

  static size_t ByteSizeOf(DataType type) {
    return type == DataType::kBool ? 1 : sizeof(float);
  }

  PointwiseProgram program_;
  std::vector<std::vector<char>> memory_;
  std::vector<std::unique_ptr<TensorShape>> input_shapes_;
  std::vector<std::vector<int64_t>> strides_;
  std::vector<LayoutInput> inputs_;
  std::vector<TensorRef> values_;
};

TEST_F(PointwiseGeneratedTest, RowsMayStandApart) {
  for (int64_t units : {9, 16, 50, 256}) {
    // Gates are parts of rows of four times their size.
    SetInputs({{{7, units}, {4 * units, 1}},
               {{7, units}, {4 * units, 1}},
               {{7, units}}});
    const int c = Step(MicroOp::kMul, Step(MicroOp::kSigmoid, 0), 2);
    const int h = Step(MicroOp::kTanh, Step(MicroOp::kAdd, c, 1));
    program_.outputs = {c, h};
    ExpectSameBits();
  }
}

TEST_F(PointwiseGeneratedTest, AxesAreRepeated) {
  SetInputs({{{5, 3, 4, 20}},
             {{20}},
             {{3, 1, 1}},
             {{5, 1, 4, 20}},
             {.dims = {5, 1, 1, 1}, .is_truth = true},
             {.dims = {4, 20}, .is_truth = true}});
  const int sum =
      Step(MicroOp::kAdd, Step(MicroOp::kMul, 0, 1), Step(MicroOp::kExp, 2));
  const int chosen = Step(MicroOp::kSelect, 4, sum, 3);
  const int other = Step(MicroOp::kSelect, 5, chosen, 0);
  program_.outputs = {sum, other, Step(MicroOp::kLess, other, sum)};
  ExpectSameBits();
}

TEST_F(PointwiseGeneratedTest, AConditionChoosesRows) {
  SetInputs({{.dims = {6}, .is_truth = true}, {{6, 33}}, {{6, 33}}});
  program_.outputs = {
      Step(MicroOp::kSelectRows, 0, Step(MicroOp::kTanh, 1), 2)};
  ExpectSameBits();
}

TEST_F(PointwiseGeneratedTest, OutputsMayHaveSeveralShapes) {
  SetInputs({{{40}}, {{30, 40}}, {{}}});
  const int row = Step(MicroOp::kSigmoid, 0);
  const int one = Step(MicroOp::kSquare, 2);
  program_.outputs = {row, Step(MicroOp::kMul, row, 1), one};
  ExpectSameBits();
}

TEST_F(PointwiseGeneratedTest, LargeDomainsAreSharedAmongThreads) {
  for (const std::vector<int64_t>& dims :
       std::vector<std::vector<int64_t>>{{100001}, {64, 3, 1001}}) {
    SetInputs({{dims}, {{1001}}});
    int z = Step(MicroOp::kTanh, 0);
    if (dims.size() > 1) z = Step(MicroOp::kMul, z, 1);
    program_.outputs = {z, Step(MicroOp::kGreater, z, 0)};
    ExpectSameBits();
  }
}

TEST_F(PointwiseGeneratedTest, EmptyOnesAreNotRun) {
  SetInputs({{{0, 4}}});
  program_.outputs = {Step(MicroOp::kNeg, 0)};
  ExpectSameBits();
}

TEST_F(PointwiseGeneratedTest, WhatIsInterpretedSaysWhy) {
  SetInputs({{{8, 20}, {1, 8}}, {{8, 20}}});
  program_.outputs = {Step(MicroOp::kAdd, Step(MicroOp::kNeg, 0), 1)};
  ExpectSameBits("elements of x0 stand apart");
  SetInputs({{{90, 3}, {4, 1}}});
  program_.outputs = {Step(MicroOp::kNeg, 0)};
  ExpectSameBits("its rows have 3 elements");
}

TEST_F(PointwiseGeneratedTest, SomeProgramsAreNeverGenerated) {
  SetInputs({{{4}}});
  Step(MicroOp::kExp, Step(MicroOp::kNeg, 0));
  for (int64_t target : InstructionSets()) {
    const UseInstructionSet use(target);
    EXPECT_EQ(WhyNotGenerated(program_, DataType::kFloat),
              VectorSetInUse().has_value() ? "" : "the processor has no AVX2");
  }
  EXPECT_EQ(WhyNotGenerated(program_, DataType::kDouble),
            "float64 is computed by the C library");
  Step(MicroOp::kErf, 0);
  EXPECT_EQ(WhyNotGenerated(program_, DataType::kFloat),
            "erf is computed by the C library");
}

}  // namespace
}  // namespace weft
