#include "cli/node_verb.h"

#include <openssl/evp.h>
#include <stdio.h>

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "actors/node.h"
#include "transports/serve/node_end.h"
#include "transports/stdio.h"

namespace dist {
namespace {

// How long a coordinator may take to read a node's last words.
constexpr absl::Duration kDrain = absl::Seconds(1);

int ServeStdio() {
  absl::StatusOr<StdioSocket> link = StdioSocket::Take();
  if (!link.ok()) {
    fprintf(stderr, "dist: %s\n", std::string(link.status().message()).c_str());
    return 3;
  }
  const int status = RunNode(link->fd());
  link->Drain(kDrain);
  return status;
}

int ServeServed() {
  absl::StatusOr<LinkSocket> link = TakeServedLink();
  if (!link.ok()) {
    fprintf(stderr, "dist: %s\n", std::string(link.status().message()).c_str());
    return 3;
  }
  return RunNode(*std::move(link));
}

int HashStdin() {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestInit_ex(context, EVP_sha256(), nullptr);
  std::vector<char> buffer(1 << 16);
  size_t n = 0;
  while ((n = fread(buffer.data(), 1, buffer.size(), stdin)) > 0) {
    EVP_DigestUpdate(context, buffer.data(), n);
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_DigestFinal_ex(context, digest, &size);
  EVP_MD_CTX_free(context);
  if (ferror(stdin)) return 1;
  printf("%s  -\n",
         absl::BytesToHexString({reinterpret_cast<const char*>(digest), size})
             .c_str());
  return 0;
}

}  // namespace

int NodeVerb(const std::vector<std::string>& args) {
  if (args.size() != 2 || args[0] != "node") return kNotTheNodeVerb;
  if (args[1] == "--stdio") return ServeStdio();
  if (args[1] == "--served") return ServeServed();
  if (args[1] == "--hash") return HashStdin();
  return kNotTheNodeVerb;
}

}  // namespace dist
