// The lines of a terminal report that stay: clean, coloured, in order.
#ifndef DIST_CORE_REPORT_PAGE_H_
#define DIST_CORE_REPORT_PAGE_H_

#include <functional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "core/report/reporter.h"

namespace dist {

// Colours as pytest uses them: parameters of SGR sequences.
struct Colour {
  static constexpr absl::string_view kNone = "";
  static constexpr absl::string_view kRed = "\x1b[31m";
  static constexpr absl::string_view kGreen = "\x1b[32m";
  static constexpr absl::string_view kYellow = "\x1b[33m";
  static constexpr absl::string_view kCyan = "\x1b[36m";
  static constexpr absl::string_view kBold = "\x1b[1m";
  static constexpr absl::string_view kBoldRed = "\x1b[31m\x1b[1m";
  static constexpr absl::string_view kBoldGreen = "\x1b[32m\x1b[1m";
  static constexpr absl::string_view kBoldCyan = "\x1b[36m\x1b[1m";
};

class Page {
 public:
  // `before_write` is called before anything is written: whatever is not
  // permanent has to go from the screen then.
  Page(const ReportOptions& options, ReportSink& out,
       std::function<void()> before_write);

  // Columns that lines are laid out for: as pytest, 80 when the terminal is
  // narrower than 40 or does not say.
  size_t width() const { return width_; }
  void Resize(size_t columns);

  // `text` in `colour`, if there are colours at all.
  std::string Paint(absl::string_view text, absl::string_view colour) const;

  // Text of several lines from elsewhere, with its own colours if wanted.
  std::string Clean(absl::string_view text) const;

  // Part of a line that takes `columns`; `text` is clean and without \n.
  void Write(absl::string_view text, size_t columns);

  // Clean lines, each begun on a line of its own.
  void Line(absl::string_view text = "");
  void Sep(char fill, absl::string_view title,
           absl::string_view colour = Colour::kNone);

  // Ends a line that Write() began, if any.
  void EndLine();

  // Columns used of the line that Write() began.
  size_t column() const { return column_; }

 private:
  void Emit(absl::string_view bytes);

  ReportSink& out_;
  std::function<void()> before_write_;
  const bool color_;
  const bool ci_;
  size_t width_ = 80;
  size_t column_ = 0;
};

}  // namespace dist

#endif  // DIST_CORE_REPORT_PAGE_H_
