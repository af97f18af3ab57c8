// Worker actor: one worker of a node, one process after another interpreter.
#ifndef DIST_ACTORS_WORKER_H_
#define DIST_ACTORS_WORKER_H_

#include "actors/protocol/handles.h"
#include "transports/processes.h"

namespace dist {

// Spawns a worker and starts its process through `processes`, which must
// outlive it. Whatever happens is told to `sink`; the last word is one of
// WorkerFinished, WorkerRefused, WorkerDied, after which the actor ends.
//
// Interpreter: setup.python if given; else that of the active virtual
// environment; else the first along PATH that has the framework.
WorkerHandle SpawnWorker(caf::actor_system& system, EventSinkHandle sink,
                         const StartWorker& start, Processes* processes);

}  // namespace dist

#endif  // DIST_ACTORS_WORKER_H_
