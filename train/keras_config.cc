#include "train/keras_config.h"

#include <fstream>

#include "core/status.h"
#include "layers/keras/conv_lstm.h"
#include "nlohmann/json.hpp"

namespace weft {
namespace {

// A longer file is no configuration; short ones cannot be nested too deeply to
// be parsed.
constexpr std::streamsize kMaxBytes = 1 << 16;

}  // namespace

absl::Status LoadKerasConfig(Graph& g, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return NotFound("cannot open ", Printable(path));
  std::string text(kMaxBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  const nlohmann::json config =
      text.size() > kMaxBytes
          ? nlohmann::json()
          : nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!config.is_object()) {
    return InvalidArgument(Printable(path), " is no JSON object of at most ",
                           kMaxBytes, " bytes");
  }
  const auto format = config.find("image_data_format");
  if (format == config.end()) return absl::OkStatus();
  const std::string word =
      format->is_string() ? format->get<std::string>() : format->dump();
  if (word != "channels_last" && word != "channels_first") {
    return InvalidArgument(Printable(path), ": image_data_format is ",
                           Printable(word),
                           " but must be channels_last or channels_first");
  }
  keras::SetImageDataFormat(g, word);
  return absl::OkStatus();
}

}  // namespace weft
