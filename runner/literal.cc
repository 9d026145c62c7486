#include "runner/literal.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "core/status.h"
#include "core/tensor_shape.h"
#include "nlohmann/json.hpp"

namespace weft::runner {
namespace {

struct Element {
  absl::string_view text;  // With its quotes.
  bool quoted() const { return text[0] == '"'; }
  absl::string_view content() const {
    return quoted() ? text.substr(1, text.size() - 2) : text;
  }
};

// Takes a text apart into elements, row-major, and the dims of the lists.
class ListReader {
 public:
  explicit ListReader(absl::string_view text) : text_(text) {}

  absl::Status Read() {
    WEFT_RETURN_IF_ERROR(ReadValue(0));
    SkipBlanks();
    if (at_ == text_.size()) return absl::OkStatus();
    return InvalidArgument("there is more after the value: '",
                           Printable(text_.substr(at_)), "'");
  }
  const std::vector<Element>& elements() const { return elements_; }
  const std::vector<int64_t>& dims() const { return dims_; }

 private:
  void SkipBlanks() {
    while (at_ < text_.size() && absl::ascii_isspace(text_[at_])) ++at_;
  }
  // Skips blanks. Is this the next character? Then it is taken.
  bool Take(char c) {
    SkipBlanks();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  // Nesting is bounded by kMaxRank.
  absl::Status ReadValue(size_t depth) {
    if (Take('[')) return ReadList(depth);
    WEFT_RETURN_IF_ERROR(ReadElement());
    // The first element says how deep the others are.
    if (elements_.size() == 1) leaf_depth_ = depth;
    if (depth == leaf_depth_ && depth == dims_.size()) return absl::OkStatus();
    return Uneven();
  }

  absl::Status ReadList(size_t depth) {
    if (depth >= TensorShape::kMaxRank) {
      return InvalidArgument("lists are nested more than ",
                             TensorShape::kMaxRank, " deep");
    }
    if (depth == dims_.size()) {
      if (!elements_.empty()) return Uneven();
      dims_.push_back(-1);
    }
    int64_t size = 0;
    while (!Take(']')) {
      if (size > 0 && !Take(',')) return Unexpected("',' or ']'");
      WEFT_RETURN_IF_ERROR(ReadValue(depth + 1));
      ++size;
    }
    if (dims_[depth] >= 0 && dims_[depth] != size) {
      return InvalidArgument("lists of one level have ", dims_[depth], " and ",
                             size, " values, but must have as many");
    }
    dims_[depth] = size;
    return absl::OkStatus();
  }

  absl::Status ReadElement() {
    SkipBlanks();
    const size_t begin = at_;
    if (at_ < text_.size() && text_[at_] == '"') {
      for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
        if (text_[at_] == '\\') ++at_;
      }
      if (at_ >= text_.size())
        return InvalidArgument("a string lacks its closing quote");
      ++at_;
    } else {
      constexpr absl::string_view kEnds = "[],\"";
      while (at_ < text_.size() && !absl::ascii_isspace(text_[at_]) &&
             kEnds.find(text_[at_]) == absl::string_view::npos) {
        ++at_;
      }
    }
    if (at_ == begin) return Unexpected("a value");
    elements_.push_back({text_.substr(begin, at_ - begin)});
    return absl::OkStatus();
  }

  absl::Status Uneven() const {
    return InvalidArgument("values stand at different depths of lists");
  }
  absl::Status Unexpected(absl::string_view wanted) const {
    const std::string found =
        at_ < text_.size()
            ? absl::StrCat("'", Printable(text_.substr(at_)), "'")
            : "the end";
    return InvalidArgument("expected ", wanted, " but found ", found);
  }

  const absl::string_view text_;
  size_t at_ = 0;
  std::vector<Element> elements_;
  std::vector<int64_t> dims_;  // -1: of a list that is not complete.
  size_t leaf_depth_ = 0;
};

bool Convert(const Element& element, std::string* value) {
  if (!element.quoted()) return false;
  const auto json =
      nlohmann::json::parse(element.text.begin(), element.text.end(),
                            /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (!json.is_string()) return false;
  *value = json.get<std::string>();
  return true;
}

bool Convert(const Element& element, bool* value) {
  *value = element.text == "true";
  return *value || element.text == "false";
}

// Is `value` what the decimal number `text` stands for? Not finite only if
// `text` has no digits.
bool IsSpelled(absl::string_view text, double value) {
  if (std::isfinite(value))
    return text.find_first_of("xX") == absl::string_view::npos;
  return !std::any_of(text.begin(), text.end(), absl::ascii_isdigit);
}

bool Convert(const Element& element, float* value) {
  return absl::SimpleAtof(element.content(), value) &&
         IsSpelled(element.content(), *value) &&
         (!element.quoted() || !std::isfinite(*value));
}

bool Convert(const Element& element, double* value) {
  return absl::SimpleAtod(element.content(), value) &&
         IsSpelled(element.content(), *value) &&
         (!element.quoted() || !std::isfinite(*value));
}

bool Convert(const Element& element, Half* value) {
  float wide = 0;
  if (!Convert(element, &wide)) return false;
  *value = ToHalf(wide);
  return IsSpelled(element.content(), ToFloat(*value));
}

bool Convert(const Element& element, Bfloat16* value) {
  float wide = 0;
  if (!Convert(element, &wide)) return false;
  *value = ToBfloat16(wide);
  return IsSpelled(element.content(), ToFloat(*value));
}

template <typename T>
requires std::is_integral_v<T>
bool Convert(const Element& element, T* value) {
  using Wide = std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>;
  Wide wide = 0;
  if (!absl::SimpleAtoi(element.text, &wide)) return false;
  *value = static_cast<T>(wide);
  return static_cast<Wide>(*value) == wide;
}

// What a value of the dtype looks like.
std::string Wanted(DataType dtype) {
  if (dtype == DataType::kString) return "a string in double quotes";
  if (dtype == DataType::kBool) return "true or false";
  return absl::StrCat(
      IsInteger(dtype) ? "an integer of type " : "a number of type ",
      DataTypeName(dtype));
}

template <typename T>
absl::StatusOr<Tensor> Fill(const std::vector<Element>& elements,
                            const TensorShape& shape) {
  WEFT_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(DataTypeOf<T>(), shape));
  const absl::Span<T> data = tensor.mutable_data<T>();
  for (size_t i = 0; i < elements.size(); ++i) {
    if (Convert(elements[i], &data[i])) continue;
    return InvalidArgument("value ", i, ", ", Printable(elements[i].text),
                           ", is not ", Wanted(DataTypeOf<T>()));
  }
  return tensor;
}

}  // namespace

absl::StatusOr<Tensor> ParseLiteral(absl::string_view text, DataType dtype) {
  ListReader reader(text);
  WEFT_RETURN_IF_ERROR(reader.Read());
  WEFT_ASSIGN_OR_RETURN(const TensorShape shape,
                        TensorShape::Create(reader.dims()));
  const std::vector<Element>& elements = reader.elements();
  switch (dtype) {
    case DataType::kFloat:
      return Fill<float>(elements, shape);
    case DataType::kDouble:
      return Fill<double>(elements, shape);
    case DataType::kHalf:
      return Fill<Half>(elements, shape);
    case DataType::kBfloat16:
      return Fill<Bfloat16>(elements, shape);
    case DataType::kInt8:
      return Fill<int8_t>(elements, shape);
    case DataType::kInt16:
      return Fill<int16_t>(elements, shape);
    case DataType::kInt32:
      return Fill<int32_t>(elements, shape);
    case DataType::kInt64:
      return Fill<int64_t>(elements, shape);
    case DataType::kUint8:
      return Fill<uint8_t>(elements, shape);
    case DataType::kUint16:
      return Fill<uint16_t>(elements, shape);
    case DataType::kUint32:
      return Fill<uint32_t>(elements, shape);
    case DataType::kUint64:
      return Fill<uint64_t>(elements, shape);
    case DataType::kBool:
      return Fill<bool>(elements, shape);
    case DataType::kString:
      return Fill<std::string>(elements, shape);
    default:
      return Unimplemented("values of type ", DataTypeName(dtype),
                           " can not be written down");
  }
}

}  // namespace weft::runner
