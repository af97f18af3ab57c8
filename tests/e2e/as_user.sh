#!/bin/sh
# Runs a command as an ordinary user, made for that. It starts in a copy of this
# folder, since root's may be closed to others. Who is not root is one already.
# Tests that need root are left out (conftest.py): they run in the targets that
# this one repeats.
set -eu
export DIST_AS_USER=1
[ "$(id -u)" = 0 ] || exec "$@"

name=distu$$
folder=$(mktemp -d /tmp/dist_user.XXXXXX)
uid=
clean_up() {
  /usr/sbin/userdel -f "$name" 2>/dev/null || true
  [ -z "$uid" ] || rm -rf "/var/tmp/dist-$uid" "/dev/shm/dist-$uid"
  rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

/usr/sbin/useradd -M -U -d "$folder/home" -s /bin/sh -p '*' "$name"
uid=$(id -u "$name")
mkdir "$folder/home" "$folder/tmp"
cp -RL . "$folder/tree"
chmod 755 "$folder"
chown -R "$name:" "$folder/home" "$folder/tmp"
report=${XML_OUTPUT_FILE:-$folder/report}
status=0
(
  cd "$folder/tree"
  export HOME="$folder/home" USER="$name" LOGNAME="$name"
  export TEST_TMPDIR="$folder/tmp" XML_OUTPUT_FILE="$folder/tmp/report.xml"
  exec setpriv --reuid "$name" --regid "$name" --clear-groups "$@"
) || status=$?
cp "$folder/tmp/report.xml" "$report" 2>/dev/null || true
exit "$status"
