// What the source of a sync says, as a link carries it.
#ifndef DIST_SYNC_FRAMING_H_
#define DIST_SYNC_FRAMING_H_

#include <cstdint>

#include "core/model/sync_messages.h"
#include "core/wire/frame.h"

namespace dist {

// A request of the sync with that number. Thread-safe.
using SyncFraming = SharedMessage (*)(uint32_t number, SyncRequest request);

// In a SyncTold, or in a FetchSaid.
SharedMessage FrameSyncTold(uint32_t tree, SyncRequest request);
SharedMessage FrameFetchSaid(uint32_t number, SyncRequest request);

}  // namespace dist

#endif  // DIST_SYNC_FRAMING_H_
