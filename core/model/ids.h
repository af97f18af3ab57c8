// The numbers a run gives to its parts. None of them is ever reused in a run.
#ifndef DIST_CORE_MODEL_IDS_H_
#define DIST_CORE_MODEL_IDS_H_

#include "core/base/id.h"

namespace dist {

// A host: one machine (or container) with one node, reached by one link.
using HostId = Id<struct HostTag>;

// One process life of a worker. A replacement is a new WorkerId in the same
// slot, so whatever a dead worker still says cannot be taken for its
// successor's word.
using WorkerId = Id<struct WorkerTag>;

// A test of the run. The same number on all hosts: ids are interned strings.
using TestIndex = Id<struct TestTag>;

// Tests that must stay together on one worker.
using BundleId = Id<struct BundleTag>;

// What a verdict is about besides the test. `load` has one platform, `each`
// one per worker slot.
using PlatformId = Id<struct PlatformTag>;

}  // namespace dist

#endif  // DIST_CORE_MODEL_IDS_H_
