// Strings, Print and summaries.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/kernel.h"
#include "core/status.h"
#include "kernels/array_copy.h"
#include "kernels/position.h"
#include "kernels/shape_args.h"

namespace weft {
namespace {

// ---- Strings ----------------------------------------------------------------

class StringJoinKernel : public Kernel {
 public:
  explicit StringJoinKernel(const KernelInit& init)
      : separator_(init.attrs.Get<std::string>("separator")) {}

  absl::Status Layout(LayoutContext& c) const override {
    TensorShape shape;
    for (int i = 0; i < c.num_inputs(); ++i) {
      if (c.input_shape(i).IsScalar()) continue;
      if (!shape.IsScalar() && shape != c.input_shape(i)) {
        return InvalidArgument("input ", i, " is ", c.input_shape(i).ToString(),
                               " but must be ", shape.ToString(),
                               " or a scalar");
      }
      shape = c.input_shape(i);
    }
    c.SetOutput(0, shape);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const absl::Span<std::string> out = c.out<std::string>(0);
    for (size_t k = 0; k < out.size(); ++k) {
      std::string joined;
      for (int i = 0; i < c.num_inputs(); ++i) {
        if (i > 0) joined += separator_;
        joined += c.in<std::string>(i)[c.input_shape(i).IsScalar() ? 0 : k];
      }
      out[k] = std::move(joined);
    }
    return absl::OkStatus();
  }

 private:
  const std::string separator_;
};
WEFT_KERNEL(StringJoin, StringJoinKernel, {});

class AsStringKernel : public Kernel {
 public:
  explicit AsStringKernel(const KernelInit& init) {
    const AttrMap& attrs = init.attrs;
    format_ = absl::StrCat("%", attrs.Get<std::string>("fill"));
    if (attrs.Get<int64_t>("width") >= 0)
      absl::StrAppend(&format_, attrs.Get<int64_t>("width"));
    if (!IsFloating(init.input_types[0])) {
      format_ += "lld";
      return;
    }
    if (attrs.Get<int64_t>("precision") >= 0)
      absl::StrAppend(&format_, ".", attrs.Get<int64_t>("precision"));
    format_ += attrs.Get<bool>("scientific") ? "e"
               : attrs.Get<bool>("shortest") ? "g"
                                             : "f";
  }

  absl::Status Layout(LayoutContext& c) const override {
    c.SetOutput(0, c.input_shape(0));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    switch (c.input(0).dtype) {
      case DataType::kFloat:
        return Write<float, double>(c);
      case DataType::kDouble:
        return Write<double, double>(c);
      case DataType::kInt32:
        return Write<int32_t, long long>(c);  // NOLINT: what %lld takes.
      case DataType::kInt64:
        return Write<int64_t, long long>(c);  // NOLINT
      default: {
        const absl::Span<std::string> out = c.out<std::string>(0);
        for (size_t i = 0; i < out.size(); ++i)
          out[i] = c.in<bool>(0)[i] ? "true" : "false";
        return absl::OkStatus();
      }
    }
  }

 private:
  // printf's arguments are of type `As`. The schema has checked the format.
  template <typename T, typename As>
  absl::Status Write(KernelContext& c) const {
    const absl::Span<std::string> out = c.out<std::string>(0);
    std::vector<char> text(2048);  // A double and the widest format.
    for (size_t i = 0; i < out.size(); ++i) {
      const int size = std::snprintf(text.data(), text.size(), format_.c_str(),
                                     static_cast<As>(c.in<T>(0)[i]));
      out[i].assign(text.data(), std::min<size_t>(size, text.size() - 1));
    }
    return absl::OkStatus();
  }

  std::string format_;
};
WEFT_KERNEL(AsString, AsStringKernel, {});

class ShardedFilenameKernel : public Kernel {
 public:
  explicit ShardedFilenameKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 0, 0, "basename"));
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 1, 0, "shard"));
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 2, 0, "num_shards"));
    c.SetOutput(0, {});
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    c.out<std::string>(0)[0] =
        absl::StrFormat("%s-%05d-of-%05d", c.in<std::string>(0)[0],
                        c.in<int32_t>(1)[0], c.in<int32_t>(2)[0]);
    return absl::OkStatus();
  }
};
WEFT_KERNEL(ShardedFilename, ShardedFilenameKernel, {});

// ---- Print ------------------------------------------------------------------

class PrintKernel : public Kernel {
 public:
  explicit PrintKernel(const KernelInit& init)
      : message_(init.attrs.Get<std::string>("message")),
        summarize_(init.attrs.Get<int64_t>("summarize")),
        times_left_(init.attrs.Get<int64_t>("first_n")) {}

  absl::Status Layout(LayoutContext& c) const override {
    c.SetOutput(0, c.input_shape(0));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorRef& out = c.output(0);
    const void* from = c.input(0).data;
    CopyElements(out.dtype, from, out.data, out.size);
    if (!TakeOne()) return absl::OkStatus();
    constexpr int64_t kMost = 1000;
    const int elements =
        static_cast<int>(summarize_ < 0 ? kMost : std::min(summarize_, kMost));
    std::string line = message_;
    for (int i = 1; i < c.num_inputs(); ++i)
      absl::StrAppend(&line, "[", c.BorrowInput(i).ToString(elements), "]");
    line += '\n';
    std::fwrite(line.data(), 1, line.size(), stderr);
    return absl::OkStatus();
  }

 private:
  // Is there a line left to be written? From several threads.
  bool TakeOne() const {
    int64_t left = times_left_.load();
    while (left > 0) {
      if (times_left_.compare_exchange_weak(left, left - 1)) return true;
    }
    return left < 0;
  }

  const std::string message_;
  const int64_t summarize_;
  mutable std::atomic<int64_t> times_left_;  // Below 0: any number.
};
WEFT_KERNEL(Print, PrintKernel, {});

// ---- Summaries --------------------------------------------------------------
//
// Messages are put together by hand, since kernels know no messages:
//   Summary { repeated Value value = 1; }
//   Value { string tag = 1; float simple_value = 2; HistogramProto histo = 5; }
//   HistogramProto { double min = 1, max = 2, num = 3, sum = 4,
//                    sum_squares = 5;
//                    repeated double bucket_limit = 6, bucket = 7 [packed]; }

void AppendVarint(std::string* out, uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

void AppendBytes(std::string* out, int field, absl::string_view bytes) {
  AppendVarint(out, field << 3 | 2);
  AppendVarint(out, bytes.size());
  out->append(bytes.data(), bytes.size());
}

template <typename T>
void AppendRaw(std::string* out, T value) {  // Little-endian, as x86 and ARM.
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out->append(bytes, sizeof(T));
}

void AppendDouble(std::string* out, int field, double value) {
  AppendVarint(out, field << 3 | 1);
  AppendRaw(out, value);
}

void AppendDoubles(std::string* out, int field,
                   const std::vector<double>& values) {
  std::string packed;
  for (const double value : values) AppendRaw(&packed, value);
  AppendBytes(out, field, packed);
}

// Element i of numbers of any type.
double NumberAt(const TensorRef& r, int64_t i) {
  switch (r.dtype) {
    case DataType::kFloat:
      return static_cast<const float*>(r.data)[i];
    case DataType::kDouble:
      return static_cast<const double*>(r.data)[i];
    case DataType::kHalf:
      return ToFloat(static_cast<const Half*>(r.data)[i]);
    case DataType::kBfloat16:
      return ToFloat(static_cast<const Bfloat16*>(r.data)[i]);
    case DataType::kInt8:
      return static_cast<const int8_t*>(r.data)[i];
    case DataType::kUint8:
      return static_cast<const uint8_t*>(r.data)[i];
    case DataType::kInt16:
      return static_cast<const int16_t*>(r.data)[i];
    case DataType::kUint16:
      return static_cast<const uint16_t*>(r.data)[i];
    case DataType::kUint32:
      return static_cast<const uint32_t*>(r.data)[i];
    case DataType::kInt32:
      return static_cast<const int32_t*>(r.data)[i];
    default:
      return static_cast<double>(static_cast<const int64_t*>(r.data)[i]);
  }
}

class ScalarSummaryKernel : public Kernel {
 public:
  explicit ScalarSummaryKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    if (c.input_shape(0) != c.input_shape(1)) {
      return InvalidArgument("values is ", c.input_shape(1).ToString(),
                             " but must be like tags, ",
                             c.input_shape(0).ToString());
    }
    c.SetOutput(0, {});
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    std::string summary;
    for (int64_t i = 0; i < c.input(0).size; ++i) {
      std::string value;
      AppendBytes(&value, 1, c.in<std::string>(0)[i]);
      AppendVarint(&value, 2 << 3 | 5);
      AppendRaw(&value, static_cast<float>(NumberAt(c.input(1), i)));
      AppendBytes(&summary, 1, value);
    }
    c.out<std::string>(0)[0] = std::move(summary);
    return absl::OkStatus();
  }
};
WEFT_KERNEL(ScalarSummary, ScalarSummaryKernel, {});

// TensorBoard's buckets: each 1.1 times the one before, of both signs.
std::vector<double> BucketLimits() {
  std::vector<double> positive;
  for (double limit = 1e-12; limit < 1e20; limit *= 1.1)
    positive.push_back(limit);
  positive.push_back(std::numeric_limits<double>::max());
  std::vector<double> limits;
  for (auto it = positive.rbegin(); it != positive.rend(); ++it)
    limits.push_back(-*it);
  limits.push_back(0);
  limits.insert(limits.end(), positive.begin(), positive.end());
  return limits;
}

class HistogramSummaryKernel : public Kernel {
 public:
  explicit HistogramSummaryKernel(const KernelInit&)
      : limits_(BucketLimits()) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 0, 0, "tag"));
    c.SetOutput(0, {});
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorRef& values = c.input(1);
    std::vector<double> counts(limits_.size(), 0);
    double min = std::numeric_limits<double>::max(), max = -min;
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < values.size; ++i) {
      const double x = NumberAt(values, i);
      if (!std::isfinite(x)) {
        return InvalidArgument("values", PositionName(*values.shape, i), " is ",
                               std::isnan(x) ? "NaN" : "infinite");
      }
      const auto above = std::upper_bound(limits_.begin(), limits_.end(), x);
      const size_t bucket =
          std::min<size_t>(above - limits_.begin(), limits_.size() - 1);
      ++counts[bucket];
      min = std::min(min, x);
      max = std::max(max, x);
      sum += x;
      squares += x * x;
    }
    std::string histogram;
    AppendDouble(&histogram, 1, min);
    AppendDouble(&histogram, 2, max);
    AppendDouble(&histogram, 3, static_cast<double>(values.size));
    AppendDouble(&histogram, 4, sum);
    AppendDouble(&histogram, 5, squares);
    AppendBuckets(&histogram, counts);
    std::string value, summary;
    AppendBytes(&value, 1, c.in<std::string>(0)[0]);
    AppendBytes(&value, 5, histogram);
    AppendBytes(&summary, 1, value);
    c.out<std::string>(0)[0] = std::move(summary);
    return absl::OkStatus();
  }

 private:
  // Empty buckets in a row are one.
  void AppendBuckets(std::string* out,
                     const std::vector<double>& counts) const {
    std::vector<double> limits, kept;
    for (size_t i = 0; i < counts.size();) {
      double limit = limits_[i];
      const double count = counts[i++];
      while (count <= 0 && i < counts.size() && counts[i] <= 0)
        limit = limits_[i++];
      limits.push_back(limit);
      kept.push_back(count);
    }
    AppendDoubles(out, 6, limits);
    AppendDoubles(out, 7, kept);
  }

  const std::vector<double> limits_;
};
WEFT_KERNEL(HistogramSummary, HistogramSummaryKernel, {});

// Messages of one type, one after the other, are their union.
class MergeSummaryKernel : public Kernel {
 public:
  explicit MergeSummaryKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    c.SetOutput(0, {});
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    std::string merged;
    for (int i = 0; i < c.num_inputs(); ++i) {
      for (const std::string& summary : c.in<std::string>(i)) merged += summary;
    }
    c.out<std::string>(0)[0] = std::move(merged);
    return absl::OkStatus();
  }
};
WEFT_KERNEL(MergeSummary, MergeSummaryKernel, {});

}  // namespace
}  // namespace weft
