#include "core/report/page.h"

#include "absl/strings/str_cat.h"
#include "core/report/text.h"

namespace dist {
namespace {

constexpr size_t kNarrowest = 40;
constexpr size_t kUsual = 80;

}  // namespace

Page::Page(const ReportOptions& options, ReportSink& out,
           std::function<void()> before_write)
    : out_(out),
      before_write_(std::move(before_write)),
      color_(options.color),
      ci_(options.ci) {
  Resize(options.columns);
}

void Page::Resize(size_t columns) {
  width_ = columns < kNarrowest ? kUsual : columns;
}

std::string Page::Paint(absl::string_view text,
                        absl::string_view colour) const {
  if (!color_ || colour.empty()) return std::string(text);
  return absl::StrCat(colour, text, "\x1b[0m");
}

std::string Page::Clean(absl::string_view text) const {
  return Sanitize(text, color_ ? Sgr::kKeep : Sgr::kDrop);
}

void Page::Write(absl::string_view text, size_t columns) {
  Emit(text);
  column_ += columns;
}

void Page::Line(absl::string_view text) {
  EndLine();
  Emit(absl::StrCat(ci_ ? NeutralizeCi(text) : text, "\n"));
}

void Page::Sep(char fill, absl::string_view title, absl::string_view colour) {
  Line(Paint(SepLine(fill, title, width_), colour));
}

void Page::EndLine() {
  if (column_ == 0) return;
  Emit("\n");
  column_ = 0;
}

void Page::Emit(absl::string_view bytes) {
  before_write_();
  out_.Write(bytes);
}

}  // namespace dist
