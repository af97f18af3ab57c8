// Which dist this is.
#ifndef DIST_CORE_MODEL_VERSION_H_
#define DIST_CORE_MODEL_VERSION_H_

#include <string>

namespace dist {

inline constexpr char kVersion[] = "0.1.0";

// "0.1.0+0123456789ab": the version, and a hash of what messages and frames
// are made of. Builds that say the same understand each other.
std::string BuildVersion();

}  // namespace dist

#endif  // DIST_CORE_MODEL_VERSION_H_
