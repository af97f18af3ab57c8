#!/bin/sh
# Runs pytest on the files it is given, as a Bazel test: see pytest.bzl.
unset PYTEST_ADDOPTS PYTEST_PLUGINS PYTEST_DISABLE_PLUGIN_AUTOLOAD

# Bazel gives a test no home; an empty one of its own serves better than none.
export HOME="${HOME:-${TEST_TMPDIR:-/tmp}}"

# Prints the interpreter that dist itself would take: the first along PATH that
# has pytest.
find_python() {
  old_ifs=$IFS
  IFS=:
  for dir in $PATH; do
    for name in python3 python; do
      if [ -x "$dir/$name" ] &&
        "$dir/$name" -c 'import pytest' >/dev/null 2>&1; then
        IFS=$old_ifs
        printf '%s\n' "$dir/$name"
        return 0
      fi
    done
  done
  IFS=$old_ifs
  return 1
}

if ! python=$(find_python); then
  echo "no python3 with pytest on PATH=$PATH" >&2
  echo "help: apt-get install python3-pytest" >&2
  exit 1
fi

# --test_filter=EXPR picks tests as -k does.
if [ -n "${TESTBRIDGE_TEST_ONLY:-}" ]; then
  set -- -k "$TESTBRIDGE_TEST_ONLY" "$@"
fi
if [ -n "${XML_OUTPUT_FILE:-}" ]; then
  set -- --junitxml="$XML_OUTPUT_FILE" "$@"
fi
# -c: no ini file that happens to lie above the runfiles. -B is not inherited
# by what the tests start, unlike PYTHONDONTWRITEBYTECODE.
# -vv: what an assertion compares and says is shown whole.
exec "$python" -B -m pytest -vv -p no:cacheprovider -c /dev/null \
  --rootdir="$PWD" --basetemp="${TEST_TMPDIR:-/tmp}/t" "$@"
