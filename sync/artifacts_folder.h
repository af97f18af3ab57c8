// Where the tests of one node put what is to be kept: $DIST_ARTIFACTS_DIR.
#ifndef DIST_SYNC_ARTIFACTS_FOLDER_H_
#define DIST_SYNC_ARTIFACTS_FOLDER_H_

#include <string>

#include "absl/status/statusor.h"
#include "sync/fd.h"

namespace dist {

// A private folder `artifacts/N` in the cache home, gone with this object. What
// killed nodes have left goes when the next one is made.
class ArtifactsFolder {
 public:
  static absl::StatusOr<ArtifactsFolder> Make(const std::string& cache_home);
  ArtifactsFolder(ArtifactsFolder&&) = default;
  ArtifactsFolder& operator=(ArtifactsFolder&&) = delete;
  ~ArtifactsFolder();

  const std::string& path() const { return path_; }

  // Names what processes have left that died in a test: in a worker's folder,
  // ".kept-PID" becomes what ".name-PID" says. To be called when the workers
  // are gone. Names that are none are not taken: tests can write them.
  static void NameRemains(const std::string& path);

 private:
  ArtifactsFolder() = default;

  Fd all_;
  Fd folder_;  // Locked as long as it is used.
  std::string name_;
  std::string path_;
};

}  // namespace dist

#endif  // DIST_SYNC_ARTIFACTS_FOLDER_H_
