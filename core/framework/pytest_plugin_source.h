// The Python side of the pytest adapter, embedded in the program by the build.
#ifndef DIST_CORE_FRAMEWORK_PYTEST_PLUGIN_SOURCE_H_
#define DIST_CORE_FRAMEWORK_PYTEST_PLUGIN_SOURCE_H_

#include "absl/strings/string_view.h"

namespace dist {

absl::string_view PytestPluginSource();  // pytest_plugin.py
absl::string_view PytestBootSource();    // pytest_boot.py

}  // namespace dist

#endif  // DIST_CORE_FRAMEWORK_PYTEST_PLUGIN_SOURCE_H_
