#include "core/kernel.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/status.h"
#include "core/widened_kernel.h"

namespace weft {
namespace {

const DataType* TypeAttr(const AttrMap& attrs, absl::string_view name) {
  const AttrValue* value = attrs.Find(name);
  return value != nullptr ? value->get_if<DataType>() : nullptr;
}

bool Match(const KernelTypes& types, const AttrMap& attrs) {
  for (const auto& [name, type] : types) {
    const DataType* given = TypeAttr(attrs, name);
    if (given == nullptr || *given != type) return false;
  }
  return true;
}

// "T = float32, Tidx = int32".
std::string ToString(const KernelTypes& types) {
  if (types.empty()) return "any types";
  return absl::StrJoin(types, ", ", [](std::string* out, const auto& entry) {
    absl::StrAppend(out, entry.first, " = ", DataTypeName(entry.second));
  });
}

// The type attrs by which `kernels` differ, as `attrs` has them.
KernelTypes GivenTypes(const std::vector<KernelTypes>& kernels,
                       const AttrMap& attrs) {
  KernelTypes given;
  for (const auto& [name, value] : attrs) {
    const DataType* type = value.get_if<DataType>();
    if (type == nullptr) continue;
    const bool matters = std::any_of(
        kernels.begin(), kernels.end(),
        [&name = name](const KernelTypes& types) {
          return std::any_of(
              types.begin(), types.end(),
              [&name](const auto& entry) { return entry.first == name; });
        });
    if (matters) given.push_back({name, *type});
  }
  return given;
}

}  // namespace

LayoutContext::LayoutContext(absl::Span<const LayoutInput> inputs,
                             absl::Span<const DataType> output_types)
    : inputs_(inputs), outputs_(output_types.size()) {
  for (size_t i = 0; i < output_types.size(); ++i)
    outputs_[i].dtype = output_types[i];
}

void LayoutContext::SetOutputValue(int i, Tensor value) {
  outputs_[i].shape = value.shape();
  outputs_[i].value = std::move(value);
}

void LayoutContext::SetOutputList(int i, ListShape list) {
  outputs_[i].shape = TensorShape{};
  outputs_[i].list = std::move(list);
}

void LayoutContext::SetOutputView(int output, int input, TensorShape shape,
                                  size_t byte_offset) {
  outputs_[output].shape = std::move(shape);
  outputs_[output].view_of = input;
  outputs_[output].view_offset = byte_offset;
}

void LayoutContext::SetOutputStrided(int output, int input, TensorShape shape,
                                     size_t byte_offset,
                                     absl::Span<const int64_t> strides) {
  SetOutputView(output, input, std::move(shape), byte_offset);
  outputs_[output].strides.assign(strides.begin(), strides.end());
}

void LayoutContext::SetOutputMoving(int output, int input, TensorShape shape,
                                    absl::Span<const int64_t> strides) {
  SetOutputStrided(output, input, std::move(shape), 0, strides);
  outputs_[output].moving = true;
}

Tensor KernelContext::BorrowInput(int i) const {
  const TensorRef& r = input(i);
  return Tensor::Borrow(r.dtype, *r.shape, r.data);
}

TensorList KernelContext::TakeList(int i) const {
  const TensorRef& r = input(i);
  WEFT_CHECK(r.dtype == DataType::kVariant && r.size == 1);
  TensorList& list = *static_cast<TensorList*>(r.data);
  const bool dies = i < 64 && (dying_inputs_ >> i & 1) != 0;
  return dies ? std::move(list) : list;
}

KernelRegistry& KernelRegistry::Global() {
  static KernelRegistry& registry = *new KernelRegistry();
  return registry;
}

void KernelRegistry::Register(std::string op, KernelTypes types,
                              KernelFactory factory) {
  entries_[std::move(op)].push_back({std::move(types), std::move(factory)});
}

absl::StatusOr<std::unique_ptr<Kernel>> KernelRegistry::Create(
    absl::string_view op, const KernelInit& init) const {
  auto it = entries_.find(op);
  if (it == entries_.end())
    return Unimplemented("no kernel for op ", Printable(op));
  const auto find = [&entries = it->second](const AttrMap& attrs) {
    return std::find_if(entries.begin(), entries.end(),
                        [&](const Entry& e) { return Match(e.types, attrs); });
  };
  const auto exact = find(init.attrs);
  if (exact != it->second.end()) return exact->factory(init);
  absl::StatusOr<std::unique_ptr<Kernel>> widened = CreateWidened(
      init,
      [&](const KernelInit& wide) -> absl::StatusOr<std::unique_ptr<Kernel>> {
        const auto entry = find(wide.attrs);
        if (entry == it->second.end()) return Unimplemented("no kernel");
        return entry->factory(wide);
      });
  if (!absl::IsUnimplemented(widened.status())) return widened;
  const std::vector<KernelTypes> types = TypesOf(op);
  const std::string supported = absl::StrJoin(
      types, "; ",
      [](std::string* out, const KernelTypes& t) { out->append(ToString(t)); });
  const KernelTypes given = GivenTypes(types, init.attrs);
  const std::string with =
      given.empty() ? "without types" : absl::StrCat("with ", ToString(given));
  return Unimplemented("no kernel for op ", op, " ", with,
                       "; there are: ", supported);
}

bool KernelRegistry::Has(absl::string_view op) const {
  return entries_.contains(op);
}

std::vector<KernelTypes> KernelRegistry::TypesOf(absl::string_view op) const {
  std::vector<KernelTypes> result;
  auto it = entries_.find(op);
  if (it == entries_.end()) return result;
  for (const Entry& entry : it->second) result.push_back(entry.types);
  return result;
}

}  // namespace weft
