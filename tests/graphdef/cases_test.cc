// Runs graphs from other programs and compares what they give.
//
//   cases_test --cases_dir=DIR [--filter=TEXT] [--passes=none]
//   [--round_trip=binary|text|v1]
//
// One line per case that fails, with the reason; then "N passed, N failed, N
// skipped". Without --cases_dir the cases are looked for in $WEFT_GRAPHDEF_DIR
// and beside the source tree; if there are none, nothing is run and nothing
// fails.
#include "tests/graphdef/cases.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace weft {
namespace {

struct Flags {
  std::string cases_dir;
  std::string filter;
  CaseOptions run;
};

// False, and a word on the standard error, for flags that there are not.
bool ParseFlags(int argc, char** argv, Flags* flags) {
  for (int i = 1; i < argc; ++i) {
    absl::string_view arg = argv[i];
    if (absl::ConsumePrefix(&arg, "--cases_dir=")) {
      flags->cases_dir = std::string(arg);
    } else if (absl::ConsumePrefix(&arg, "--filter=")) {
      flags->filter = std::string(arg);
    } else if (arg == "--passes=none" || arg == "--passes=all") {
      flags->run.passes = arg == "--passes=all";
    } else if (arg == "--round_trip=binary" || arg == "--round_trip=text" ||
               arg == "--round_trip=v1") {
      flags->run.round_trip = std::string(arg.substr(arg.find('=') + 1));
    } else {
      std::cerr << "cases_test: unknown flag '" << arg << "'\n";
      return false;
    }
  }
  return true;
}

// Where the cases are if nobody says it. Empty: nowhere.
std::string DefaultDirectory() {
  std::vector<std::string> candidates;
  if (const char* given = std::getenv("WEFT_GRAPHDEF_DIR"))
    candidates.push_back(given);
  if (const char* workspace = std::getenv("BUILD_WORKSPACE_DIRECTORY")) {
    candidates.push_back(absl::StrCat(workspace, "/../shared/graphdef"));
  }
  candidates.push_back("../shared/graphdef");
  for (const std::string& candidate : candidates) {
    std::error_code error;
    if (std::filesystem::is_directory(candidate, error)) return candidate;
  }
  return "";
}

// The number of cases that fail.
int RunCases(const std::vector<GraphCase>& cases, const Flags& flags) {
  int passed = 0;
  int failed = 0;
  int skipped = 0;
  for (const GraphCase& graph_case : cases) {
    if (!absl::StrContains(graph_case.name, flags.filter)) continue;
    const absl::Status status = RunCase(graph_case, flags.run);
    if (status.ok()) {
      ++passed;
      continue;
    }
    ++failed;
    std::cout << "FAILED " << graph_case.name << ": " << status << std::endl;
  }
  std::cout << passed << " passed, " << failed << " failed, " << skipped
            << " skipped" << std::endl;
  return failed;
}

int Main(int argc, char** argv) {
  Flags flags;
  if (!ParseFlags(argc, argv, &flags)) return 2;
  if (flags.cases_dir.empty()) flags.cases_dir = DefaultDirectory();
  if (flags.cases_dir.empty()) {
    std::cout << "no cases here\n0 passed, 0 failed, 0 skipped" << std::endl;
    return 0;
  }
  const absl::StatusOr<std::vector<GraphCase>> cases =
      FindCases(flags.cases_dir);
  if (!cases.ok()) {
    std::cerr << "cases_test: " << cases.status() << "\n";
    return 2;
  }
  return RunCases(*cases, flags) == 0 ? 0 : 1;
}

}  // namespace
}  // namespace weft

int main(int argc, char** argv) { return weft::Main(argc, argv); }
