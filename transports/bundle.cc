#include "transports/bundle.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/status_macros.h"

namespace dist {
namespace {

constexpr absl::string_view kMagic = "dist-bundle-2";
constexpr absl::string_view kSuffix = ".bundle";
constexpr size_t kMaxHead = 16 << 10;
constexpr uint64_t kMaxSize = uint64_t{256} << 20;

absl::Status Invalid(absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("not a bundle: ", why));
}

// What may stand unquoted in a script.
bool IsSafeName(absl::string_view name) {
  return !name.empty() && absl::ascii_isalnum(name[0]) &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || strchr("._+-", c) != nullptr;
         });
}

bool IsHash(absl::string_view text) {
  return text.size() == 64 &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
         });
}

absl::Status CheckListing(BundleHead* head) {
  const std::vector<absl::string_view> words =
      absl::StrSplit(head->listing, ' ');
  if (words.size() < 6 || words.size() % 2 != 0) return Invalid("its listing");
  for (size_t i = 0; i < words.size(); i += 2) {
    uint64_t size = 0;
    if (!absl::SimpleAtoi(words[i], &size) || size == 0 || size > kMaxSize ||
        absl::StrCat(size) != words[i] || !IsSafeName(words[i + 1])) {
      return Invalid("its listing");
    }
    head->size += size;
  }
  return head->size > kMaxSize ? Invalid("too large") : absl::OkStatus();
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) {
    return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  }
  return bytes;
}

absl::StatusOr<Bundle> ReadHead(const std::string& path,
                                absl::string_view platform) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(kMaxHead, '\0');
  file.read(&bytes[0], bytes.size());
  bytes.resize(file.gcount());
  absl::StatusOr<BundleHead> head = ParseBundleHead(bytes);
  struct stat info;
  if (!head.ok() || stat(path.c_str(), &info) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": ", head.status().message(),
                     "\nhelp: tools/make_bundle.py makes bundles; remove this "
                     "file or make it anew"));
  }
  Bundle bundle;
  bundle.platform = std::string(platform);
  bundle.path = path;
  bundle.packed_size = info.st_size - head->bytes;
  bundle.head = *std::move(head);
  return bundle;
}

absl::StatusOr<std::string> ReadPacked(const Bundle& bundle) {
  DIST_ASSIGN_OR_RETURN(std::string bytes, ReadFile(bundle.path));
  const absl::StatusOr<BundleHead> head = ParseBundleHead(bytes);
  if (!head.ok() || head->hash != bundle.head.hash ||
      bytes.size() != bundle.head.bytes + bundle.packed_size) {
    return absl::FailedPreconditionError(absl::StrCat(
        bundle.path, ": has changed\nhelp: run dist again once it is built"));
  }
  return bytes.substr(bundle.head.bytes);
}

absl::StatusOr<std::string> ReadContents(const Bundle& bundle) {
  DIST_ASSIGN_OR_RETURN(std::string packed, ReadPacked(bundle));
  // One byte more than there should be: a longer stream shows.
  std::string contents(bundle.head.size + 1, '\0');
  z_stream stream = {};
  stream.next_in = reinterpret_cast<Bytef*>(&packed[0]);
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(&contents[0]);
  stream.avail_out = static_cast<uInt>(contents.size());
  constexpr int kGzip = 16 + MAX_WBITS;
  const bool whole = inflateInit2(&stream, kGzip) == Z_OK &&
                     inflate(&stream, Z_FINISH) == Z_STREAM_END &&
                     stream.total_out == bundle.head.size;
  inflateEnd(&stream);
  if (!whole) {
    return absl::FailedPreconditionError(
        absl::StrCat(bundle.path, ": its contents are damaged"));
  }
  contents.resize(bundle.head.size);
  return contents;
}

std::string FolderOfProgram() {
  char path[PATH_MAX];
  const ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
  if (n <= 0) return ".";
  const std::string program(path, n);
  return program.substr(0, program.rfind('/'));
}

}  // namespace

absl::StatusOr<BundleHead> ParseBundleHead(absl::string_view bytes) {
  BundleHead head;
  std::string* const fields[] = {nullptr, &head.system, &head.hash,
                                 &head.launcher, &head.listing};
  for (std::string* field : fields) {
    const size_t end = bytes.find('\n', head.bytes);
    if (end == absl::string_view::npos || end > kMaxHead) {
      return Invalid("its head is cut");
    }
    const absl::string_view line = bytes.substr(head.bytes, end - head.bytes);
    head.bytes = end + 1;
    if (field != nullptr) {
      *field = std::string(line);
    } else if (line != kMagic) {
      return Invalid(absl::StrCat("it does not begin with ", kMagic));
    }
  }
  const std::vector<absl::string_view> system =
      absl::StrSplit(head.system, ' ');
  if (system.size() != 2 || !IsSafeName(system[0]) || !IsSafeName(system[1])) {
    return Invalid("its platform");
  }
  if (!IsHash(head.hash) || !IsHash(head.launcher)) return Invalid("its hash");
  DIST_RETURN_IF_ERROR(CheckListing(&head));
  return head;
}

absl::StatusOr<Bundles> Bundles::In(const std::string& folder) {
  Bundles bundles;
  bundles.folder_ = folder;
  DIR* const listing = opendir(folder.c_str());
  if (listing == nullptr) return bundles;
  std::vector<std::string> names;
  while (const dirent* entry = readdir(listing)) {
    if (absl::EndsWith(entry->d_name, kSuffix)) names.push_back(entry->d_name);
  }
  closedir(listing);
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    DIST_ASSIGN_OR_RETURN(Bundle bundle,
                          ReadHead(absl::StrCat(folder, "/", name),
                                   absl::string_view(name).substr(
                                       0, name.size() - kSuffix.size())));
    bundles.all_.push_back(std::move(bundle));
  }
  return bundles;
}

absl::StatusOr<Bundles> Bundles::Installed() {
  const char* folder = getenv("DIST_BUNDLES");
  if (folder != nullptr && *folder != '\0') return In(folder);
  return In(absl::StrCat(FolderOfProgram(), "/bundles"));
}

const Bundle* Bundles::Find(absl::string_view system) const {
  for (const Bundle& bundle : all_) {
    if (bundle.head.system == system) return &bundle;
  }
  return nullptr;
}

absl::StatusOr<std::shared_ptr<const std::string>> ReadPayload(
    const Bundle& bundle, Encoding encoding) {
  static std::mutex mutex;
  static auto& known = *new std::map<std::pair<std::string, Encoding>,
                                     std::weak_ptr<const std::string>>();
  const std::lock_guard<std::mutex> lock(mutex);
  std::weak_ptr<const std::string>& slot = known[{bundle.head.hash, encoding}];
  if (auto shared = slot.lock()) return shared;
  DIST_ASSIGN_OR_RETURN(std::string bytes, encoding == Encoding::kGzip
                                               ? ReadPacked(bundle)
                                               : ReadContents(bundle));
  auto made = std::make_shared<const std::string>(std::move(bytes));
  slot = made;
  return made;
}

}  // namespace dist
