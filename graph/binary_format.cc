#include "graph/binary_format.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/status.h"

namespace weft {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr size_t kMaxBytes = std::numeric_limits<int>::max();
constexpr size_t kMaxDepth = 100;
// Strings and messages in one message. Two bytes of a file can become a hundred
// in memory; this bounds it.
constexpr int64_t kMaxParts = int64_t{1} << 26;

// Walks over a message's bytes as its type describes them, without building
// anything, to find what a parser would stumble over.
class WireWalker {
 public:
  WireWalker(absl::string_view bytes, const Descriptor* type) : bytes_(bytes) {
    frames_.push_back({type, bytes.size(), nullptr, 0, {}});
  }

  // The first mistake; OK if there is none.
  absl::Status Walk() {
    while (true) {
      while (!frames_.empty() && position_ == frames_.back().end)
        frames_.pop_back();
      if (frames_.empty()) return absl::OkStatus();
      WEFT_RETURN_IF_ERROR(Field());
    }
  }

 private:
  struct Frame {
    const Descriptor* type;
    size_t end;
    const FieldDescriptor* field;  // Which field of the frame above it is,
    int index;                     // and which of them, if repeated.
    absl::flat_hash_map<int, int> counts;  // Of repeated messages so far.
  };

  absl::StatusOr<uint64_t> Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      if (position_ >= frames_.back().end) return Cut();
      const uint8_t byte = static_cast<uint8_t>(bytes_[position_++]);
      value |= static_cast<uint64_t>(byte & 0x7f) << (shift < 64 ? shift : 63);
      if (byte < 0x80) return value;
    }
    return Damaged();
  }

  absl::Status Field() {
    start_ = position_;
    WEFT_ASSIGN_OR_RETURN(const uint64_t tag, Varint());
    const uint64_t number = tag >> 3;
    if (number == 0 || number > FieldDescriptor::kMaxNumber) return Damaged();
    field_ = frames_.back().type->FindFieldByNumber(static_cast<int>(number));
    switch (tag & 7) {
      case 0:
        return Varint().status();
      case 1:
        return Skip(8);
      case 2:
        return Delimited();
      case 5:
        return Skip(4);
      default:
        return Damaged();  // Groups are not used by these formats.
    }
  }

  absl::Status Skip(uint64_t size) {
    if (size > frames_.back().end - position_) return Cut();
    position_ += size;
    return absl::OkStatus();
  }

  absl::Status Delimited() {
    WEFT_ASSIGN_OR_RETURN(const uint64_t size, Varint());
    if (size > kMaxBytes) {
      return ResourceExhausted(Path(), " at byte ", start_, " has ", size,
                               " bytes; it must be smaller than 2 GiB");
    }
    if (size > frames_.back().end - position_) return TooLong(size);
    if (++parts_ > kMaxParts) {
      return ResourceExhausted("more than ", kMaxParts, " fields, at byte ",
                               start_);
    }
    if (field_ != nullptr && field_->type() == FieldDescriptor::TYPE_MESSAGE) {
      return Enter(size);
    }
    const absl::string_view value = bytes_.substr(position_, size);
    if (field_ != nullptr && field_->type() == FieldDescriptor::TYPE_STRING &&
        !google::protobuf::internal::IsStructurallyValidUTF8(
            value.data(), static_cast<int>(value.size()))) {
      return InvalidArgument(Path(), " at byte ", start_,
                             " is not valid UTF-8: '", Printable(value), "'");
    }
    return Skip(size);
  }

  absl::Status Enter(size_t size) {
    if (frames_.size() > kMaxDepth) {
      return InvalidArgument("nesting deeper than ", kMaxDepth, ", at byte ",
                             start_);
    }
    const int index =
        field_->is_repeated() ? frames_.back().counts[field_->number()]++ : 0;
    frames_.push_back(
        {field_->message_type(), position_ + size, field_, index, {}});
    return absl::OkStatus();
  }

  // "node[17].attr": the field that is being read.
  std::string Path() const {
    std::string path;
    for (size_t i = 1; i < frames_.size(); ++i) {
      absl::StrAppend(&path, Name(*frames_[i].field, frames_[i].index), ".");
    }
    if (field_ == nullptr) return path + "an unknown field";
    const auto& counts = frames_.back().counts;
    const auto it = counts.find(field_->number());
    return path + Name(*field_, it == counts.end() ? 0 : it->second);
  }

  static std::string Name(const FieldDescriptor& field, int index) {
    if (field.type() != FieldDescriptor::TYPE_MESSAGE || !field.is_repeated() ||
        field.is_map()) {
      return field.name();
    }
    return absl::StrCat(field.name(), "[", index, "]");
  }

  absl::Status TooLong(uint64_t size) const {
    const char* what = frames_.back().end == bytes_.size()
                           ? "the data ends after "
                           : "what it is part of ends after ";
    return DataLoss(Path(), " at byte ", start_, " has ", size, " bytes, but ",
                    what, frames_.back().end - position_);
  }
  absl::Status Cut() const {
    if (frames_.back().end == bytes_.size()) {
      return DataLoss("the data ends after ", bytes_.size(),
                      " bytes, within a field that "
                      "begins at byte ",
                      start_);
    }
    return Damaged();
  }
  absl::Status Damaged() const { return DataLoss("damaged at byte ", start_); }

  absl::string_view bytes_;
  size_t position_ = 0;
  size_t start_ = 0;                        // Of the field that is being read.
  const FieldDescriptor* field_ = nullptr;  // It; null if unknown.
  int64_t parts_ = 0;
  std::vector<Frame> frames_;
};

}  // namespace

absl::Status ParseBinary(absl::string_view bytes,
                         google::protobuf::Message* message) {
  message->Clear();
  if (bytes.size() > kMaxBytes) {
    return ResourceExhausted(bytes.size(),
                             " bytes; a message must be smaller than 2 GiB");
  }
  // A part has two bytes at least, so that only large data can have too many.
  if (bytes.size() > 2 * kMaxParts) {
    WEFT_RETURN_IF_ERROR(WireWalker(bytes, message->GetDescriptor()).Walk());
  }
  {
    google::protobuf::LogSilencer silence;  // The status says it all.
    if (message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      return absl::OkStatus();
    }
  }
  const Descriptor* type = message->GetDescriptor();
  message->Clear();
  WEFT_RETURN_IF_ERROR(WireWalker(bytes, type).Walk());
  return DataLoss("damaged");
}

absl::StatusOr<std::string> SerializeBinary(
    const google::protobuf::Message& message) {
  const size_t size = message.ByteSizeLong();
  if (size > kMaxBytes) {
    return ResourceExhausted("the message has ", size,
                             " bytes but must be smaller than 2 GiB");
  }
  std::string bytes;
  bytes.reserve(size);
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream out(&stream);
  // Maps would come in any order otherwise.
  out.SetSerializationDeterministic(true);
  if (!message.SerializeToCodedStream(&out))
    return Internal("a message is not complete");
  out.Trim();
  return bytes;
}

}  // namespace weft
