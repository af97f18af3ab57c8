// A terminal that knows just what reporters may use: lines, carriage return,
// cursor up, clear to the end. Anything else fails the test.
#ifndef DIST_TESTS_CORE_REPORT_SCREEN_H_
#define DIST_TESTS_CORE_REPORT_SCREEN_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "core/report/reporter.h"

namespace dist {

class Screen : public ReportSink {
 public:
  explicit Screen(size_t columns) : columns_(columns) {}

  void Write(absl::string_view bytes) override {
    while (!bytes.empty()) bytes.remove_prefix(Take(bytes));
  }

  void Clear() {
    lines_ = {""};
    row_ = column_ = 0;
    wrapped_ = false;
  }

  std::string Text() const {
    std::string text = lines_[0];
    for (size_t i = 1; i < lines_.size(); ++i) text += "\n" + lines_[i];
    return text;
  }
  size_t rows() const { return lines_.size(); }
  bool wrapped() const { return wrapped_; }

 private:
  size_t Take(absl::string_view bytes) {
    if (bytes[0] == '\r') {
      column_ = 0;
    } else if (bytes[0] == '\n') {
      column_ = 0;
      if (++row_ == lines_.size()) lines_.emplace_back();
    } else if (bytes[0] == '\x1b') {
      return Escape(bytes);
    } else {
      Put(bytes[0]);
    }
    return 1;
  }

  size_t Escape(absl::string_view bytes) {
    const size_t end = bytes.find_first_of("AJ");
    if (bytes.substr(0, 2) != "\x1b[" || end == bytes.npos) {
      ADD_FAILURE() << "unknown escape";
      return 1;
    }
    if (bytes[end] == 'A') {
      const size_t up = std::atoi(std::string(bytes.substr(2)).c_str());
      EXPECT_GE(row_, up);
      row_ -= std::min(up, row_);
    } else {
      lines_.resize(row_ + 1);
      lines_[row_].resize(std::min(lines_[row_].size(), column_));
    }
    return end + 1;
  }

  void Put(char c) {
    std::string& line = lines_[row_];
    line.resize(std::max(line.size(), column_ + 1), ' ');
    line[column_++] = c;
    if (column_ > columns_) wrapped_ = true;
  }

  const size_t columns_;
  std::vector<std::string> lines_ = {""};
  size_t row_ = 0;
  size_t column_ = 0;
  bool wrapped_ = false;
};

}  // namespace dist

#endif  // DIST_TESTS_CORE_REPORT_SCREEN_H_
