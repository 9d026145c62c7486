#include "core/attr.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace weft {
namespace {

// Attrs may hold attrs: of functions that take functions.
const AttrMap& AttrsOf(const FunctionName& function) {
  static const AttrMap& none = *new AttrMap();
  return function.attrs != nullptr ? *function.attrs : none;
}

template <typename T>
bool Equal(const T& a, const T& b) {
  return a == b;
}

bool Equal(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.shape() != b.shape()) return false;
  if (a.dtype() == DataType::kString) {
    return a.data<std::string>() == b.data<std::string>();
  }
  // Lists can not be compared; they are not constants either.
  if (a.is_valid() && !IsPlain(a.dtype())) return a.SharesMemoryWith(b);
  return a.num_bytes() == 0 ||
         std::memcmp(a.raw_data(), b.raw_data(), a.num_bytes()) == 0;
}

template <typename T>
bool Equal(const std::vector<T>& a, const std::vector<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const T& x, const T& y) { return Equal(x, y); });
}

std::string Format(int64_t value) { return absl::StrCat(value); }
std::string Format(float value) { return absl::StrCat(value); }
std::string Format(bool value) { return value ? "true" : "false"; }
std::string Format(const std::string& value) {
  return absl::StrCat("\"", Printable(value), "\"");
}
std::string Format(DataType value) { return std::string(DataTypeName(value)); }
std::string Format(const TensorShape& value) { return value.ToString(); }
std::string Format(const Tensor& value) { return value.ToString(); }
std::string Format(const FunctionName& value) {
  std::string result = Printable(value.name);
  const AttrMap& attrs = AttrsOf(value);
  if (attrs.empty()) return result;
  const auto format_entry = [](std::string* out, const AttrMap::Entry& entry) {
    absl::StrAppend(out, Printable(entry.first), " = ",
                    entry.second.ToString());
  };
  absl::StrAppend(&result, "(", absl::StrJoin(attrs, ", ", format_entry), ")");
  return result;
}

template <typename T>
std::string Format(const std::vector<T>& values) {
  constexpr size_t kMaxElements = 16;
  std::string result = "[";
  for (size_t i = 0; i < values.size() && i < kMaxElements; ++i) {
    const T& value = values[i];
    absl::StrAppend(&result, i > 0 ? ", " : "", Format(value));
  }
  if (values.size() > kMaxElements) result += ", ...";
  return result + "]";
}

bool NameLess(const AttrMap::Entry& entry, absl::string_view name) {
  return entry.first < name;
}

}  // namespace

bool operator==(const FunctionName& a, const FunctionName& b) {
  return a.name == b.name && AttrsOf(a) == AttrsOf(b);
}

std::string AttrValue::ToString() const {
  return std::visit([](const auto& value) { return Format(value); }, value_);
}

bool operator==(const AttrValue& a, const AttrValue& b) {
  if (a.kind() != b.kind()) return false;
  return std::visit(
      [&b](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        return Equal(value, *b.get_if<T>());
      },
      a.value_);
}

absl::string_view AttrKindName(AttrKind kind) {
  static constexpr absl::string_view kNames[] = {
      "int",        "float",       "bool",         "string",
      "type",       "shape",       "tensor",       "func",
      "list(int)",  "list(float)", "list(bool)",   "list(string)",
      "list(type)", "list(shape)", "list(tensor)", "list(func)",
  };
  static_assert(std::size(kNames) == std::variant_size_v<AttrVariant>);
  return kNames[static_cast<size_t>(kind)];
}

AttrMap::AttrMap(std::initializer_list<Entry> entries) {
  entries_.reserve(entries.size());
  for (const Entry& entry : entries) Set(entry.first, entry.second);
}

const AttrValue* AttrMap::Find(absl::string_view name) const {
  auto it = std::lower_bound(entries_.begin(), entries_.end(), name, NameLess);
  return it != entries_.end() && it->first == name ? &it->second : nullptr;
}

void AttrMap::Set(absl::string_view name, AttrValue value) {
  auto it = std::lower_bound(entries_.begin(), entries_.end(), name, NameLess);
  if (it != entries_.end() && it->first == name) {
    it->second = std::move(value);
  } else {
    entries_.emplace(it, std::string(name), std::move(value));
  }
}

void AttrMap::Erase(absl::string_view name) {
  auto it = std::lower_bound(entries_.begin(), entries_.end(), name, NameLess);
  if (it != entries_.end() && it->first == name) entries_.erase(it);
}

bool operator==(const AttrMap& a, const AttrMap& b) {
  return a.entries_ == b.entries_;
}

}  // namespace weft
