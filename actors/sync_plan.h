// What a run syncs, and to which hosts.
#ifndef DIST_ACTORS_SYNC_PLAN_H_
#define DIST_ACTORS_SYNC_PLAN_H_

#include <memory>
#include <string>
#include <vector>

#include "core/model/ids.h"
#include "sync/blocks.h"

namespace dist {

// One snapshot for all hosts.
struct SyncPlan {
  std::shared_ptr<BlockMaker> blocks;
  std::string project;        // As in OfferTree.
  std::string base;           // The folder that every tree is a copy of.
  bool likely_known = false;  // Hosts are likely to have the snapshot.
  bool say_what = false;      // Tell the user what was sent.
  // By HostId, then by number of the tree, counted from 1: the folder; "": one
  // of the host's own. Hosts may be missing at the end.
  std::vector<std::vector<std::string>> folders;

  bool Wants(HostId host) const {
    return blocks != nullptr && host.value() < folders.size() &&
           !folders[host.value()].empty();
  }
};

}  // namespace dist

#endif  // DIST_ACTORS_SYNC_PLAN_H_
