#include "core/model/version.h"

#include "absl/strings/str_cat.h"

namespace dist {
namespace {

constexpr char kProtocolId[] =
#include "core/model/protocol_id.inc"
    ;

}  // namespace

std::string BuildVersion() { return absl::StrCat(kVersion, "+", kProtocolId); }

}  // namespace dist
