#include "sync/framing.h"

#include <memory>
#include <utility>

#include "core/model/node_messages.h"
#include "core/wire/codec.h"

namespace dist {

SharedMessage FrameSyncTold(uint32_t tree, SyncRequest request) {
  return std::make_shared<FramedMessage>(
      Channel::kSync, Encode(NodeCommand(SyncTold{tree, std::move(request)})));
}

SharedMessage FrameFetchSaid(uint32_t number, SyncRequest request) {
  return std::make_shared<FramedMessage>(
      Channel::kSync, Encode(NodeEvent(FetchSaid{number, std::move(request)})));
}

}  // namespace dist
