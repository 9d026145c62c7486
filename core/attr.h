// Attrs: the compile-time arguments of a node.
#ifndef WEFT_CORE_ATTR_H_
#define WEFT_CORE_ATTR_H_

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/data_type.h"
#include "core/status.h"
#include "core/tensor.h"
#include "core/tensor_shape.h"

namespace weft {

class AttrMap;

// A function of the library and the attrs to instantiate it with.
struct FunctionName {
  std::string name;
  std::shared_ptr<const AttrMap> attrs;  // Null: none.
};
bool operator==(const FunctionName& a, const FunctionName& b);

// In the order of AttrKind.
using AttrVariant =
    std::variant<int64_t, float, bool, std::string, DataType, TensorShape,
                 Tensor, FunctionName, std::vector<int64_t>, std::vector<float>,
                 std::vector<bool>, std::vector<std::string>,
                 std::vector<DataType>, std::vector<TensorShape>,
                 std::vector<Tensor>, std::vector<FunctionName>>;

enum class AttrKind {
  kInt,
  kFloat,
  kBool,
  kString,
  kType,
  kShape,
  kTensor,
  kFunction,
  kInts,
  kFloats,
  kBools,
  kStrings,
  kTypes,
  kShapes,
  kTensors,
  kFunctions,
};

// One value. Converts from what call sites write: {"axis", 1}, {"T",
// DataType::kFloat}, {"padding", "SAME"}.
class AttrValue {
 public:
  AttrValue(int value) : value_(static_cast<int64_t>(value)) {}
  AttrValue(const char* value) : value_(std::string(value)) {}
  template <typename T>
  requires std::is_constructible_v<AttrVariant, T> AttrValue(T value)
      : value_(std::move(value)) {}

  AttrKind kind() const { return static_cast<AttrKind>(value_.index()); }
  template <typename T>
  const T* get_if() const {
    return std::get_if<T>(&value_);
  }
  const AttrVariant& variant() const { return value_; }
  // As it stands in messages: "3", "\"SAME\"", "float32", "[?, 28]".
  std::string ToString() const;
  // Tensors are equal if their dtypes, shapes and bytes are.
  friend bool operator==(const AttrValue& a, const AttrValue& b);

 private:
  AttrVariant value_;
};

// "int", "list(type)", ...: as in op definitions.
absl::string_view AttrKindName(AttrKind kind);

// Attrs by name, in the order of the names.
class AttrMap {
 public:
  using Entry = std::pair<std::string, AttrValue>;

  AttrMap() = default;
  AttrMap(std::initializer_list<Entry> entries);

  const AttrValue* Find(absl::string_view name) const;
  // The value of an attr that must be there and a T: for attrs that the op's
  // schema has checked.
  template <typename T>
  const T& Get(absl::string_view name) const {
    const AttrValue* value = Find(name);
    WEFT_CHECK(value != nullptr && value->get_if<T>() != nullptr);
    return *value->get_if<T>();
  }
  void Set(absl::string_view name, AttrValue value);
  void Erase(absl::string_view name);

  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }
  std::vector<Entry>::const_iterator begin() const { return entries_.begin(); }
  std::vector<Entry>::const_iterator end() const { return entries_.end(); }
  friend bool operator==(const AttrMap& a, const AttrMap& b);

 private:
  std::vector<Entry> entries_;  // Sorted by name.
};

}  // namespace weft

#endif  // WEFT_CORE_ATTR_H_
