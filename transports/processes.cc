#include "transports/processes.h"

#include <string.h>
#include <sys/wait.h>

#include "absl/strings/str_cat.h"

namespace dist {

std::string DescribeEnd(int wait_status) {
  if (!WIFSIGNALED(wait_status)) {
    return absl::StrCat("exit status ", WEXITSTATUS(wait_status));
  }
  const char* name = sigabbrev_np(WTERMSIG(wait_status));
  return name != nullptr ? absl::StrCat("SIG", name)
                         : absl::StrCat("signal ", WTERMSIG(wait_status));
}

}  // namespace dist
