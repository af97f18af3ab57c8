// Bytes for any type that has VisitFields(), and back.
//
// Format (docs/link.md): unsigned integers as LEB128 varints, signed ones
// zigzag-coded first, bool and enums as unsigned, strings and lists with their
// length in front, structs as their fields in order, a variant as the position
// of its alternative and the alternative. No field names, no padding.
//
// Decoding trusts nothing: it allocates no more than a small multiple of the
// bytes that are there, refuses trailing bytes, and stops at the first error.
#ifndef DIST_CORE_WIRE_CODEC_H_
#define DIST_CORE_WIRE_CODEC_H_

#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dist {
namespace wire_internal {

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsPair : std::false_type {};
template <class A, class B>
struct IsPair<std::pair<A, B>> : std::true_type {};
template <class T>
struct IsVariant : std::false_type {};
template <class... T>
struct IsVariant<std::variant<T...>> : std::true_type {};

}  // namespace wire_internal

// Appends values to a string.
class Encoder {
 public:
  explicit Encoder(std::string* out) : out_(*out) {}

  // VisitFields calls this with name, value, name, value, ...
  int operator()() { return 0; }
  template <class T, class... Rest>
  int operator()(const char*, const T& value, const Rest&... rest) {
    Put(value);
    return (*this)(rest...);
  }

  template <class T>
  void Put(const T& value) {
    using namespace wire_internal;  // NOLINT
    if constexpr (std::is_enum_v<T>) {
      PutVarint(static_cast<uint64_t>(value));
    } else if constexpr (std::is_same_v<T, bool> || std::is_unsigned_v<T>) {
      PutVarint(value);
    } else if constexpr (std::is_integral_v<T>) {
      const auto wide = static_cast<int64_t>(value);
      PutVarint((static_cast<uint64_t>(wide) << 1) ^
                static_cast<uint64_t>(wide >> 63));
    } else if constexpr (std::is_same_v<T, std::string>) {
      PutVarint(value.size());
      out_.append(value);
    } else if constexpr (IsVector<T>::value) {
      PutVarint(value.size());
      for (const auto& element : value) Put(element);
    } else if constexpr (IsPair<T>::value) {
      Put(value.first);
      Put(value.second);
    } else if constexpr (IsVariant<T>::value) {
      PutVarint(value.index());
      std::visit([this](const auto& v) { this->Put(v); }, value);
    } else {
      // VisitFields serves both directions and so is not const.
      const_cast<T&>(value).VisitFields(*this);
    }
  }

 private:
  void PutVarint(uint64_t value) {
    while (value >= 0x80) {
      out_.push_back(static_cast<char>(value | 0x80));
      value >>= 7;
    }
    out_.push_back(static_cast<char>(value));
  }

  std::string& out_;
};

// Takes values from the front of a string. After the first error it keeps
// failing and the values are unspecified.
class Decoder {
 public:
  explicit Decoder(absl::string_view in) : in_(in) {}

  bool failed() const { return failed_; }
  bool at_end() const { return in_.empty(); }

  int operator()() { return 0; }
  template <class T, class... Rest>
  int operator()(const char*, T& value, Rest&... rest) {
    Get(value);
    return (*this)(rest...);
  }

  template <class T>
  void Get(T& value) {
    using namespace wire_internal;  // NOLINT
    if (failed_) return;
    if constexpr (std::is_enum_v<T>) {
      value = static_cast<T>(GetVarint(0xff));
    } else if constexpr (std::is_same_v<T, bool>) {
      value = GetVarint(1) != 0;
    } else if constexpr (std::is_unsigned_v<T>) {
      value = static_cast<T>(GetVarint(std::numeric_limits<T>::max()));
    } else if constexpr (std::is_integral_v<T>) {
      const uint64_t raw = GetVarint(UINT64_MAX);
      const auto wide = static_cast<int64_t>((raw >> 1) ^ (~(raw & 1) + 1));
      if (wide < std::numeric_limits<T>::min() ||
          wide > std::numeric_limits<T>::max()) {
        failed_ = true;
      }
      value = static_cast<T>(wide);
    } else if constexpr (std::is_same_v<T, std::string>) {
      const uint64_t size = GetVarint(in_.size());
      if (failed_ || size > in_.size()) {
        failed_ = true;
        return;
      }
      value.assign(in_.data(), size);
      in_.remove_prefix(size);
    } else if constexpr (IsVector<T>::value) {
      GetList(value);
    } else if constexpr (IsPair<T>::value) {
      Get(value.first);
      Get(value.second);
    } else if constexpr (IsVariant<T>::value) {
      const uint64_t index = GetVarint(std::variant_size_v<T> - 1);
      if (!failed_) GetAlternative<0>(value, index);
    } else {
      value.VisitFields(*this);
    }
  }

 private:
  // Fails on values above `max`.
  uint64_t GetVarint(uint64_t max) {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (in_.empty()) break;
      const auto byte = static_cast<uint8_t>(in_.front());
      in_.remove_prefix(1);
      if (shift == 63 && byte > 1) break;
      value |= uint64_t{byte & 0x7fu} << shift;
      if ((byte & 0x80) == 0) {
        if (value > max) break;
        return value;
      }
    }
    failed_ = true;
    return 0;
  }

  template <class T>
  void GetList(std::vector<T>& list) {
    // Each element takes a byte at least, so a lying count fails here.
    const uint64_t count = GetVarint(in_.size());
    list.clear();
    for (uint64_t i = 0; i < count && !failed_; ++i) Get(list.emplace_back());
  }

  template <size_t I, class T>
  void GetAlternative(T& value, uint64_t index) {
    if constexpr (I < std::variant_size_v<T>) {
      if (index == I) {
        Get(value.template emplace<I>());
      } else {
        GetAlternative<I + 1>(value, index);
      }
    }
  }

  absl::string_view in_;
  bool failed_ = false;
};

template <class T>
std::string Encode(const T& value) {
  std::string out;
  Encoder(&out).Put(value);
  return out;
}

// All of `bytes` is one T, or an InvalidArgument error.
template <class T>
absl::StatusOr<T> Decode(absl::string_view bytes) {
  T value{};
  Decoder decoder(bytes);
  decoder.Get(value);
  if (decoder.failed() || !decoder.at_end()) {
    return absl::InvalidArgumentError("malformed message on the link");
  }
  return value;
}

}  // namespace dist

#endif  // DIST_CORE_WIRE_CODEC_H_
