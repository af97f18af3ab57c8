// A parent that cleans up after a node that was killed.
#ifndef DIST_TRANSPORTS_WARDEN_H_
#define DIST_TRANSPORTS_WARDEN_H_

namespace dist {

// Goes on in a child. The calling process lets go of stdin, stdout and stderr,
// waits for the child, and ends as it did. A node cleans up itself; but if it
// was killed (out of memory, say), what it had started comes to its warden,
// which kills it: on a host nobody else could. The child dies with its warden.
//
// Call it before any thread is made. If there can be no child, it returns in
// the calling process, which then has no warden.
void StandWarden();

}  // namespace dist

#endif  // DIST_TRANSPORTS_WARDEN_H_
