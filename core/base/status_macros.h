// Early return of an absl::Status, and of the status in an absl::StatusOr.
#ifndef DIST_CORE_BASE_STATUS_MACROS_H_
#define DIST_CORE_BASE_STATUS_MACROS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define DIST_RETURN_IF_ERROR(expression)         \
  do {                                           \
    absl::Status dist_status_ = (expression);    \
    if (!dist_status_.ok()) return dist_status_; \
  } while (false)

#define DIST_CONCAT_INNER_(a, b) a##b
#define DIST_CONCAT_(a, b) DIST_CONCAT_INNER_(a, b)

// DIST_ASSIGN_OR_RETURN(const int n, ParseCount(text));
#define DIST_ASSIGN_OR_RETURN(declaration, expression)                  \
  DIST_ASSIGN_OR_RETURN_(DIST_CONCAT_(dist_or_, __LINE__), declaration, \
                         expression)
#define DIST_ASSIGN_OR_RETURN_(temporary, declaration, expression) \
  auto temporary = (expression);                                   \
  if (!temporary.ok()) return temporary.status();                  \
  declaration = *std::move(temporary)

#endif  // DIST_CORE_BASE_STATUS_MACROS_H_
