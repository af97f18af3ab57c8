// The one place that knows which CAF this is.
#ifndef DIST_ACTORS_PROTOCOL_CAF_COMPAT_H_
#define DIST_ACTORS_PROTOCOL_CAF_COMPAT_H_

#include <caf/config.hpp>

// Not CAF_VERSION: CAF 1.1.0 defines it as 0100, which is less than 1800.
// CAF_VERSION_MAJOR exists from 1.0 on.
#ifdef CAF_VERSION_MAJOR
#error "written for CAF 0.17; see docs/design/caf.md for what 1.x needs"
#endif

#endif  // DIST_ACTORS_PROTOCOL_CAF_COMPAT_H_
