// Writing one content: bytes in, a file with the right hash out, or none.
#ifndef DIST_SYNC_CONTENT_FILE_H_
#define DIST_SYNC_CONTENT_FILE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/manifest/manifest.h"
#include "sync/fd.h"
#include "sync/scan.h"

namespace dist {

class ContentFile {
 public:
  ContentFile() = default;
  ContentFile(ContentFile&&) = default;
  ContentFile& operator=(ContentFile&&) = default;

  // Creates `name`, which must not exist, in `folder`.
  static absl::StatusOr<ContentFile> Create(int folder,
                                            const std::string& name);

  // Runs of zeros become holes.
  absl::Status Write(absl::string_view bytes);

  // Sets the entry's mode and time. Errors: DataLoss if size or digest are not
  // the entry's; the file is to be removed then, as after every other error.
  absl::StatusOr<FileFacts> Finish(const Entry& entry);

  uint64_t size() const { return size_; }

 private:
  Fd fd_;
  uint64_t size_ = 0;
  std::unique_ptr<Hasher> hasher_;
  std::string name_;
};

// Makes `name` in `folder` a copy of the content in `from`, with the entry's
// mode and time. Errors: as of Finish(); then there is no such file.
absl::StatusOr<FileFacts> CopyContent(int from, int folder,
                                      const std::string& name,
                                      const Entry& entry);

// The digest of what can be read from `fd`. Nothing if it cannot, or is not
// `size` bytes.
absl::StatusOr<Digest> DigestOfFile(int fd, uint64_t size);

// Sets mode and time of a file.
absl::Status SetModeAndTime(int fd, const Entry& entry);

}  // namespace dist

#endif  // DIST_SYNC_CONTENT_FILE_H_
