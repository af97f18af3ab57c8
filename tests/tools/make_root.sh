#!/bin/sh
# Makes a root that exec=chroot can enter, unless it is there already, and
# prints its path. Usage: make_root.sh busybox|SUITE
#
# SUITE is a release of Debian (bullseye, trixie), with pytest, from the mirror
# that this machine uses or $DIST_TEST_MIRROR. busybox: nothing but that. Roots
# are kept in $DIST_TEST_ROOTS, by default /var/cache/dist-test-roots, outside
# the tree. Needs root. What is missing is said on stderr; the exit status is
# then 77.
set -eu
PATH=$PATH:/usr/sbin:/sbin

name=$1
roots=${DIST_TEST_ROOTS:-/var/cache/dist-test-roots}
mirror=${DIST_TEST_MIRROR:-http://deb.debian.org/debian}
root=$roots/$name

skip() {
  printf 'no root %s: %s\n' "$name" "$*" >&2
  exit 77
}

if [ -e "$root/.ready" ]; then
  printf '%s\n' "$root"
  exit 0
fi
[ "$(id -u)" = 0 ] || skip 'needs root'
mkdir -p "$roots" 2>/dev/null || skip "cannot make $roots"
# Half of one must never be taken for one.
new=$(mktemp -d "$roots/.$name.XXXXXX") || skip "cannot write to $roots"
trap 'rm -rf "$new"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$new"

if [ "$name" = busybox ]; then
  busybox=$(command -v busybox) || skip 'busybox-static is missing'
  mkdir -p "$new/bin" "$new/tmp" "$new/var/tmp" "$new/dev" "$new/home" \
    "$new/proc"
  chmod 1777 "$new/tmp" "$new/var/tmp"
  cp "$busybox" "$new/bin/busybox"
  chroot "$new" /bin/busybox --install /bin || skip 'busybox does not run'
else
  command -v debootstrap >/dev/null || skip 'debootstrap is missing'
  debootstrap --variant=minbase --include=python3-pytest "$name" "$new" \
    "$mirror" >"$roots/$name.log" 2>&1 || skip "see $roots/$name.log"
  rm -rf "$new/var/cache/apt" "$new/var/lib/apt/lists" "$new/usr/share/doc"
fi
for device in 'null 1 3' 'zero 1 5' 'urandom 1 9'; do
  # shellcheck disable=SC2086
  set -- $device
  [ -e "$new/dev/$1" ] || mknod -m 666 "$new/dev/$1" c "$2" "$3" ||
    skip 'cannot make devices'
done
: >"$new/.ready"
mv "$new" "$root" 2>/dev/null || true
trap - EXIT
[ -e "$root/.ready" ] || skip "cannot make $root"
printf '%s\n' "$root"
