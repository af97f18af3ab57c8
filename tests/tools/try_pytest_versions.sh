#!/bin/sh
# Runs the tests of the pytest plugin with the pytest and Python of other Debian
# releases, in roots that debootstrap makes.
#
# Usage: try_pytest_versions.sh [RELEASE ...]      default: bullseye trixie sid
#
# Needs root, the package debootstrap and a mirror. The roots stay in
# $DIST_ROOTS (default: dist-pytest-roots in the user's cache), so that the next
# time is quick; `rm -r` them when nothing is mounted there.
set -eu

tree=$(cd "$(dirname "$0")/../.." && pwd)
roots=${DIST_ROOTS:-${XDG_CACHE_HOME:-$HOME/.cache}/dist-pytest-roots}
mirror=${DIST_MIRROR:-http://deb.debian.org/debian}
packages="python3-pytest python3-pytest-xdist python3-pytest-cov"
packages="$packages python3-hypothesis python3-pytest-django"

[ "$(id -u)" = 0 ] || { echo "$0: needs root, for debootstrap" >&2; exit 77; }
[ $# -gt 0 ] || set -- bullseye trixie sid

make_root() {
  [ -e "$2/made" ] && return
  rm -rf "$2"
  mkdir -p "$2"
  debootstrap --variant=minbase "$1" "$2" "$mirror" >"$2.log" 2>&1
  cp /etc/apt/apt.conf.d/* "$2/etc/apt/apt.conf.d/" 2>/dev/null || true
  chroot "$2" sh -c "DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
      --no-install-recommends $packages" >>"$2.log" 2>&1
  touch "$2/made"
}

failed=
for release; do
  root=$roots/$release
  make_root "$release" "$root" || { echo "$release: see $root.log" >&2; exit 1; }
  rm -rf "$root/src"
  mkdir -p "$root/src/core" "$root/src/tests/core"
  cp -r "$tree/core/framework" "$root/src/core/"
  cp -r "$tree/tests/core/framework" "$root/src/tests/core/"
  # The namespace takes /proc along when it ends.
  unshare --mount sh -eu -c '
    mount -t proc proc "$1/proc"
    mount --bind /dev "$1/dev"
    chroot "$1" python3 --version
    exec chroot "$1" sh -c "cd /src/tests/core/framework &&
        python3 -m pytest -q -p no:cacheprovider ."
  ' - "$root" || failed="$failed $release"
done
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
