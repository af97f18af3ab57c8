// The name of a list of tests: equal lists have equal hashes, on all hosts.
#ifndef DIST_ACTORS_COLLECTION_HASH_H_
#define DIST_ACTORS_COLLECTION_HASH_H_

#include <string>

#include "core/model/node_messages.h"

namespace dist {

// SHA-256, in hexadecimal, of ids and groups. Ignores `listed.hash`.
std::string CollectionHash(const CollectionListed& listed);

}  // namespace dist

#endif  // DIST_ACTORS_COLLECTION_HASH_H_
