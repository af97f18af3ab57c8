// The head of a terminal report: what runs where.
#ifndef DIST_CORE_REPORT_HEADER_H_
#define DIST_CORE_REPORT_HEADER_H_

#include <optional>
#include <string>
#include <vector>

#include "core/model/run_event.h"
#include "core/report/page.h"
#include "core/report/reporter.h"

namespace dist {

// Prints pytest's header when the first worker is there; of later workers only
// what differs from those before it (with -v: all).
class Header {
 public:
  Header(const ReportOptions& options, Page& page);

  void On(const RunStarted& event) { started_ = event; }
  void On(const WorkerAnnounced& event);
  void On(const CollectionGrew& event) { grown_ = event; }

  // "2 workers [20000 items]": once, before the first result. Nothing if there
  // was no collection.
  void PrintSize();

  // Whether all workers have collected, so that the size will not change.
  bool IsSizeFinal() const;

 private:
  void PrintHead(const WorkerAnnounced& first);
  void PrintWorker(const WorkerAnnounced& worker);

  const ReportOptions& options_;
  Page& page_;
  RunStarted started_;
  CollectionGrew grown_;
  std::vector<WorkerAnnounced> kinds_;  // One of each kind of worker.
  bool size_printed_ = false;
};

}  // namespace dist

#endif  // DIST_CORE_REPORT_HEADER_H_
