// Compares layers with golden cases, which other implementations computed.
//
//   golden_test [--golden_dir=DIR] [--cases=SUBSTRING] [--verbose]
//
// Runs the cases of DIR/MANIFEST.json, by default the copied ones. Prints a
// line per case that fails, with --verbose also why cases are skipped, and at
// the end "N passed, N failed, N skipped". Exits with 1 if a case failed or
// there is none.
#include <cstdio>
#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tests/golden/golden_case.h"
#include "tests/golden/run_case.h"

namespace weft::golden {
namespace {

struct Options {
  std::string golden_dir;
  std::string cases;
  bool verbose = false;
};

// Where the copied cases are: below the working directory in a test and at the
// root of the repository, else beside the program.
std::string DefaultDirectory(const std::string& program) {
  const std::string data = "tests/golden/data";
  if (std::ifstream(data + "/MANIFEST.json")) return data;
  return absl::StrCat(program, ".runfiles/weft/", data);
}

bool ParseArguments(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (absl::ConsumePrefix(&argument, "--golden_dir=")) {
      options->golden_dir = std::string(argument);
    } else if (absl::ConsumePrefix(&argument, "--cases=")) {
      options->cases = std::string(argument);
    } else if (argument == "--verbose") {
      options->verbose = true;
    } else {
      std::fprintf(stderr,
                   "unknown argument %s\nusage: golden_test [--golden_dir=DIR] "
                   "[--cases=SUBSTRING] [--verbose]\n",
                   argv[i]);
      return false;
    }
  }
  if (options->golden_dir.empty())
    options->golden_dir = DefaultDirectory(argv[0]);
  return true;
}

CaseResult ReadAndRun(const std::string& path) {
  const absl::StatusOr<GoldenCase> c = ReadCase(path);
  if (!c.ok()) return {CaseResult::kFailed, std::string(c.status().message())};
  return RunCase(*c);
}

int Main(const Options& options) {
  const auto manifest = ReadManifest(options.golden_dir);
  if (!manifest.ok()) {
    std::fprintf(stderr, "%s\n", manifest.status().ToString().c_str());
    return 1;
  }
  int counts[3] = {0, 0, 0};
  for (const ManifestEntry& entry : *manifest) {
    if (!absl::StrContains(entry.name, options.cases)) continue;
    const CaseResult result =
        ReadAndRun(absl::StrCat(options.golden_dir, "/", entry.file));
    ++counts[result.kind];
    if (result.kind == CaseResult::kFailed) {
      std::printf("FAILED %s: %s\n", entry.name.c_str(), result.reason.c_str());
    } else if (result.kind == CaseResult::kSkipped && options.verbose) {
      std::printf("skipped %s: %s\n", entry.name.c_str(),
                  result.reason.c_str());
    }
  }
  const int passed = counts[CaseResult::kPassed];
  const int failed = counts[CaseResult::kFailed];
  std::printf("%d passed, %d failed, %d skipped\n", passed, failed,
              counts[CaseResult::kSkipped]);
  return failed == 0 && passed > 0 ? 0 : 1;
}

}  // namespace
}  // namespace weft::golden

int main(int argc, char** argv) {
  weft::golden::Options options;
  if (!weft::golden::ParseArguments(argc, argv, &options)) return 2;
  return weft::golden::Main(options);
}
