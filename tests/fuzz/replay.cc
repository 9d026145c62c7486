// Runs a fuzz target without a fuzzer: on the files in the directories that are
// its arguments, and on copies of each with some bytes changed or cut off. A
// finding stays found: its input becomes a file there.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr int kCopies = 300;  // Of each file.

void Try(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()),
                         bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::set<std::filesystem::path> files;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i]))
      files.insert(entry.path());
  }
  if (files.empty()) {
    std::cerr << "replay: there are no files\n";
    return 1;
  }
  uint64_t state = 1;
  const auto random = [&](size_t bound) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<size_t>(state >> 33) % bound;
  };
  for (const std::filesystem::path& path : files) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    std::cout << path << std::endl;  // The last one if it ends the process.
    Try(bytes);
    if (bytes.empty()) continue;
    for (int copy = 0; copy < kCopies; ++copy) {
      std::string changed = bytes;
      for (size_t k = 0; k <= random(4); ++k)
        changed[random(changed.size())] = static_cast<char>(random(256));
      if (copy % 4 == 0) changed.resize(random(changed.size()));
      Try(changed);
    }
  }
  return 0;
}
