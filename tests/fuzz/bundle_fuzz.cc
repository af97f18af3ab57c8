// Property: what is read of a bundle's head is printed as it was read, and
// holds nothing that a shell would not take as one word.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "transports/bundle.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto head = dist::ParseBundleHead(bytes);
  if (!head.ok()) return 0;
  if (absl::StrCat("dist-bundle-2\n", head->system, "\n", head->hash, "\n",
                   head->launcher, "\n", head->listing,
                   "\n") != bytes.substr(0, head->bytes)) {
    std::abort();
  }
  for (const std::string& text :
       {head->system, head->hash, head->launcher, head->listing}) {
    if (text.find_first_of("'\"\\$`*?[;&|<>(){}!\n/~#") != text.npos) {
      std::abort();
    }
  }
  return 0;
}
