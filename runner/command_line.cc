#include "runner/command_line.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <sstream>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/status.h"
#include "graph/names.h"
#include "runner/exit_code.h"
#include "runner/help.h"

namespace weft::runner {
namespace {

constexpr int kMaxThreads = 1024;
constexpr int kMaxRepeat = 1000000;
constexpr int kMaxSize = 1000000;

constexpr const char* kVerbs[] = {"run", "inspect", "bench", "freeze",
                                  "convert"};

bool IsVerb(const std::string& name) {
  return std::find(std::begin(kVerbs), std::end(kVerbs), name) !=
         std::end(kVerbs);
}

absl::Status UsageError(absl::Status status) {
  return WithExitCode(std::move(status), ExitCode::kUsage);
}

// Options as they are written; numbers are read by ReadNumbers, whose messages
// say what is allowed.
struct Numbers {
  std::string threads = "0";
  std::string timeout;
  std::string memory;
  std::string repeat = "1";
  std::string run_passes = "all";
  std::string inspect_passes = "all";
  std::string bench_passes = "all";
  std::string run_precision = "float32";
  std::string inspect_precision = "float32";
  std::string bench_precision = "float32";
  std::string bench_threads = "0";
  std::string bench_repeat = "0";
  std::string batch = "1";
  std::string time = "100";
};

absl::Status ReadInt(absl::string_view flag, const std::string& text, int min,
                     int max, int* value) {
  int64_t number = 0;
  if (absl::SimpleAtoi(text, &number) && number >= min && number <= max) {
    *value = static_cast<int>(number);
    return absl::OkStatus();
  }
  return InvalidArgument(flag, " is '", Printable(text),
                         "' but must be an integer from ", min, " to ", max);
}

absl::Status ReadTimeout(const std::string& text, absl::Duration* timeout) {
  if (text.empty()) return absl::OkStatus();
  double seconds = 0;
  if (absl::SimpleAtod(text, &seconds) && std::isfinite(seconds) &&
      seconds > 0) {
    *timeout = absl::Seconds(seconds);
    return absl::OkStatus();
  }
  return InvalidArgument("--timeout is '", Printable(text),
                         "' but must be a number of seconds above 0");
}

absl::Status ReadBytes(const std::string& text, size_t* bytes) {
  if (text.empty()) return absl::OkStatus();
  absl::string_view digits = text;
  int shift = 0;
  constexpr absl::string_view kUnits = "KMGT";
  if (const size_t unit = kUnits.find(text.back());
      unit != absl::string_view::npos) {
    shift = 10 * (static_cast<int>(unit) + 1);
    digits.remove_suffix(1);
  }
  uint64_t number = 0;
  if (absl::SimpleAtoi(digits, &number) && number > 0 &&
      number <= (std::numeric_limits<size_t>::max() >> shift)) {
    *bytes = number << shift;
    return absl::OkStatus();
  }
  return InvalidArgument(
      "--memory is '", Printable(text),
      "' but must be a number of bytes above 0, as in 1000000, 512M or 2G");
}

absl::Status ReadPasses(const std::string& text, PassOptions* passes) {
  passes->enabled = text != "none";
  passes->generated_code = text == "all";
  if (text == "all" || text == "none" || text == "interpreted")
    return absl::OkStatus();
  return InvalidArgument("--passes is '", Printable(text),
                         "' but must be 'all', 'interpreted' or 'none'");
}

absl::Status ReadPrecision(const std::string& text, bool passes,
                           Precision* precision) {
  for (Precision p :
       {Precision::kFloat32, Precision::kBfloat16, Precision::kInt8}) {
    if (text != PrecisionName(p)) continue;
    *precision = p;
    if (p == Precision::kFloat32 || passes) return absl::OkStatus();
    return InvalidArgument("--precision ", text,
                           " needs the passes: leave --passes=none out");
  }
  return InvalidArgument("--precision is '", Printable(text),
                         "' but must be 'float32', 'bf16' or 'int8'");
}

absl::Status ReadBench(const Numbers& numbers, BenchFlags* bench) {
  WEFT_RETURN_IF_ERROR(ReadInt("--threads", numbers.bench_threads, 0,
                               kMaxThreads, &bench->threads));
  WEFT_RETURN_IF_ERROR(
      ReadInt("--repeat", numbers.bench_repeat, 0, kMaxRepeat, &bench->repeat));
  WEFT_RETURN_IF_ERROR(
      ReadInt("--batch", numbers.batch, 1, kMaxSize, &bench->batch));
  WEFT_RETURN_IF_ERROR(
      ReadInt("--time", numbers.time, 1, kMaxSize, &bench->time));
  WEFT_RETURN_IF_ERROR(ReadPasses(numbers.bench_passes, &bench->passes));
  return ReadPrecision(numbers.bench_precision, bench->passes.enabled,
                       &bench->precision);
}

absl::Status ReadNumbers(const Numbers& numbers, CommandLine* line) {
  RunFlags& run = line->run;
  WEFT_RETURN_IF_ERROR(
      ReadInt("--threads", numbers.threads, 0, kMaxThreads, &run.threads));
  WEFT_RETURN_IF_ERROR(
      ReadInt("--repeat", numbers.repeat, 1, kMaxRepeat, &run.repeat));
  WEFT_RETURN_IF_ERROR(ReadTimeout(numbers.timeout, &run.timeout));
  WEFT_RETURN_IF_ERROR(ReadBytes(numbers.memory, &run.memory));
  WEFT_RETURN_IF_ERROR(ReadPasses(numbers.run_passes, &run.passes));
  WEFT_RETURN_IF_ERROR(
      ReadPrecision(numbers.run_precision, run.passes.enabled, &run.precision));
  InspectFlags& inspect = line->inspect;
  WEFT_RETURN_IF_ERROR(ReadPasses(numbers.inspect_passes, &inspect.passes));
  WEFT_RETURN_IF_ERROR(ReadPrecision(
      numbers.inspect_precision, inspect.passes.enabled, &inspect.precision));
  return ReadBench(numbers, &line->bench);
}

// An option that may be given several times, with one value each.
void AddList(CLI::App* verb, const char* name, std::vector<std::string>* values,
             const char* type, const char* text) {
  verb->add_option(name, *values, text)
      ->type_name(type)
      ->allow_extra_args(false);
}

void AddText(CLI::App* verb, const char* name, std::string* value,
             const char* type, const char* text) {
  verb->add_option(name, *value, text)->type_name(type);
}

void AddModel(CLI::App* verb, const char* text, std::string* model,
              std::vector<std::string>* tags) {
  verb->add_option("MODEL", *model, text)->type_name("PATH")->required();
  AddList(verb, "--tag", tags, "TAG",
          "Of the meta graphs of a SavedModel, the one with these tags; none: "
          "the only one, or 'serve'");
}

constexpr char kModelText[] =
    "GraphDef (.pb, .pbtxt), MetaGraphDef (.meta), or directory of a "
    "SavedModel";
constexpr char kCheckpointText[] =
    "Values of the variables; of a directory the newest. None: those of the "
    "SavedModel";

void AddSignature(CLI::App* verb, std::string* signature) {
  AddText(verb, "--signature", signature, "NAME",
          "Signature whose names are used; none: 'serving_default', or the "
          "only one");
}

void AddPrecision(CLI::App* verb, std::string* precision) {
  AddText(verb, "--precision", precision, "float32|bf16|int8",
          "In what weights of products in loops are kept: others than float32 "
          "are faster, and give other numbers");
}

void AddRun(CLI::App& app, RunFlags* flags, Numbers* numbers) {
  CLI::App* verb = app.add_subcommand("run", "Run a model");
  AddModel(verb, kModelText, &flags->model, &flags->tags);
  AddSignature(verb, &flags->signature);
  AddList(verb, "--feed", &flags->feeds, "NAME=VALUE",
          "A value to give: a literal like [[1, 2]], FILE.npy, or @FILE");
  AddList(verb, "--fetch", &flags->fetches, "NAME[=FILE.npy]",
          "A value to print, or to write to a file; none: the outputs of the "
          "signature, or of all nodes without consumers");
  AddText(verb, "--checkpoint", &flags->checkpoint, "PREFIX|DIR",
          kCheckpointText);
  AddText(verb, "--threads", &numbers->threads, "N",
          "Threads to use; 0: one per core");
  AddText(verb, "--timeout", &numbers->timeout, "S",
          "Stop after so many seconds");
  AddText(verb, "--memory", &numbers->memory, "BYTES",
          "Memory that the run may use, as in 512M or 2G");
  AddText(verb, "--repeat", &numbers->repeat, "N",
          "Run so often, and say on stderr how long it takes");
  AddText(verb, "--passes", &numbers->run_passes, "all|interpreted|none",
          "For comparison: interpreted: elementwise programs without code made "
          "for them; none: the graph as it stands");
  AddPrecision(verb, &numbers->run_precision);
  verb->add_flag("--check-numerics", flags->check_numerics,
                 "Fail where the first NaN or infinity arises");
  verb->add_flag("--json", flags->json,
                 "Print results as JSON, all values in full");
  verb->footer(kRunHelp);
}

void AddInspect(CLI::App& app, InspectFlags* flags, Numbers* numbers) {
  CLI::App* verb =
      app.add_subcommand("inspect", "Show what a model or checkpoint holds");
  AddModel(verb,
           "GraphDef (.pb, .pbtxt), MetaGraphDef (.meta), SavedModel or "
           "checkpoint (PREFIX, or directory)",
           &flags->model, &flags->tags);
  verb->add_flag("--plan", flags->plan, "Show also how it would be run");
  AddSignature(verb, &flags->signature);
  AddList(verb, "--fetch", &flags->fetches, "NAME",
          "With --plan: what is fetched; none: the outputs of the signature, "
          "or of all nodes without consumers");
  AddList(
      verb, "--feed", &flags->feeds, "NAME[=VALUE]",
      "With --plan: what is fed; none: all placeholders that the fetches "
      "need. Given values, the model is run once, and the plan says what that "
      "took");
  AddText(verb, "--checkpoint", &flags->checkpoint, "PREFIX|DIR",
          "For that run: values of the variables; none: those of the "
          "SavedModel");
  AddText(verb, "--passes", &numbers->inspect_passes, "all|interpreted|none",
          "With --plan: as for run");
  AddPrecision(verb, &numbers->inspect_precision);
  verb->add_flag("--json", flags->json, "Print JSON");
  verb->footer(kInspectHelp);
}

void AddBench(CLI::App& app, BenchFlags* flags, Numbers* numbers) {
  CLI::App* verb = app.add_subcommand("bench", "Measure how fast a model runs");
  AddModel(verb, kModelText, &flags->model, &flags->tags);
  AddSignature(verb, &flags->signature);
  AddList(verb, "--feed", &flags->feeds, "NAME=VALUE",
          "A value to give, as to 'weft run'; what else is needed gets numbers "
          "from -1 to 1");
  AddList(verb, "--fetch", &flags->fetches, "NAME",
          "A value to compute; none: the outputs of the signature, or of all "
          "nodes without consumers");
  AddText(verb, "--checkpoint", &flags->checkpoint, "PREFIX|DIR",
          kCheckpointText);
  AddText(verb, "--batch", &numbers->batch, "N",
          "First size of inputs that leave it open");
  AddText(verb, "--time", &numbers->time, "N",
          "Second size of inputs that leave it open");
  AddText(verb, "--threads", &numbers->bench_threads, "N",
          "Threads to use; 0: one per core");
  AddText(verb, "--repeat", &numbers->bench_repeat, "N",
          "Run so often; 0: for about a second");
  AddText(verb, "--passes", &numbers->bench_passes, "all|interpreted|none",
          "As for run");
  AddPrecision(verb, &numbers->bench_precision);
  verb->add_flag("--verify", flags->verify,
                 "Run the graph as it stands (with --precision: in float32) by "
                 "turns: say how far the results are apart");
  verb->add_flag("--json", flags->json, "Print JSON");
  verb->footer(kBenchHelp);
}

void AddFreeze(CLI::App& app, FreezeFlags* flags) {
  CLI::App* verb = app.add_subcommand(
      "freeze", "Write a model with the values of its variables in it");
  AddModel(verb, kModelText, &flags->model, &flags->tags);
  AddSignature(verb, &flags->signature);
  AddText(verb, "--checkpoint", &flags->checkpoint, "PREFIX|DIR",
          kCheckpointText);
  AddList(verb, "--fetch", &flags->fetches, "NAME",
          "A value that the frozen model is for; none: the outputs of the "
          "signature");
  verb->add_option("--output", flags->output,
                   "Where to write it: as text if it ends in .pbtxt")
      ->type_name("FILE")
      ->required();
  verb->footer(kFreezeHelp);
}

void AddConvert(CLI::App& app, ConvertFlags* flags) {
  CLI::App* verb =
      app.add_subcommand("convert", "Write a model in another form");
  AddModel(verb, kModelText, &flags->model, &flags->tags);
  verb->add_option("--output", flags->output,
                   "Where to write it: a GraphDef; a MetaGraphDef if it ends "
                   "in .meta; text if it ends in .pbtxt")
      ->type_name("PATH")
      ->required();
  verb->add_flag("--text", flags->text, "Write text whatever the name");
  verb->add_flag("--v1", flags->v1,
                 "Write loops and conditionals as Enter, Merge, Switch, ..., "
                 "and no functions");
  verb->add_flag("--saved-model", flags->saved_model,
                 "Write the directory of a SavedModel");
  AddList(verb, "--fetch", &flags->fetches, "NAME",
          "With --saved-model or .meta: an output of the signature "
          "'serving_default'; none: the signatures of MODEL");
  AddText(verb, "--checkpoint", &flags->checkpoint, "PREFIX|DIR",
          "With --saved-model: values of the variables; none: those of MODEL");
  verb->footer(kConvertHelp);
}

// "unknown option '--fetsh'; did you mean '--fetch'?", for the first of what
// `verb` could not place.
absl::Status UnknownArgument(const CLI::App& verb,
                             const std::vector<std::string>& rest) {
  const auto option = std::find_if(
      rest.begin(), rest.end(),
      [](const std::string& arg) { return absl::StartsWith(arg, "-"); });
  if (option == rest.end()) {
    return InvalidArgument("there is one argument too many: '",
                           Printable(rest.front()), "'");
  }
  const std::vector<std::string> parts =
      absl::StrSplit(*option, absl::MaxSplits('=', 1));
  std::vector<std::string> names;
  for (const CLI::Option* known : verb.get_options()) {
    if (!known->get_lnames().empty())
      names.push_back("--" + known->get_lnames().front());
  }
  const std::vector<absl::string_view> candidates(names.begin(), names.end());
  return InvalidArgument("unknown option '", Printable(parts[0]), "'",
                         DidYouMean(parts[0], candidates));
}

absl::Status CheckVerb(const std::vector<std::string>& args) {
  if (args.empty()) {
    return UsageError(InvalidArgument(
        "a command is missing: run, inspect, bench, freeze or convert"));
  }
  if (IsVerb(args[0]) || absl::StartsWith(args[0], "-"))
    return absl::OkStatus();
  const std::vector<absl::string_view> verbs(std::begin(kVerbs),
                                             std::end(kVerbs));
  return UsageError(InvalidArgument("there is no command '", Printable(args[0]),
                                    "'", DidYouMean(args[0], verbs)));
}

// Fills what the options are bound to. False: `*text` is what to print instead.
absl::StatusOr<bool> Parse(CLI::App& app, std::vector<std::string> args,
                           std::string* text) {
  std::reverse(args.begin(), args.end());  // As CLI11 wants them.
  try {
    app.parse(std::move(args));
    return true;
  } catch (const CLI::Success& request) {
    std::ostringstream out;
    app.exit(request, out, out);
    *text = out.str();
    return false;
  } catch (const CLI::ParseError& error) {
    const std::vector<CLI::App*> verbs = app.get_subcommands();
    const CLI::App& verb = verbs.empty() ? app : *verbs.front();
    const std::vector<std::string> rest = verb.remaining();
    return UsageError(rest.empty() ? InvalidArgument(error.what())
                                   : UnknownArgument(verb, rest));
  }
}

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(
    const std::vector<std::string>& args) {
  WEFT_RETURN_IF_ERROR(CheckVerb(args));
  CommandLine line;
  Numbers numbers;
  CLI::App app(kAbout, "weft");
  app.set_version_flag("--version", kVersion, "Print the version and exit");
  app.require_subcommand(1);
  app.footer(absl::StrCat(kGeneralHelp, "\n", DescribeExitCodes()));
  AddRun(app, &line.run, &numbers);
  AddInspect(app, &line.inspect, &numbers);
  AddBench(app, &line.bench, &numbers);
  AddFreeze(app, &line.freeze);
  AddConvert(app, &line.convert);
  WEFT_ASSIGN_OR_RETURN(const bool parsed, Parse(app, args, &line.text));
  if (!parsed) return line;
  const absl::Status status = ReadNumbers(numbers, &line);
  if (!status.ok()) return UsageError(status);
  const std::string verb = app.get_subcommands().front()->get_name();
  line.verb = verb == "run"       ? CommandLine::Verb::kRun
              : verb == "inspect" ? CommandLine::Verb::kInspect
              : verb == "bench"   ? CommandLine::Verb::kBench
              : verb == "freeze"  ? CommandLine::Verb::kFreeze
                                  : CommandLine::Verb::kConvert;
  return line;
}

std::string CommandName(const std::vector<std::string>& args) {
  return !args.empty() && IsVerb(args[0]) ? absl::StrCat("weft ", args[0])
                                          : "weft";
}

}  // namespace weft::runner
