// Contract: every registered message type survives CAF's own serializer with
// its values. CAF 0.17 only logs when it meets an unregistered type and still
// returns success, so the check is on what comes back.
#include "actors/protocol/wire.h"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/message.hpp>
#include <vector>

#include "tests/support/actor_test.h"

namespace dist {
namespace {

// Puts a value other than the default into every field it can reach.
struct Fill {
  int next = 1;

  int operator()() { return 0; }
  template <class T, class... Rest>
  int operator()(const char*, T& value, Rest&... rest) {
    Set(value);
    return (*this)(rest...);
  }

  template <class T>
  void Set(T& value) {
    if constexpr (std::is_enum_v<T>) {
      value = static_cast<T>(1);
    } else if constexpr (std::is_same_v<T, bool>) {
      value = true;
    } else if constexpr (std::is_integral_v<T>) {
      value = static_cast<T>(++next);
    } else if constexpr (std::is_same_v<T, std::string>) {
      value = "text " + std::to_string(++next) + std::string(1, '\0');
    } else if constexpr (wire_internal::IsVector<T>::value) {
      value.resize(2);
      for (auto& element : value) Set(element);
    } else if constexpr (wire_internal::IsPair<T>::value) {
      Set(value.first);
      Set(value.second);
    } else if constexpr (wire_internal::IsVariant<T>::value) {
      value.template emplace<std::variant_size_v<T> - 1>();
      std::visit([this](auto& v) { Set(v); }, value);
    } else {
      value.VisitFields(*this);
    }
  }
};

class WireTest : public ActorTest {
 protected:
  template <class T>
  void CheckRoundTrip(const T& value) {
    const auto sent = caf::make_message(value);
    std::vector<char> bytes;
    caf::binary_serializer sink{system_, bytes};
    ASSERT_EQ(sink(const_cast<caf::message&>(sent)), caf::none);
    caf::message got;
    caf::binary_deserializer source{system_, bytes};
    ASSERT_EQ(source(got), caf::none);
    ASSERT_TRUE(got.match_elements<T>());
    EXPECT_EQ(Encode(got.get_as<T>(0)), Encode(value));
  }

  template <caf::type_id_t Id>
  void CheckOne() {
    using T = typename caf::type_by_id<Id>::type;
    SCOPED_TRACE(caf::type_name_by_id<Id>::value);
    CheckRoundTrip(T{});
    T filled{};
    Fill().Set(filled);
    CheckRoundTrip(filled);
  }

  template <size_t... I>
  void CheckAll(std::index_sequence<I...>) {
    (CheckOne<caf::id_block::dist::begin + I>(), ...);
  }
};

TEST_F(WireTest, EveryTypeRoundTripsWithItsValues) {
  CheckAll(std::make_index_sequence<caf::id_block::dist::end -
                                    caf::id_block::dist::begin>{});
}

TEST_F(WireTest, RefusesBytesThatAreNoMessage) {
  // What CAF sees of a message is one string: here, one that does not decode.
  std::string text = "\xff\xff\xff\xff";
  std::vector<char> bytes;
  caf::binary_serializer sink{system_, bytes};
  ASSERT_EQ(sink(text), caf::none);
  LinkEnded out;
  caf::binary_deserializer source{system_, bytes};
  EXPECT_NE(source(out), caf::none);
}

}  // namespace
}  // namespace dist
