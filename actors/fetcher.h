// The fetcher actor: brings what tests wrote on one host here.
#ifndef DIST_ACTORS_FETCHER_H_
#define DIST_ACTORS_FETCHER_H_

#include <string>
#include <vector>

#include "actors/fetch_plan.h"
#include "actors/protocol/handles.h"

namespace dist {

// Spawns the fetcher of a host, on a thread of its own: it writes files.
// `trees`: of the host, there. Tells `sink` once, then ends.
FetcherHandle SpawnFetcher(caf::actor_system& system, const FetchPlan& plan,
                           HostId host, uint32_t connection,
                           std::vector<std::string> trees,
                           CommandLinkHandle link, FetchSinkHandle sink);

}  // namespace dist

#endif  // DIST_ACTORS_FETCHER_H_
