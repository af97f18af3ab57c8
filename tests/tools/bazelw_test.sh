#!/bin/bash
# What ./bazelw does about missing packages. dpkg-query, apt-get, id and bazel
# are fakes on a PATH of their own; the fakes write down how they were called.
set -u

bazelw=$PWD/bazelw
root=$TEST_TMPDIR
failures=0

# A fresh PATH with nothing but the fakes and four harmless tools.
set_up() {
  bin=$root/$1
  log=$bin/log
  mkdir -p "$bin"
  : >"$log"
  for tool in mktemp rm sh tail; do
    ln -s "$(command -v "$tool")" "$bin/$tool"
  done
  # "Installed" is what stands in this file.
  grep -hv '^#' tools/packages.txt tools/packages-test.txt | grep . \
    >"$bin/installed"
  fake bazel 'echo "bazel $*" >>"$log"; echo "out of bazel"; exit 42'
  fake id 'echo 0'
  fake dpkg-query '
    echo dpkg-query >>"$log"
    status=0
    for name; do
      case $name in -* | *\{*) continue ;; esac
      if /bin/grep -qx "$name" "$bin/installed"; then
        echo "$name installed"
      else
        echo "dpkg-query: no packages found matching $name" >&2
        status=1
      fi
    done
    exit $status'
  fake apt-get '
    read -r answer && echo "read $answer" >>"$log"
    echo "noise of apt"
    echo "apt-get $DEBIAN_FRONTEND $*" >>"$log"
    install=
    for word; do
      case $word in
        update) : >"$bin/updated" ;;
        install) install=yes ;;
        -*) ;;
        *) [ -z "$install" ] || echo "$word" >>"$bin/installed" ;;
      esac
    done
    exit 0'
}

fake() {
  printf '#!/bin/sh\nbin=%s log=%s\n%s\n' "$bin" "$log" "$2" >"$bin/$1"
  chmod +x "$bin/$1"
}

forget() { sed -i "/^$1\$/d" "$bin/installed"; }

run() {
  out=$(PATH=$bin "$bazelw" "$@" 2>"$bin/stderr" </dev/zero)
  status=$?
  err=$(cat "$bin/stderr")
}

# expect WHAT ACTUAL PATTERN: a glob over the whole of ACTUAL.
expect() {
  # shellcheck disable=SC2053  # The pattern is meant to be one.
  if [[ $2 != $3 ]]; then
    printf 'FAIL %s: %s\n  is:     %s\n  wanted: %s\n' "$case_name" "$1" "$2" "$3"
    failures=$((failures + 1))
  fi
}

count() { grep -c -- "$1" "$log"; }

check() {
  case_name=$1
  set_up "$1"
  "$1"
}

does_nothing_when_all_is_installed() {
  run test //... --config=x 'a b'
  expect status "$status" 42
  expect stdout "$out" 'out of bazel'
  expect stderr "$err" ''
  expect calls "$(cat "$log")" $'dpkg-query\nbazel test //... --config=x a b'
}

hands_arguments_on_unsplit() {
  fake bazel 'for arg; do echo "<$arg>"; done'
  run run //cli:dist -- 'a b' '' '*'
  expect stdout "$out" $'<run>\n<//cli:dist>\n<-->\n<a b>\n<>\n<\*>'
}

installs_what_is_missing_as_root() {
  forget libcaf-dev
  forget g++
  run build //...
  expect status "$status" 42
  expect stdout "$out" 'out of bazel'
  expect stderr "$err" 'bazelw: installing* g++* libcaf-dev*'
  expect 'asks nothing' "$(count '^read')" 0
  expect 'one call' "$(count '^apt-get')" 1
  expect call "$(grep '^apt-get' "$log")" \
    'apt-get noninteractive * -y *install --no-install-recommends g++ libcaf-dev'
  run build //...
  expect 'is not installed again' "$(count '^apt-get')" 1
}

fetches_lists_once_when_they_are_stale() {
  forget g++
  fake apt-get '
    echo "apt-get $*" >>"$log"
    case "$*" in
      *update*) : >"$bin/updated" ;;
      *) [ -e "$bin/updated" ] ;;
    esac'
  run build //...
  expect status "$status" 42
  expect calls "$(sed -n 's/^apt-get .*\(update\|install\).*/\1/p' "$log")" \
    $'install\nupdate\ninstall'
}

says_why_when_apt_fails() {
  forget g++
  fake apt-get 'echo "E: no such mirror" >&2; exit 100'
  run build //...
  expect status "$status" 1
  expect stderr "$err" '*E: no such mirror*could not install g++'
  expect 'bazel is not run' "$(count '^bazel')" 0
}

names_what_is_missing_to_others() {
  fake id 'echo 1000'
  forget libcaf-dev
  forget libssl-dev
  run build //...
  expect status "$status" 1
  expect stderr "$err" '*missing: libcaf-dev libssl-dev
*help: apt-get install --no-install-recommends libcaf-dev libssl-dev'
  expect 'nothing is run' "$(cat "$log")" dpkg-query
}

wants_test_packages_for_tests_only() {
  fake id 'echo 1000'
  forget libgtest-dev
  run build //test
  expect 'build goes on' "$status" 42
  run run //cli:dist -- test
  expect 'run goes on' "$status" 42
  run test //...
  expect test "$status" 1
  expect stderr "$err" '*libgtest-dev*'
  run --output_base=/x --output_user_root /y test //...
  expect 'test after startup options' "$status" 1
}

goes_on_without_dpkg() {
  rm "$bin/dpkg-query"
  run build //...
  expect status "$status" 42
  expect stderr "$err" '*not a Debian system*g++*libcaf-dev*'
  rm "$bin/bazel"
  run build //...
  expect 'status without bazel' "$status" 1
  expect 'stderr without bazel' "$err" '*no bazel on PATH*help:*'
}

works_from_another_directory() {
  fake bazel 'pwd'
  cd "$root" || exit 1
  run info
  expect cwd "$out" "$root"
  cd - >/dev/null || exit 1
}

check does_nothing_when_all_is_installed
check hands_arguments_on_unsplit
check installs_what_is_missing_as_root
check fetches_lists_once_when_they_are_stale
check says_why_when_apt_fails
check names_what_is_missing_to_others
check wants_test_packages_for_tests_only
check goes_on_without_dpkg
check works_from_another_directory

if [ "$failures" != 0 ]; then
  echo "$failures checks failed"
  exit 1
fi
