#include "kernels/pointwise_interpreter.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/elementwise.h"
#include "kernels/reduce_row.h"

namespace weft {
namespace {

// Temporaries of one thread; a tile of the largest program fits.
constexpr size_t kStackBytes = 64 << 10;

// Where rows of a domain start in each load, and in each store behind them.
class Rows {
 public:
  Rows(const PointwiseDomain& d, int64_t row)
      : d_(d),
        index_(d.axes.size(), 0),
        at_(d.loads.size() + d.stores.size(), 0) {
    for (size_t k = 1; k < d.axes.size(); ++k) {
      index_[k] = row % d.axes[k];
      row /= d.axes[k];
      Move(k, index_[k]);
    }
  }

  int64_t at(size_t load) const { return at_[load]; }
  int64_t at_store(size_t store) const { return at_[d_.loads.size() + store]; }

  void Next() {
    for (size_t k = 1; k < d_.axes.size(); ++k) {
      Move(k, 1);
      if (++index_[k] < d_.axes[k]) return;
      Move(k, -d_.axes[k]);
      index_[k] = 0;
    }
  }

 private:
  void Move(size_t axis, int64_t steps) {
    const size_t loads = d_.loads.size();
    for (size_t i = 0; i < at_.size(); ++i) {
      at_[i] += steps * (i < loads ? d_.loads[i].strides[axis]
                                   : d_.stores[i - loads].strides[axis]);
    }
  }

  const PointwiseDomain& d_;
  absl::InlinedVector<int64_t, 4> index_;
  absl::InlinedVector<int64_t, 16> at_;
};

// to[i] = from[i * stride], of numbers or of truth values.
template <typename T, typename From>
void Gather(const From* from, int64_t stride, int64_t n, T* to) {
  if (stride == 0) {
    std::fill_n(to, n, static_cast<T>(*from));
  } else if (stride == 1 && std::is_same_v<T, From>) {
    std::memcpy(to, from, n * sizeof(T));
  } else {
    for (int64_t i = 0; i < n; ++i) to[i] = static_cast<T>(from[i * stride]);
  }
}

template <typename T>
class Tiles {
 public:
  Tiles(const PointwiseDomain& d, const PointwiseProgram& program,
        const std::vector<PointwiseLoop<T>>& loops, const KernelContext& c,
        T* memory)
      : d_(d), program_(program), loops_(loops), c_(c) {
    if (d.has_sums()) sums_.resize(d.stores.size());
    for (int p = 0; p < d.num_places; ++p) {
      places_[p] =
          d.temporary[p] >= 0 ? memory + d.temporary[p] * d.tile : nullptr;
    }
    for (size_t l = 0; l < d.loads.size(); ++l) {
      if (d.loads[l].is_single && d.temporary[l] >= 0)
        Load(l, 0, 0, std::min(d.tile, d.size), places_[l]);
    }
  }

  // Elements [begin, end) of a domain of one row.
  void RunColumns(int64_t begin, int64_t end) {
    RunRow(Rows(d_, 0), 0, begin, end);
  }

  void RunRows(int64_t begin, int64_t end) {
    const int64_t size = d_.axes[0];
    Rows row(d_, begin);
    if (size >= kShortPointwiseRow) {
      for (int64_t r = begin; r < end; ++r, row.Next())
        RunRow(row, r * size, 0, size);
      return;
    }
    const int64_t at_once = d_.tile / size;
    for (int64_t r = begin; r < end; r += at_once) {
      const int64_t count = std::min(at_once, end - r);
      Rows stored = row;
      LoadRows(&row, r, count);
      RunSteps(r * size, count * size);
      for (int64_t k = 0; k < count; ++k, stored.Next())
        StoreRow(stored, 0, k * size, size);
    }
  }

 private:
  template <typename U>
  const U* Input(size_t l) const {
    return static_cast<const U*>(c_.input(d_.loads[l].input).data);
  }

  void Load(size_t l, int64_t at, int64_t stride, int64_t n, T* to) const {
    if (d_.loads[l].is_truth) {
      Gather(Input<uint8_t>(l) + at, stride, n, to);
    } else {
      Gather(Input<T>(l) + at, stride, n, to);
    }
  }

  // Columns [begin, end) of a row that starts at element `start` of the domain.
  void RunRow(const Rows& row, int64_t start, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += d_.tile) {
      const int64_t n = std::min(d_.tile, end - i);
      for (size_t l = 0; l < d_.loads.size(); ++l) {
        const PointwiseLoad& load = d_.loads[l];
        if (d_.temporary[l] < 0) {
          places_[l] = const_cast<T*>(Input<T>(l)) + row.at(l) + i;
        } else if (!load.is_single) {
          const int64_t stride = load.strides[0];
          Load(l, row.at(l) + i * stride, stride, n, places_[l]);
        }
      }
      RunSteps(start + i, n);
      StoreRow(row, i, 0, n);
    }
  }

  // Loads `count` short rows from `row` on, one behind the other.
  void LoadRows(Rows* row, int64_t first, int64_t count) {
    const int64_t size = d_.axes[0];
    for (size_t l = 0; l < d_.loads.size(); ++l) {
      if (d_.temporary[l] < 0)
        places_[l] = const_cast<T*>(Input<T>(l)) + first * size;
    }
    for (int64_t k = 0; k < count; ++k, row->Next()) {
      for (size_t l = 0; l < d_.loads.size(); ++l) {
        const PointwiseLoad& load = d_.loads[l];
        if (load.is_single || d_.temporary[l] < 0) continue;
        Load(l, row->at(l), load.strides[0], size, places_[l] + k * size);
      }
    }
  }

  void RunSteps(int64_t start, int64_t n) {
    for (const PointwiseDomain::Step& step : d_.steps) {
      const int output = d_.direct[step.result];
      if (output >= 0) {
        places_[step.result] = static_cast<T*>(c_.output(output).data) + start;
      }
      loops_[step.instruction](
          places_[step.arguments[0]], places_[step.arguments[1]],
          places_[step.arguments[2]], places_[step.result], n,
          static_cast<T>(program_.instructions[step.instruction].parameter));
    }
  }

  // Elements [begin, begin + n) of the places, at `column` of a row.
  void StoreRow(const Rows& row, int64_t column, int64_t begin, int64_t n) {
    for (size_t s = 0; s < d_.stores.size(); ++s) {
      const PointwiseDomain::Store& store = d_.stores[s];
      const T* from = places_[store.place] + begin;
      const int64_t at = row.at_store(s) + column;
      if (store.is_sum) {
        AddUp(s, from, column, n);
        if (column + n == d_.axes[0])
          static_cast<T*>(c_.output(store.output).data)[row.at_store(s)] =
              Sum(s);
      } else if (store.is_truth) {
        bool* to = static_cast<bool*>(c_.output(store.output).data) + at;
        for (int64_t i = 0; i < n; ++i) to[i] = from[i] != 0;
      } else {
        std::copy_n(from, n,
                    static_cast<T*>(c_.output(store.output).data) + at);
      }
    }
  }

  // Adds n elements, from `column` of a row on, to the sums of store s: see
  // ReduceLanes.
  void AddUp(size_t s, const T* from, int64_t column, int64_t n) {
    Lanes& lanes = sums_[s];
    if (column == 0) lanes.fill(T{0});
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
      for (int k = 0; k < kLanes; ++k) lanes[k] += from[i + k];
    }
    for (int k = 0; i + k < n; ++k) lanes[k] += from[i + k];
  }

  T Sum(size_t s) {
    const T sum = CombineHalves<SumReduction, kLanes>(sums_[s].data());
    return d_.stores[s].is_mean ? sum / static_cast<T>(d_.axes[0]) : sum;
  }

  static constexpr int kLanes = 16;  // Tiles are of so many elements, too.
  using Lanes = std::array<T, kLanes>;

  const PointwiseDomain& d_;
  const PointwiseProgram& program_;
  const std::vector<PointwiseLoop<T>>& loops_;
  const KernelContext& c_;
  absl::InlinedVector<Lanes, 4> sums_;  // By store.
  std::array<T*, kMaxPointwisePlaces> places_;
};

}  // namespace

template <typename T>
void InterpretPointwise(const PointwiseProgram& program,
                        const std::vector<PointwiseLoop<T>>& loops,
                        const PointwiseDomain& d, const KernelContext& c) {
  const int64_t columns = d.axes[0];
  const int64_t rows = d.size / columns;
  const auto run = [&](int64_t begin, int64_t end) {
    alignas(64) char memory[kStackBytes];
    Tiles<T> tiles(d, program, loops, c, reinterpret_cast<T*>(memory));
    if (rows == 1) {
      tiles.RunColumns(begin, end);
    } else {
      tiles.RunRows(begin, end);
    }
  };
  const int64_t n = rows == 1 ? columns : rows;
  const int64_t work = d.size * static_cast<int64_t>(d.steps.size());
  if (work <= crossover::kElements || (rows == 1 && d.has_sums()))
    return run(0, n);
  const int64_t grain = std::max<int64_t>(1, crossover::kElements * n / work);
  c.pool().ParallelFor(n, grain, run);
}

template void InterpretPointwise<float>(
    const PointwiseProgram& program,
    const std::vector<PointwiseLoop<float>>& loops, const PointwiseDomain& d,
    const KernelContext& c);
template void InterpretPointwise<double>(
    const PointwiseProgram& program,
    const std::vector<PointwiseLoop<double>>& loops, const PointwiseDomain& d,
    const KernelContext& c);

}  // namespace weft
