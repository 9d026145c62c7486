#include "tests/build/source_tree.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace weft {
namespace {

namespace fs = std::filesystem;

// Runfiles are links into the repository.
fs::path Root() { return fs::canonical("WORKSPACE").parent_path(); }

bool EndsWith(const std::string& text, const std::string& suffix) {
  return text.size() >= suffix.size() &&
         text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

}  // namespace

const std::vector<std::string> kSourceFolders = {
    "core", "graph",  "ops",   "kernels", "runtime",
    "io",   "layers", "train", "runner"};

std::vector<std::string> SourceFiles(const std::vector<std::string>& folders,
                                     const std::vector<std::string>& suffixes) {
  std::vector<std::string> files;
  const fs::path root = Root();
  for (const std::string& folder : folders) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      std::string path = fs::relative(entry.path(), root).string();
      if (entry.is_regular_file() &&
          std::any_of(suffixes.begin(), suffixes.end(),
                      [&](const auto& s) { return EndsWith(path, s); })) {
        files.push_back(path);
      }
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string ReadSourceFile(const std::string& path) {
  std::ifstream file(Root() / path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace weft
