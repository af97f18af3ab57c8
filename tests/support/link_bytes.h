// What a link session has to say, as one string.
#ifndef DIST_TESTS_SUPPORT_LINK_BYTES_H_
#define DIST_TESTS_SUPPORT_LINK_BYTES_H_

#include <string>

#include "core/wire/link_output.h"
#include "core/wire/link_session.h"

namespace dist {

inline void TakeBytes(LinkSession* session, size_t limit, std::string* bytes) {
  LinkOutput output;
  session->TakeOutput(limit, &output);
  for (size_t i = 0; i < output.pieces(); ++i) {
    bytes->append(output.piece(i).data(), output.piece(i).size());
  }
}

}  // namespace dist

#endif  // DIST_TESTS_SUPPORT_LINK_BYTES_H_
