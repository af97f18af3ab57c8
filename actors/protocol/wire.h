// Makes every message a CAF message type.
//
// CAF sees one string a message: the codec's bytes (core/wire/codec.h). So
// there is one format, the one that is bounded and fuzzed, and CAF's own
// (which trusts what it reads, faults.md S9) is never used on foreign bytes.
#ifndef DIST_ACTORS_PROTOCOL_WIRE_H_
#define DIST_ACTORS_PROTOCOL_WIRE_H_

#include <caf/error.hpp>
#include <caf/fwd.hpp>
#include <caf/meta/load_callback.hpp>
#include <caf/meta/type_name.hpp>
#include <caf/sec.hpp>
#include <caf/type_id.hpp>
#include <string>
#include <type_traits>
#include <utility>

#include "actors/protocol/caf_compat.h"
#include "actors/protocol/messages.h"
#include "core/wire/codec.h"

// Append only: the position is what CAF 1.x would send.
CAF_BEGIN_TYPE_ID_BLOCK(dist, caf::first_custom_type_id)
CAF_ADD_TYPE_ID(dist, (dist::CommandMessage))
CAF_ADD_TYPE_ID(dist, (dist::EventMessage))
CAF_ADD_TYPE_ID(dist, (dist::HostSpoke))
CAF_ADD_TYPE_ID(dist, (dist::LinkEnded))
CAF_ADD_TYPE_ID(dist, (dist::Consumed))
CAF_ADD_TYPE_ID(dist, (dist::CloseLink))
CAF_ADD_TYPE_ID(dist, (dist::Tick))
CAF_ADD_TYPE_ID(dist, (dist::WakeUp))
CAF_ADD_TYPE_ID(dist, (dist::StopRequested))
CAF_ADD_TYPE_ID(dist, (dist::ProcessReported))
CAF_ADD_TYPE_ID(dist, (dist::ProcessWrote))
CAF_ADD_TYPE_ID(dist, (dist::ProcessEnded))
CAF_ADD_TYPE_ID(dist, (dist::ProcessesKilled))
CAF_ADD_TYPE_ID(dist, (dist::MakeConnection))
CAF_ADD_TYPE_ID(dist, (dist::HostConnected))
CAF_ADD_TYPE_ID(dist, (dist::BuryHost))
CAF_ADD_TYPE_ID(dist, (dist::HostGone))
CAF_ADD_TYPE_ID(dist, (dist::Leave))
CAF_ADD_TYPE_ID(dist, (dist::AttemptEnded))
CAF_ADD_TYPE_ID(dist, (dist::HostSynced))
CAF_ADD_TYPE_ID(dist, (dist::HostNoted))
CAF_ADD_TYPE_ID(dist, (dist::HostFetched))
CAF_ADD_TYPE_ID(dist, (dist::SendFramed))
CAF_END_TYPE_ID_BLOCK(dist)

namespace dist {

template <class Inspector, class T,
          class = std::enable_if_t<caf::has_type_id<T>::value>>
typename Inspector::result_type inspect(Inspector& f, T& x) {
  std::string bytes;
  if constexpr (Inspector::reads_state) {
    bytes = Encode(x);
    return f(caf::meta::type_name(caf::type_name<T>::value), bytes);
  } else {
    auto load = [&]() -> caf::error {
      auto decoded = Decode<T>(bytes);
      if (!decoded.ok()) return caf::sec::invalid_argument;
      x = *std::move(decoded);
      return caf::none;
    };
    return f(caf::meta::type_name(caf::type_name<T>::value), bytes,
             caf::meta::load_callback(load));
  }
}

}  // namespace dist

#endif  // DIST_ACTORS_PROTOCOL_WIRE_H_
