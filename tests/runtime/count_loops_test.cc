// CountLoops: what is no counter, and what counters can not tell. See
// store_rows_test.cc for what they can.
#include <cstdint>
#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/runtime/loop_rewrites_testing.h"

namespace weft {
namespace {

class CountLoopsTest : public LoopRewritesTest {
 protected:
  Tensor Int(int32_t x) { return Tensor::Scalar<int32_t>(x); }
};

TEST_F(CountLoopsTest, VectorsAreNoCounters) {
  Output start = Placeholder(g, "start", DataType::kInt32, {1});
  const Outputs out = While(
      {start, Const(g, 0), Const<int32_t>(g, {5, 6, 7}),
       EmptyTensorList(g, {-1, 4}, DataType::kFloat), h0},
      [&](const Outputs& v) { return Less(v[1], n); },
      [&](const Outputs& v) {
        const Output h = Tanh(v[4]);
        return Outputs{v[0] + 1, v[1] + 1, v[2] - 1,
                       TensorListPushBack(v[3], h), h};
      });
  const Output all = TensorListStack(out[3], DataType::kFloat);
  After(CountLoops, {out[0], out[1], out[2], all}, {start, h0, n});
  EXPECT_EQ(report_[0], "counters: 1 known before their loops");
  ExpectSame({out[0], out[1], out[2], all},
             {{start, Tensor::Vector<int32_t>({4})},
              {h0, Random({2, 4})},
              {n, Int(3)}});
}

TEST_F(CountLoopsTest, LimitsMayTurnOutToHaveAnAxis) {
  Output limit =
      Placeholder(g, "limit", DataType::kInt32, TensorShape::UnknownRank());
  const Outputs out = While(
      {Const(g, 0), h0}, [&](const Outputs& v) { return Less(v[0], limit); },
      [&](const Outputs& v) {
        return Outputs{v[0] + 1, Tanh(v[1])};
      });
  ExpectSame(out,
             {{h0, Random({2, 4})}, {limit, Tensor::Vector<int32_t>({3})}});
  ExpectSame(out, {{h0, Random({2, 4})}, {limit, Int(3)}});
}

// From one end of the integers to the other it is farther than they can tell.
TEST_F(CountLoopsTest, LimitsMayBeVeryFar) {
  constexpr int32_t kMax = std::numeric_limits<int32_t>::max();
  constexpr int32_t kMin = std::numeric_limits<int32_t>::min();
  Output begin = Placeholder(g, "begin", DataType::kInt32, {});
  Output limit = Placeholder(g, "far", DataType::kInt32, {});
  auto loop = [&](const Output& from) {
    return While(
        {from, Const(g, 0), h0},
        [&](const Outputs& v) {
          return LogicalAnd(Less(v[0], limit), Less(v[1], n));
        },
        [&](const Outputs& v) {
          return Outputs{v[0] + 1, v[1] + 1, Tanh(v[2])};
        });
  };
  const Outputs of_fed = loop(begin);
  const Outputs of_three = loop(Const(g, 3));
  const Outputs of_one = While(
      {begin, h0}, [&](const Outputs& v) { return Less(v[0], limit); },
      [&](const Outputs& v) {
        return Outputs{v[0] + 1, Tanh(v[1])};
      });
  auto feeds = [&](int32_t from, int32_t to) {
    return std::vector<Feed>{{h0, Random({2, 4})},
                             {n, Int(5)},
                             {begin, Int(from)},
                             {limit, Int(to)}};
  };
  for (int32_t from : {-3, 0, 4, kMin}) {
    for (int32_t to : {kMin, -3, 2, 6, kMax}) {
      ExpectSame(of_fed, feeds(from, to));
      ExpectSame(of_three, feeds(from, to));
      if (to < 10 && from > kMin) ExpectSame(of_one, feeds(from, to));
    }
  }
}

}  // namespace
}  // namespace weft
