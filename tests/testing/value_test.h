// How the registry test learns that the values of an op are tested.
//
// A test suite that is called after its op says so by its name:
//
//   TEST(TanhTest, IsOdd) { ... }
//
// A test file whose suites have other names lists its ops:
//
//   WEFT_VALUE_TEST(TensorListPushBack, TensorListPopBack);
//
// The registry test reads both in the sources of tests/ops.
#ifndef WEFT_TESTS_TESTING_VALUE_TEST_H_
#define WEFT_TESTS_TESTING_VALUE_TEST_H_

#define WEFT_VALUE_TEST(...) static_assert(true, #__VA_ARGS__)

#endif  // WEFT_TESTS_TESTING_VALUE_TEST_H_
