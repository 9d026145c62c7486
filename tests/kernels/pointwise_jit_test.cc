// Generated code gives the bits of the loops that it stands for.
#include "kernels/pointwise_jit.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "kernels/pointwise_loops.h"
#include "tests/kernels/instruction_sets.h"

namespace weft {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
const float kSpecial[] = {
    0.0f,       -0.0f,   1.0f,    -1.0f,    kNan,    -kNan,    kInfinity,
    -kInfinity, 1e-45f,  -1e-40f, 1.2e-38f, 3.4e38f, -3.4e38f, 88.7f,
    -88.5f,     -104.5f, 0.5f,    2.5f,     -3.5f,   6.0f,     20.0f};

// Bytes that end where memory ends: what reads or writes beyond them crashes.
class Guarded {
 public:
  explicit Guarded(size_t bytes) : bytes_(bytes) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    mapped_ = (bytes + page - 1) / page * page + page;
    start_ = static_cast<char*>(mmap(nullptr, mapped_, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    EXPECT_NE(start_, MAP_FAILED);
    EXPECT_EQ(mprotect(start_ + mapped_ - page, page, PROT_NONE), 0);
    data_ = start_ + mapped_ - page - bytes;
    std::memset(data_, 0x5a, bytes);
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  ~Guarded() { munmap(start_, mapped_); }

  float* floats() const { return reinterpret_cast<float*>(data_); }
  uint8_t* truths() const { return reinterpret_cast<uint8_t*>(data_); }
  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  size_t bytes_, mapped_;
  char* start_;
  char* data_;
};

// A program and what it is run on.
class Trial {
 public:
  // `special`: infinities, NaN and numbers of any size are among the inputs.
  Trial(PointwiseForm form, int64_t columns, int64_t rows, std::mt19937* random,
        bool special = true)
      : form_(std::move(form)), columns_(columns), rows_(rows) {
    for (const PointwiseForm::Load& load : form_.loads) {
      const int64_t row = load.repeats ? 1 : columns;
      // One row for all, rows one behind the other, or with a gap.
      const int64_t stride = (*random)() % 3 == 0 ? 0 : row + (*random)() % 2;
      strides_.push_back(stride);
      const int64_t size = (rows - 1) * stride + row;
      inputs_.push_back(std::make_unique<Guarded>(
          load.is_truth ? size : size * sizeof(float)));
      for (int64_t i = 0; i < size; ++i) {
        if (load.is_truth) {
          inputs_.back()->truths()[i] = (*random)() % 2;
        } else {
          inputs_.back()->floats()[i] = Number(special, random);
        }
      }
    }
  }

  // Runs `function`, and compares with the loops, element by element.
  void Check(const PointwiseFunction& function) const {
    std::vector<std::unique_ptr<Guarded>> outputs;
    std::vector<void*> pointers;
    std::vector<int64_t> row_bytes;
    for (size_t l = 0; l < inputs_.size(); ++l) {
      pointers.push_back(inputs_[l]->data());
      row_bytes.push_back(strides_[l] * SizeOf(form_.loads[l].is_truth));
    }
    for (const PointwiseForm::Store& store : form_.stores) {
      const int64_t size =
          SizeOf(store.is_truth) * (store.is_sum ? 1 : columns_);
      outputs.push_back(std::make_unique<Guarded>(rows_ * size));
      pointers.push_back(outputs.back()->data());
      row_bytes.push_back(size);
    }
    function.code()(pointers.data(), row_bytes.data(), columns_, rows_);
    for (int64_t row = 0; row < rows_; ++row) {
      const std::vector<std::vector<float>> places = Interpret(row);
      for (size_t s = 0; s < form_.stores.size(); ++s) {
        const PointwiseForm::Store& store = form_.stores[s];
        if (store.is_sum) {
          CompareSum(places[store.place], store.is_mean, *outputs[s], row);
        } else {
          Compare(places[store.place], *outputs[s], store.is_truth, row);
        }
      }
    }
  }

 private:
  static int64_t SizeOf(bool is_truth) {
    return is_truth ? 1 : static_cast<int64_t>(sizeof(float));
  }

  static float Number(bool special, std::mt19937* random) {
    switch (special ? (*random)() % 4 : 2) {
      case 0:
        return kSpecial[(*random)() % std::size(kSpecial)];
      case 1:
        return std::bit_cast<float>(static_cast<uint32_t>((*random)()));
      default:
        return std::uniform_real_distribution<float>(-6, 6)(*random);
    }
  }

  std::vector<std::vector<float>> Interpret(int64_t row) const {
    std::vector<std::vector<float>> places;
    for (size_t l = 0; l < inputs_.size(); ++l) {
      const PointwiseForm::Load& load = form_.loads[l];
      places.emplace_back();
      for (int64_t i = 0; i < columns_; ++i) {
        const int64_t at = row * strides_[l] + (load.repeats ? 0 : i);
        places.back().push_back(load.is_truth ? inputs_[l]->truths()[at]
                                              : inputs_[l]->floats()[at]);
      }
    }
    for (const PointwiseForm::Step& step : form_.steps) {
      std::vector<float> result(columns_);
      FindPointwiseLoop<float>(step.op)(
          places[step.arguments[0]].data(), places[step.arguments[1]].data(),
          places[step.arguments[2]].data(), result.data(), columns_,
          step.parameter);
      places.push_back(std::move(result));
    }
    return places;
  }

  void Compare(const std::vector<float>& expected, const Guarded& output,
               bool is_truth, int64_t row) const {
    for (int64_t i = 0; i < columns_; ++i) {
      const int64_t at = row * columns_ + i;
      if (is_truth) {
        ASSERT_EQ(output.truths()[at], expected[i] != 0) << Describe(row, i);
        continue;
      }
      const float value = output.floats()[at];
      // Which of several NaN a sum gives is up to the compiler.
      if (std::isnan(expected[i])) {
        ASSERT_TRUE(std::isnan(value)) << Describe(row, i);
      } else {
        ASSERT_EQ(std::bit_cast<uint32_t>(value),
                  std::bit_cast<uint32_t>(expected[i]))
            << value << " " << expected[i] << Describe(row, i);
      }
    }
  }

  // Element i is added to sum i % 16; these are added up in halves.
  void CompareSum(const std::vector<float>& elements, bool is_mean,
                  const Guarded& output, int64_t row) const {
    std::vector<float> sums(16, 0.0f);
    for (size_t i = 0; i < elements.size(); ++i) sums[i % 16] += elements[i];
    for (size_t half = 8; half > 0; half /= 2) {
      for (size_t i = 0; i < half; ++i) sums[i] += sums[i + half];
    }
    const float expected =
        is_mean ? sums[0] / static_cast<float>(columns_) : sums[0];
    const float value = output.floats()[row];
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(value)) << Describe(row, -1);
    } else {
      ASSERT_EQ(std::bit_cast<uint32_t>(value),
                std::bit_cast<uint32_t>(expected))
          << value << " " << expected << Describe(row, -1);
    }
  }

  std::string Describe(int64_t row, int64_t column) const {
    std::string text = absl::StrCat(" at ", row, ", ", column, " of ", rows_,
                                    " x ", columns_, ":");
    for (const PointwiseForm::Step& step : form_.steps) {
      absl::StrAppend(&text, " ", InfoOf(step.op).name, "(", step.arguments[0],
                      ", ", step.arguments[1], ", ", step.arguments[2], ")");
    }
    return text;
  }

  const PointwiseForm form_;
  const int64_t columns_, rows_;
  std::vector<int64_t> strides_;
  std::vector<std::unique_ptr<Guarded>> inputs_;
};

// For those instruction sets of this machine that have generated code.
template <typename F>
void ForEachVectorSet(const F& f) {
  int sets = 0;
  for (int64_t target : InstructionSets()) {
    const UseInstructionSet use(target);
    SCOPED_TRACE(hwy::TargetName(target));
    if (!VectorSetInUse().has_value()) continue;
    ++sets;
    f(*VectorSetInUse());
    if (::testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(sets, 0) << "this machine has no AVX2";
}

std::vector<MicroOp> KnownOps() {
  std::vector<MicroOp> ops;
  for (int i = 0; i < static_cast<int>(MicroOp::kCount); ++i) {
    if (HasVectorCode(static_cast<MicroOp>(i)))
      ops.push_back(static_cast<MicroOp>(i));
  }
  return ops;
}

// Steps of random operations on random places of the right type. Stores what
// nothing else uses, and some more.
PointwiseForm RandomForm(int num_loads, int num_steps, std::mt19937* random) {
  PointwiseForm form;
  std::vector<int> numbers, truths;
  for (int l = 0; l < num_loads; ++l) {
    const bool is_truth = l > 0 && (*random)() % 4 == 0;
    (is_truth ? truths : numbers).push_back(l);
    form.loads.push_back(
        {.is_truth = is_truth, .repeats = (*random)() % 4 == 0});
  }
  const std::vector<MicroOp> ops = KnownOps();
  std::vector<bool> used(num_loads + num_steps, false);
  while (static_cast<int>(form.steps.size()) < num_steps) {
    const MicroOp op = ops[(*random)() % ops.size()];
    const MicroOpInfo& info = InfoOf(op);
    PointwiseForm::Step step{.op = op, .parameter = 0.25f};
    bool fits = true;
    for (int a = 0; a < info.arity(); ++a) {
      const std::vector<int>& from = info.types[a] == 'b' ? truths : numbers;
      fits &= !from.empty();
      if (!fits) break;
      // Mostly something new.
      const size_t last = std::min<size_t>(from.size(), 4);
      step.arguments[a] = (*random)() % 4 == 0
                              ? from[(*random)() % from.size()]
                              : from[from.size() - 1 - (*random)() % last];
    }
    if (!fits) continue;
    for (int a = 0; a < info.arity(); ++a) used[step.arguments[a]] = true;
    const int place = num_loads + static_cast<int>(form.steps.size());
    (info.types.back() == 'b' ? truths : numbers).push_back(place);
    form.steps.push_back(step);
  }
  for (int s = 0; s < num_steps; ++s) {
    const int place = num_loads + s;
    if (used[place] && (*random)() % 4 != 0) continue;
    form.stores.push_back(
        {.place = place,
         .is_truth = InfoOf(form.steps[s].op).types.back() == 'b'});
  }
  return form;
}

TEST(PointwiseJitTest, KnowsWhatTheLibraryDoesNotCompute) {
  for (MicroOp op :
       {MicroOp::kCos, MicroOp::kElu, MicroOp::kErf, MicroOp::kExpm1,
        MicroOp::kLog, MicroOp::kLog1p, MicroOp::kPow, MicroOp::kSelu,
        MicroOp::kSin, MicroOp::kSoftplus}) {
    EXPECT_FALSE(HasVectorCode(op)) << InfoOf(op).name;
  }
  EXPECT_EQ(KnownOps().size(), static_cast<size_t>(MicroOp::kCount) - 10);
}

TEST(PointwiseJitTest, EveryOperationGivesTheBitsOfItsLoop) {
  std::mt19937 random(1);
  ForEachVectorSet([&](VectorSet set) {
    for (MicroOp op : KnownOps()) {
      const MicroOpInfo& info = InfoOf(op);
      for (const bool repeats : {false, true}) {
        PointwiseForm form;
        for (int a = 0; a < info.arity(); ++a) {
          form.loads.push_back(
              {.is_truth = info.types[a] == 'b', .repeats = repeats && a == 0});
        }
        form.steps.push_back(
            {.op = op, .arguments = {0, 1, 2}, .parameter = 0.3f});
        for (int a = info.arity(); a < 3; ++a) form.steps[0].arguments[a] = 0;
        form.stores.push_back(
            {.place = info.arity(), .is_truth = info.types.back() == 'b'});
        const auto function = FindPointwiseFunction(form, set);
        ASSERT_NE(function, nullptr);
        for (int64_t columns = 1; columns <= 70; ++columns) {
          Trial(form, columns, 1 + columns % 3, &random).Check(*function);
          if (::testing::Test::HasFatalFailure()) return;
        }
      }
    }
  });
}

TEST(PointwiseJitTest, RandomProgramsGiveTheBitsOfTheLoops) {
  std::mt19937 random(2);
  ForEachVectorSet([&](VectorSet set) {
    for (int n = 0; n < 200; ++n) {
      const PointwiseForm form =
          RandomForm(1 + random() % 12, 1 + random() % 48, &random);
      const auto function = FindPointwiseFunction(form, set);
      ASSERT_NE(function, nullptr);
      for (int trial = 0; trial < 4; ++trial) {
        Trial(form, 1 + random() % 70, 1 + random() % 4, &random)
            .Check(*function);
        if (::testing::Test::HasFatalFailure()) return;
      }
    }
  });
}

TEST(PointwiseJitTest, WhatHasNoRegisterIsInMemory) {
  // x_k less the greatest of all x, and how it compares with its neighbour.
  PointwiseForm form;
  form.loads.resize(40);
  for (int k = 1; k < 40; ++k) {
    form.steps.push_back(
        {.op = MicroOp::kMax, .arguments = {k == 1 ? 0 : 38 + k, k, 0}});
  }
  const int greatest = 78;
  for (int k = 0; k < 40; ++k) {
    form.stores.push_back({.place = greatest + 1 + k});
    form.steps.push_back({.op = MicroOp::kSub, .arguments = {k, greatest, 0}});
  }
  for (int k = 0; k < 39; ++k) {
    form.stores.push_back({.place = greatest + 41 + k, .is_truth = true});
    form.steps.push_back({.op = MicroOp::kLess, .arguments = {k, k + 1, 0}});
  }
  std::mt19937 random(4);
  ForEachVectorSet([&](VectorSet set) {
    const auto function = FindPointwiseFunction(form, set);
    ASSERT_NE(function, nullptr);
    EXPECT_GT(function->num_spills(), 0);
    for (int64_t columns : {1, 15, 16, 17, 40, 64})
      Trial(form, columns, 2, &random).Check(*function);
  });
}

TEST(PointwiseJitTest, RowsAreAddedUp) {
  // (x - tanh m)^2 and its sum, and the mean of |x| e^|m|.
  const PointwiseForm form = {
      .loads = {{}, {.repeats = true}},
      .steps = {{.op = MicroOp::kTanh, .arguments = {1, 0, 0}},
                {.op = MicroOp::kSub, .arguments = {0, 2, 0}},
                {.op = MicroOp::kSquare, .arguments = {3, 0, 0}},
                {.op = MicroOp::kAbs, .arguments = {1, 0, 0}},
                {.op = MicroOp::kExp, .arguments = {5, 0, 0}},
                {.op = MicroOp::kAbs, .arguments = {0, 0, 0}},
                {.op = MicroOp::kMul, .arguments = {6, 7, 0}}},
      .stores = {{.place = 4, .is_sum = true},
                 {.place = 4},
                 {.place = 8, .is_sum = true, .is_mean = true}}};
  EXPECT_EQ(SplitRowValues(form).row.steps.size(), 3u);
  EXPECT_EQ(SplitRowValues(form).body.steps.size(), 4u);
  std::mt19937 random(6);
  ForEachVectorSet([&](VectorSet set) {
    const auto function = FindPointwiseFunction(form, set);
    ASSERT_NE(function, nullptr);
    for (int64_t columns = 1; columns <= 100; ++columns) {
      for (bool special : {false, true}) {
        Trial(form, columns, 1 + columns % 3, &random, special)
            .Check(*function);
        if (::testing::Test::HasFatalFailure()) return;
      }
    }
  });
}

// The sum is of sixteen elements at a time also where two vectors need more
// registers than there are.
TEST(PointwiseJitTest, SumsOfLargePrograms) {
  std::mt19937 random(7);
  ForEachVectorSet([&](VectorSet set) {
    for (int n = 0; n < 40; ++n) {
      PointwiseForm form = RandomForm(12, 48, &random);
      for (int s = 47; s >= 0 && form.num_sums() < 2; --s) {
        if (InfoOf(form.steps[s].op).types.back() == 'b') continue;
        form.stores.push_back(
            {.place = 12 + s, .is_sum = true, .is_mean = s % 2 == 0});
      }
      const auto function = FindPointwiseFunction(form, set);
      ASSERT_NE(function, nullptr);
      for (int64_t columns : {3, 8, 13, 16, 27, 48, 70}) {
        Trial(form, columns, 2, &random, /*special=*/false).Check(*function);
        if (::testing::Test::HasFatalFailure()) return;
      }
    }
  });
}

TEST(PointwiseJitTest, AFewValuesStayInRegisters) {
  // What an LSTM does to its gates i, j, f, o and its state c.
  const PointwiseForm form = {
      .loads = {{}, {}, {}, {}, {}},
      .steps = {{.op = MicroOp::kSigmoid, .arguments = {0, 0, 0}},
                {.op = MicroOp::kTanh, .arguments = {1, 0, 0}},
                {.op = MicroOp::kSigmoid, .arguments = {2, 0, 0}},
                {.op = MicroOp::kSigmoid, .arguments = {3, 0, 0}},
                {.op = MicroOp::kMul, .arguments = {5, 6, 0}},
                {.op = MicroOp::kMul, .arguments = {7, 4, 0}},
                {.op = MicroOp::kAdd, .arguments = {9, 10, 0}},
                {.op = MicroOp::kTanh, .arguments = {11, 0, 0}},
                {.op = MicroOp::kMul, .arguments = {8, 12, 0}}},
      .stores = {{.place = 11}, {.place = 13}}};
  std::mt19937 random(5);
  ForEachVectorSet([&](VectorSet set) {
    const auto function = FindPointwiseFunction(form, set);
    ASSERT_NE(function, nullptr);
    EXPECT_EQ(function->num_spills(), 0);
    Trial(form, 256, 3, &random).Check(*function);
  });
}

TEST(PointwiseJitTest, AnOutputMayBeTheMemoryOfAnInput) {
  // x * y over x, x - y over y.
  const PointwiseForm form = {
      .loads = {{}, {}},
      .steps = {{.op = MicroOp::kMul, .arguments = {0, 1, 0}},
                {.op = MicroOp::kSub, .arguments = {0, 1, 0}}},
      .stores = {{.place = 2}, {.place = 3}}};
  ForEachVectorSet([&](VectorSet set) {
    for (int64_t columns = 1; columns <= 70; ++columns) {
      std::vector<float> x, y;
      for (int64_t i = 0; i < columns; ++i) {
        x.push_back(static_cast<float>(i + 2));
        y.push_back(static_cast<float>(3 * i - 7));
      }
      void* pointers[] = {x.data(), y.data(), x.data(), y.data()};
      const int64_t row_bytes[] = {0, 0, 0, 0};
      FindPointwiseFunction(form, set)->code()(pointers, row_bytes, columns, 1);
      for (int64_t i = 0; i < columns; ++i) {
        ASSERT_EQ(x[i], static_cast<float>((i + 2) * (3 * i - 7)));
        ASSERT_EQ(y[i], static_cast<float>(i + 2 - (3 * i - 7)));
      }
    }
  });
}

TEST(PointwiseJitTest, WhatIsTheSameIsMadeOnce) {
  const PointwiseForm form = {.loads = {{}},
                              .steps = {{.op = MicroOp::kLeakyRelu,
                                         .arguments = {0, 0, 0},
                                         .parameter = 0.125f}},
                              .stores = {{.place = 1}}};
  PointwiseForm other = form;
  other.steps[0].parameter = 0.25f;
  ForEachVectorSet([&](VectorSet set) {
    const auto function = FindPointwiseFunction(form, set);
    EXPECT_EQ(function, FindPointwiseFunction(form, set));
    EXPECT_NE(function, FindPointwiseFunction(other, set));
    EXPECT_GT(function->code_bytes(), 0);
  });
}

// From now on, this process may not make memory executable.
bool RefuseExecution() {
  constexpr uint32_t kProtection = offsetof(seccomp_data, args) + 2 * 8;
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kProtection),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 13),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program = {.len = std::size(filter), .filter = filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST(PointwiseJitTest, WithoutExecutableMemoryThereIsNoFunction) {
  const PointwiseForm form = {
      .loads = {{}},
      .steps = {{.op = MicroOp::kNeg, .arguments = {0, 0, 0}}},
      .stores = {{.place = 1}}};
  ForEachVectorSet([&](VectorSet set) {
    EXPECT_NE(AssemblePointwise(form, set), nullptr);
    EXPECT_EXIT(
        {
          const bool refuses = RefuseExecution();
          const auto function = AssemblePointwise(form, set);
          std::_Exit(!refuses ? 2 : function == nullptr ? 0 : 1);
        },
        ::testing::ExitedWithCode(0), "");
  });
}

TEST(PointwiseJitTest, ThreadsMayAskForTheSame) {
  ForEachVectorSet([&](VectorSet set) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([set] {
        std::mt19937 random(3);
        for (int n = 0; n < 30; ++n) {
          const PointwiseForm form = RandomForm(3, 5, &random);
          Trial(form, 20, 2, &random).Check(*FindPointwiseFunction(form, set));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
}

}  // namespace
}  // namespace weft
