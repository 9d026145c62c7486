// What a program computes alike for all of a row is computed once per row.
#include <algorithm>

#include "kernels/pointwise_vector_code.h"

namespace weft {
namespace {

class RowSplitter {
 public:
  explicit RowSplitter(const PointwiseForm& form)
      : form_(form), num_loads_(static_cast<int>(form.loads.size())) {}

  SplitForm Run() {
    FindRowValues();
    if (num_values_ == 0) return {{}, form_};
    SplitForm split;
    split.row.loads = split.body.loads = form_.loads;
    for (int v = 0; v < num_values_; ++v)
      split.body.loads.push_back({.repeats = true, .row_value = v});
    std::vector<int> row_place, body_place;  // By place of the whole.
    for (int l = 0; l < num_loads_; ++l) {
      row_place.push_back(l);
      body_place.push_back(l);
    }
    for (size_t s = 0; s < form_.steps.size(); ++s) {
      const int place = num_loads_ + static_cast<int>(s);
      if (is_row_[place]) {
        row_place.push_back(AddStep(form_.steps[s], row_place, &split.row));
        body_place.push_back(num_loads_ + value_[place]);
        if (value_[place] < 0) continue;
        split.row.stores.push_back(
            {.place = row_place[place], .row_value = value_[place]});
      } else {
        row_place.push_back(-1);
        body_place.push_back(AddStep(form_.steps[s], body_place, &split.body));
      }
    }
    for (PointwiseForm::Store store : form_.stores) {
      store.place = body_place[store.place];
      split.body.stores.push_back(store);
    }
    return split;
  }

 private:
  // What follows from one element per row, and which results of that the rest
  // uses.
  void FindRowValues() {
    for (const PointwiseForm::Load& load : form_.loads)
      is_row_.push_back(load.repeats);
    value_.assign(num_loads_ + form_.steps.size(), -1);
    for (const PointwiseForm::Step& step : form_.steps) {
      const auto end = step.arguments.begin() + InfoOf(step.op).arity();
      is_row_.push_back(std::all_of(step.arguments.begin(), end,
                                    [&](int a) { return is_row_[a]; }));
      if (is_row_.back()) continue;
      for (auto a = step.arguments.begin(); a != end; ++a) Want(*a);
    }
    for (const PointwiseForm::Store& store : form_.stores) Want(store.place);
  }

  void Want(int place) {
    if (place >= num_loads_ && is_row_[place] && value_[place] < 0)
      value_[place] = num_values_++;
  }

  // The place of its result.
  static int AddStep(PointwiseForm::Step step, const std::vector<int>& places,
                     PointwiseForm* form) {
    for (int a = 0; a < InfoOf(step.op).arity(); ++a)
      step.arguments[a] = places[step.arguments[a]];
    form->steps.push_back(step);
    return static_cast<int>(form->loads.size() + form->steps.size()) - 1;
  }

  const PointwiseForm& form_;
  const int num_loads_;
  std::vector<bool> is_row_;  // By place.
  std::vector<int> value_;    // By place: the number of a row value, or -1.
  int num_values_ = 0;
};

}  // namespace

int PointwiseForm::num_memory_loads() const {
  return static_cast<int>(
      std::count_if(loads.begin(), loads.end(),
                    [](const Load& load) { return load.row_value < 0; }));
}

int PointwiseForm::num_row_values() const {
  return static_cast<int>(
      std::count_if(stores.begin(), stores.end(),
                    [](const Store& store) { return store.row_value >= 0; }));
}

int PointwiseForm::num_sums() const {
  return static_cast<int>(
      std::count_if(stores.begin(), stores.end(),
                    [](const Store& store) { return store.is_sum; }));
}

SplitForm SplitRowValues(const PointwiseForm& form) {
  return RowSplitter(form).Run();
}

}  // namespace weft
