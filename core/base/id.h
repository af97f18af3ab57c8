// Strong integers: a worker's number is not a test's number.
#ifndef DIST_CORE_BASE_ID_H_
#define DIST_CORE_BASE_ID_H_

#include <cstdint>
#include <functional>
#include <string>

namespace dist {

// A 32-bit number of the kind that `Tag` names. Default: the invalid number.
template <class Tag>
class Id {
 public:
  static constexpr uint32_t kNone = 0xffffffffu;

  constexpr Id() = default;
  constexpr explicit Id(uint32_t value) : value_(value) {}

  constexpr uint32_t value() const { return value_; }
  constexpr bool valid() const { return value_ != kNone; }

  friend constexpr bool operator==(Id a, Id b) { return a.value_ == b.value_; }
  friend constexpr bool operator!=(Id a, Id b) { return a.value_ != b.value_; }
  friend constexpr bool operator<(Id a, Id b) { return a.value_ < b.value_; }

  friend std::string to_string(Id id) {
    return id.valid() ? std::to_string(id.value_) : "none";
  }

  template <class H>
  friend H AbslHashValue(H h, Id id) {
    return H::combine(std::move(h), id.value_);
  }

  template <class V>
  auto VisitFields(V&& v) {
    return v("value", value_);
  }

 private:
  uint32_t value_ = kNone;
};

}  // namespace dist

#endif  // DIST_CORE_BASE_ID_H_
