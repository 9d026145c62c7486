// What the command line says.
#ifndef WEFT_RUNNER_COMMAND_LINE_H_
#define WEFT_RUNNER_COMMAND_LINE_H_

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "runtime/session.h"

namespace weft::runner {

struct RunFlags {
  std::string model;
  std::vector<std::string> tags;
  std::string signature;
  std::string checkpoint;
  std::vector<std::string> feeds;    // NAME=VALUE, NAME=FILE.npy, NAME=@FILE
  std::vector<std::string> fetches;  // NAME, NAME=FILE.npy
  int threads = 0;
  absl::Duration timeout = absl::InfiniteDuration();
  size_t memory = std::numeric_limits<size_t>::max();
  int repeat = 1;
  PassOptions passes = {};
  Precision precision = Precision::kFloat32;
  bool check_numerics = false;
  bool json = false;
};

struct InspectFlags {
  std::string model;
  std::vector<std::string> tags;
  std::string signature;
  std::string checkpoint;
  std::vector<std::string> feeds;  // NAME, or as for RunFlags.
  std::vector<std::string> fetches;
  bool plan = false;
  PassOptions passes = {};
  Precision precision = Precision::kFloat32;
  bool json = false;
};

struct BenchFlags {
  std::string model;
  std::vector<std::string> tags;
  std::string signature;
  std::string checkpoint;
  std::vector<std::string> feeds;  // As for RunFlags; others are made up.
  std::vector<std::string> fetches;
  int batch = 1;
  int time = 100;
  int threads = 0;
  int repeat = 0;  // 0: as often as fits in a second.
  PassOptions passes = {};
  Precision precision = Precision::kFloat32;
  bool verify = false;
  bool json = false;
};

struct FreezeFlags {
  std::string model;
  std::vector<std::string> tags;
  std::string signature;
  std::string checkpoint;
  std::vector<std::string> fetches;
  std::string output;
};

struct ConvertFlags {
  std::string model;
  std::vector<std::string> tags;
  std::string checkpoint;
  std::vector<std::string> fetches;
  std::string output;
  bool text = false;
  bool v1 = false;
  bool saved_model = false;
};

struct CommandLine {
  enum class Verb { kNone, kRun, kInspect, kBench, kFreeze, kConvert };
  Verb verb = Verb::kNone;
  RunFlags run;
  InspectFlags inspect;
  BenchFlags bench;
  FreezeFlags freeze;
  ConvertFlags convert;
  std::string text;  // Of kNone: what was asked for, help or the version.
};

// `args` without the program's name. An error of the command line has the exit
// code kUsage, and names what is nearest to a name that is not known.
absl::StatusOr<CommandLine> ParseCommandLine(
    const std::vector<std::string>& args);

// "weft run", if `args` begin with a verb, else "weft".
std::string CommandName(const std::vector<std::string>& args);

}  // namespace weft::runner

#endif  // WEFT_RUNNER_COMMAND_LINE_H_
