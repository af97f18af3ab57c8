// A set of small numbers, a bit each: which slots are what.
#ifndef DIST_CORE_RUN_SLOT_SET_H_
#define DIST_CORE_RUN_SLOT_SET_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/numeric/bits.h"

namespace dist {

class SlotSet {
 public:
  static constexpr size_t kEnd = SIZE_MAX;

  explicit SlotSet(size_t slots) : words_((slots + 63) / 64) {}

  // REQUIRES: slot is below the number of slots.
  void Put(size_t slot, bool member) {
    const uint64_t bit = uint64_t{1} << (slot % 64);
    uint64_t& word = words_[slot / 64];
    count_ += static_cast<size_t>(member) - ((word & bit) != 0 ? 1 : 0);
    word = member ? word | bit : word & ~bit;
  }

  // The first member from `slot` on; kEnd if there is none. The set may change
  // between calls.
  size_t Next(size_t slot) const {
    size_t at = slot / 64;
    if (at >= words_.size()) return kEnd;
    uint64_t word = words_[at] & (~uint64_t{0} << (slot % 64));
    while (word == 0) {
      if (++at == words_.size()) return kEnd;
      word = words_[at];
    }
    return at * 64 + static_cast<size_t>(absl::countr_zero(word));
  }

  size_t count() const { return count_; }
  bool empty() const { return count_ == 0; }

 private:
  std::vector<uint64_t> words_;
  size_t count_ = 0;
};

}  // namespace dist

#endif  // DIST_CORE_RUN_SLOT_SET_H_
