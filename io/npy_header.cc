#include "io/npy_header.h"

#include <optional>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/status.h"

namespace weft {
namespace {

constexpr absl::string_view kMagic("\x93NUMPY", 6);
constexpr size_t kVersionBytes = 2;
constexpr size_t kAlignment = 64;  // Of the elements in the file.

// numpy's letters for the element types.
struct Code {
  absl::string_view letters;
  DataType dtype;
};
constexpr Code kCodes[] = {
    {"b1", DataType::kBool},   {"i1", DataType::kInt8},
    {"i2", DataType::kInt16},  {"i4", DataType::kInt32},
    {"i8", DataType::kInt64},  {"u1", DataType::kUint8},
    {"u2", DataType::kUint16}, {"u4", DataType::kUint32},
    {"u8", DataType::kUint64}, {"f2", DataType::kHalf},
    {"f4", DataType::kFloat},  {"f8", DataType::kDouble},
};

// Reads the one Python expression that a header is:
//
//   {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
class DictParser {
 public:
  // `offset` of `text` in the file, for messages.
  DictParser(absl::string_view text, size_t offset)
      : text_(text), rest_(text), offset_(offset) {}

  absl::Status Parse(NpyHeader* header);

 private:
  absl::Status ParseValue(absl::string_view key, NpyHeader* header);
  absl::Status ParseDescr(NpyHeader* header);
  absl::Status ParseOrder(NpyHeader* header);
  absl::Status ParseShape(NpyHeader* header);
  absl::StatusOr<std::string> ParseString();
  absl::StatusOr<int64_t> ParseDim();

  void SkipSpace() {
    size_t n = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(n == absl::string_view::npos ? rest_.size() : n);
  }
  // Takes `token` and the space before it, if it comes next.
  bool Consume(absl::string_view token) {
    SkipSpace();
    if (rest_.substr(0, token.size()) != token) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  absl::Status Expected(absl::string_view what) const {
    return InvalidArgument(
        "header, byte ", offset_ + text_.size() - rest_.size(), ": found '",
        Printable(rest_.substr(0, 16)), "' but must be ", what);
  }

  const absl::string_view text_;
  absl::string_view rest_;
  const size_t offset_;
  std::vector<std::string> seen_;
};

absl::Status DictParser::Parse(NpyHeader* header) {
  if (!Consume("{")) return Expected("'{'");
  while (!Consume("}")) {
    WEFT_ASSIGN_OR_RETURN(std::string key, ParseString());
    for (const std::string& other : seen_) {
      if (key == other)
        return InvalidArgument("header: '", key, "' is given twice");
    }
    if (!Consume(":")) return Expected("':'");
    WEFT_RETURN_IF_ERROR(ParseValue(key, header));
    seen_.push_back(key);
    if (Consume(",")) continue;
    if (!Consume("}")) return Expected("',' or '}'");
    break;
  }
  SkipSpace();
  if (!rest_.empty()) return Expected("the end of the header");
  if (seen_.size() != 3) {
    return InvalidArgument("header: has only ", absl::StrJoin(seen_, ", "),
                           " but must have descr, fortran_order and shape");
  }
  return absl::OkStatus();
}

absl::Status DictParser::ParseValue(absl::string_view key, NpyHeader* header) {
  if (key == "descr") return ParseDescr(header);
  if (key == "fortran_order") return ParseOrder(header);
  if (key == "shape") return ParseShape(header);
  return InvalidArgument("header: key '", Printable(key),
                         "' must be descr, fortran_order or shape");
}

absl::Status DictParser::ParseDescr(NpyHeader* header) {
  if (Consume("[")) {
    return InvalidArgument(
        "descr: an array of records, but must be of plain numbers");
  }
  WEFT_ASSIGN_OR_RETURN(std::string descr, ParseString());
  const char order = descr.empty() ? ' ' : descr[0];
  absl::string_view letters =
      absl::string_view(descr).substr(descr.empty() ? 0 : 1);
  if (letters.substr(0, 1) == "O") {
    return InvalidArgument(
        "descr: '", Printable(descr),
        "' means Python objects, which are programs and never read");
  }
  for (const Code& code : kCodes) {
    // Only a single byte has no order.
    const bool has_order = order == '<' || order == '>' || order == '=';
    const bool is_byte = DataTypeSize(code.dtype) == 1;
    if (code.letters == letters && (has_order || (is_byte && order == '|'))) {
      header->dtype = code.dtype;
      header->big_endian = order == '>';
      return absl::OkStatus();
    }
  }
  auto add_letters = [](std::string* out, const Code& code) {
    absl::StrAppend(out, code.letters);
  };
  return InvalidArgument("descr: '", Printable(descr),
                         "' must be '<' or '>' and one of ",
                         absl::StrJoin(kCodes, " ", add_letters));
}

absl::Status DictParser::ParseOrder(NpyHeader* header) {
  header->fortran_order = Consume("True");
  if (header->fortran_order || Consume("False")) return absl::OkStatus();
  return Expected("True or False");
}

// "()", "(2,)", "(2, 3)".
absl::Status DictParser::ParseShape(NpyHeader* header) {
  if (!Consume("(")) return Expected("'('");
  std::vector<int64_t> dims;
  bool had_comma = true;
  while (!Consume(")")) {
    if (!had_comma) return Expected("',' or ')'");
    WEFT_ASSIGN_OR_RETURN(int64_t dim, ParseDim());
    dims.push_back(dim);
    had_comma = Consume(",");
    // "(2)" is a number in parentheses, not a tuple.
    if (dims.size() == 1 && !had_comma) return Expected("','");
  }
  absl::StatusOr<TensorShape> shape = TensorShape::Create(dims);
  if (!shape.ok()) return Annotate(shape.status(), "shape");
  header->shape = *shape;
  return absl::OkStatus();
}

absl::StatusOr<int64_t> DictParser::ParseDim() {
  SkipSpace();
  size_t n = 0;
  while (n < rest_.size() && rest_[n] >= '0' && rest_[n] <= '9') ++n;
  int64_t dim = 0;
  if (!absl::SimpleAtoi(rest_.substr(0, n), &dim)) {
    return Expected("a dimension from 0 to 2^63 - 1");
  }
  rest_.remove_prefix(n);
  if (rest_.substr(0, 1) == "L")
    rest_.remove_prefix(1);  // Python 2 writes "2L".
  return dim;
}

// Text in quotes of either kind, without escapes.
absl::StatusOr<std::string> DictParser::ParseString() {
  SkipSpace();
  if (rest_.empty() || (rest_[0] != '\'' && rest_[0] != '"')) {
    return Expected("a string in quotes");
  }
  size_t end = rest_.find(rest_[0], 1);
  absl::string_view text =
      end == absl::string_view::npos ? "\\" : rest_.substr(1, end - 1);
  if (text.find('\\') != absl::string_view::npos) {
    return Expected("a string in quotes, on one line, without escapes");
  }
  rest_.remove_prefix(end + 1);
  return std::string(text);
}

// The text of the header and where it begins; checks all that stands before.
absl::Status FindText(absl::string_view bytes, absl::string_view* text,
                      size_t* offset) {
  if (bytes.substr(0, kMagic.size()) != kMagic ||
      bytes.size() < kMagic.size() + kVersionBytes) {
    return InvalidArgument("not a .npy file: does not begin with '\\x93NUMPY'");
  }
  const int major = static_cast<unsigned char>(bytes[kMagic.size()]);
  const int minor = static_cast<unsigned char>(bytes[kMagic.size() + 1]);
  if (major < 1 || major > 3 || minor != 0) {
    return InvalidArgument("is of version ", major, ".", minor,
                           " of the format but must be of 1.0, 2.0 or 3.0");
  }
  const size_t size_bytes = major == 1 ? 2 : 4;
  *offset = kMagic.size() + kVersionBytes + size_bytes;
  if (bytes.size() < *offset)
    return InvalidArgument("is cut off in its header");
  uint64_t size = 0;
  for (size_t i = 1; i <= size_bytes; ++i) {
    size = size << 8 | static_cast<unsigned char>(bytes[*offset - i]);
  }
  if (*offset + size > kMaxNpyHeaderBytes) {
    return InvalidArgument("has a header of ", size, " bytes; at most ",
                           kMaxNpyHeaderBytes, " are read");
  }
  if (size > bytes.size() - *offset)
    return InvalidArgument("is cut off in its header");
  *text = bytes.substr(*offset, size);
  return absl::OkStatus();
}

std::string ShapeText(const TensorShape& shape) {
  // A tuple of one has a comma.
  return absl::StrCat("(", absl::StrJoin(shape.dims(), ", "),
                      shape.rank() == 1 ? ",)" : ")");
}

}  // namespace

absl::StatusOr<NpyHeader> ParseNpyHeader(absl::string_view bytes) {
  NpyHeader header;
  absl::string_view text;
  size_t offset = 0;
  WEFT_RETURN_IF_ERROR(FindText(bytes, &text, &offset));
  WEFT_RETURN_IF_ERROR(DictParser(text, offset).Parse(&header));
  header.size = offset + text.size();
  int64_t num_bytes = 0;
  if (MultiplyOverflows(header.shape.num_elements(),
                        static_cast<int64_t>(DataTypeSize(header.dtype)),
                        &num_bytes)) {
    return InvalidArgument("shape: ", header.shape.ToString(), " of ",
                           DataTypeName(header.dtype),
                           " has more than 2^63 bytes");
  }
  header.num_bytes = static_cast<uint64_t>(num_bytes);
  return header;
}

absl::StatusOr<std::string> MakeNpyHeader(DataType dtype,
                                          const TensorShape& shape) {
  absl::string_view letters;
  for (const Code& code : kCodes) {
    if (code.dtype == dtype) letters = code.letters;
  }
  if (letters.empty()) {
    return Unimplemented("a .npy file cannot hold ", DataTypeName(dtype));
  }
  std::string text = absl::StrCat(
      "{'descr': '", DataTypeSize(dtype) == 1 ? "|" : "<", letters,
      "', 'fortran_order': False, 'shape': ", ShapeText(shape), ", }");
  const size_t before = kMagic.size() + kVersionBytes + sizeof(uint16_t);
  while ((before + text.size() + 1) % kAlignment != 0) text.push_back(' ');
  text.push_back('\n');
  std::string header = absl::StrCat(kMagic, absl::string_view("\x01\x00", 2));
  header.push_back(static_cast<char>(text.size() & 0xff));
  header.push_back(static_cast<char>(text.size() >> 8));
  return absl::StrCat(header, text);
}

}  // namespace weft
