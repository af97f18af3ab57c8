#!/bin/sh
# Prints a C++ file that defines FUNCTION() -> the bytes of FILE, for each pair.
# Usage: embed.sh HEADER FUNCTION FILE [FUNCTION FILE ...]
set -eu
printf '#include "%s"\n\nnamespace dist {\n' "$1"
shift
while [ $# -gt 0 ]; do
  printf '\nabsl::string_view %s() {\n  static const unsigned char kBytes[] = {\n' "$1"
  od -An -v -tu1 "$2" | sed -e 's/^ *//' -e 's/  */,/g' -e 's/$/,/'
  printf '0};\n  return absl::string_view(reinterpret_cast<const char*>(kBytes), sizeof(kBytes) - 1);\n}\n'
  shift 2
done
printf '\n}  // namespace dist\n'
