// Graphs of TensorFlow's first control flow, as text.
//
//   Import(Int("n", 5) + CountingLoop("while", "n", "limit") + ...)
//
// Values are int32 unless their type is given.
#ifndef WEFT_TESTS_GRAPH_V1_TESTING_H_
#define WEFT_TESTS_GRAPH_V1_TESTING_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tests/graph/graph_testing.h"

namespace weft::v1 {

inline std::string TypeAttr(absl::string_view name, absl::string_view type) {
  return absl::StrCat(name, " = type: ", type, ";");
}
inline std::string T(absl::string_view type = "DT_INT32") {
  return TypeAttr("T", type);
}

// A scalar constant. `control`: "^node".
inline std::string Int(absl::string_view name, int value,
                       absl::string_view control = "") {
  return NodeText(
      name, "Const", control,
      absl::StrCat(TypeAttr("dtype", "DT_INT32"),
                   "value = tensor { dtype: DT_INT32 tensor_shape {} int_val: ",
                   value, " }"));
}
inline std::string Input(absl::string_view name,
                         absl::string_view type = "DT_INT32") {
  return NodeText(name, "Placeholder", "",
                  TypeAttr("dtype", type) + "shape = shape {}");
}
// An op with attr T.
inline std::string Op(absl::string_view name, absl::string_view op,
                      absl::string_view inputs,
                      absl::string_view type = "DT_INT32") {
  return NodeText(name, op, inputs, T(type));
}
inline std::string Add(absl::string_view name, absl::string_view inputs) {
  return Op(name, "AddV2", inputs);
}
inline std::string Less(absl::string_view name, absl::string_view inputs) {
  return Op(name, "Less", inputs);
}
inline std::string Enter(absl::string_view name, absl::string_view input,
                         absl::string_view frame,
                         absl::string_view type = "DT_INT32") {
  return NodeText(name, "Enter", input,
                  absl::StrCat(T(type), "frame_name = s: '", frame, "'"));
}
inline std::string EnterConstant(absl::string_view name,
                                 absl::string_view input,
                                 absl::string_view frame,
                                 absl::string_view type = "DT_INT32") {
  return NodeText(
      name, "Enter", input,
      absl::StrCat(T(type), "is_constant = b: true; frame_name = s: '", frame,
                   "'"));
}
inline std::string Merge(absl::string_view name, absl::string_view inputs,
                         absl::string_view type = "DT_INT32") {
  return NodeText(name, "Merge", inputs, T(type) + "N = i: 2");
}
inline std::string Switch(absl::string_view name, absl::string_view inputs,
                          absl::string_view type = "DT_INT32") {
  return Op(name, "Switch", inputs, type);
}
inline std::string LoopCond(absl::string_view name, absl::string_view input) {
  return NodeText(name, "LoopCond", input);
}

// The variable `v` of the loop `scope` before its body: scope/v is Switch:1 of
// it. Its body must define scope/v_next. `waits_for`: "^node" for the end of an
// iteration.
inline std::string Variable(absl::string_view scope, absl::string_view v,
                            absl::string_view initial,
                            absl::string_view type = "DT_INT32",
                            absl::string_view waits_for = "") {
  const std::string s = absl::StrCat(scope, "/");
  const std::string n = absl::StrCat("_", v);
  return Enter(s + "Enter" + n, initial, s + "frame", type) +
         Merge(s + "Merge" + n,
               absl::StrCat(s, "Enter", n, " ", s, "NextIteration", n), type) +
         Switch(s + "Switch" + n,
                absl::StrCat(s, "Merge", n, " ", s, "LoopCond"), type) +
         Op(absl::StrCat(s, v), "Identity", s + "Switch" + n + ":1", type) +
         Op(s + "NextIteration" + n, "NextIteration",
            absl::StrCat(s, v, "_next ", waits_for), type) +
         Op(s + "Exit" + n, "Exit", s + "Switch" + n, type);
}

// for (i = initial; i < limit; ++i): other variables may be added to it.
inline std::string CountingLoop(absl::string_view scope,
                                absl::string_view initial,
                                absl::string_view limit) {
  const std::string s = absl::StrCat(scope, "/");
  return Variable(scope, "i", initial) +
         EnterConstant(s + "limit", limit, s + "frame") +
         Less(s + "Less", absl::StrCat(s, "Merge_i ", s, "limit")) +
         LoopCond(s + "LoopCond", s + "Less") +
         Int(s + "one", 1, absl::StrCat("^", s, "i")) +
         Add(s + "i_next", absl::StrCat(s, "i ", s, "one"));
}

// The beginning of a conditional `scope` by `predicate`: pivots as TensorFlow
// makes them.
inline std::string Pivots(absl::string_view scope,
                          absl::string_view predicate) {
  const std::string s = absl::StrCat(scope, "/");
  return Switch(s + "Switch", absl::StrCat(predicate, " ", predicate),
                "DT_BOOL") +
         Op(s + "switch_t", "Identity", s + "Switch:1", "DT_BOOL") +
         Op(s + "switch_f", "Identity", s + "Switch", "DT_BOOL") +
         Op(s + "pred_id", "Identity", predicate, "DT_BOOL");
}

}  // namespace weft::v1

#endif  // WEFT_TESTS_GRAPH_V1_TESTING_H_
