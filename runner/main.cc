// The weft command.
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/status.h"
#include "runner/command_line.h"
#include "runner/console.h"
#include "runner/exit_code.h"
#include "runner/verbs.h"

namespace weft::runner {
namespace {

absl::Status Execute(const std::vector<std::string>& args, Console& console) {
  WEFT_ASSIGN_OR_RETURN(const CommandLine line, ParseCommandLine(args));
  absl::Status status;
  switch (line.verb) {
    case CommandLine::Verb::kNone:
      console.Print(line.text);
      break;
    case CommandLine::Verb::kRun:
      status = Run(line.run, console);
      break;
    case CommandLine::Verb::kInspect:
      status = Inspect(line.inspect, console);
      break;
    case CommandLine::Verb::kBench:
      status = Bench(line.bench, console);
      break;
    case CommandLine::Verb::kFreeze:
      status = Freeze(line.freeze, console);
      break;
    case CommandLine::Verb::kConvert:
      status = Convert(line.convert, console);
      break;
  }
  status.Update(console.Flush());
  return status;
}

int Main(const std::vector<std::string>& args) {
  PrepareStandardStreams();
  const std::string name = CommandName(args);
  Console console(name);
  absl::Status status;
  try {
    status = Execute(args, console);
  } catch (const std::bad_alloc&) {
    status = ResourceExhausted("out of memory");
  } catch (const std::exception& error) {
    status = Internal("unexpected error: ", error.what());
  }
  if (!status.ok()) console.Report(status);
  const ExitCode code = ExitCodeOf(status);
  if (code == ExitCode::kUsage)
    console.Note("'" + name + " --help' says what there is");
  return static_cast<int>(code);
}

}  // namespace
}  // namespace weft::runner

int main(int argc, char** argv) {
  return weft::runner::Main(
      std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
}
