#!/usr/bin/env python3
"""Packs a program, its shared libraries and their loader into one file.

Usage: make_bundle.py [--sysroot DIR] [--strip CMD] --launcher FILE PROGRAM OUT
       make_bundle.py [--sysroot DIR] [--strip CMD] --verb WORD PROGRAM OUT

The file is described in docs/bundle.md. The same input gives the same bytes:
its hash is its version. With --verb it is a shell script that unpacks itself
into the cache folder and runs the program with that word before its arguments.
"""

import argparse
import gzip
import hashlib
import io
import os
import re
import subprocess
import sys
import tempfile

MAGIC = "dist-bundle-2"
# e_machine of an ELF header, and what `uname -m` says on such a machine.
MACHINES = {3: "i686", 40: "armv7l", 62: "x86_64", 183: "aarch64", 243: "riscv64",
            22: "s390x", 21: "ppc64le"}
# What goes unquoted through the script that unpacks it.
SAFE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")

# Needs nothing but a POSIX shell, gzip, tail, dd and sha256sum, which busybox has.
SCRIPT = """\
#!/bin/sh
# dist {verb} for {system} with all it needs; it unpacks itself on first use.
set -e
fail() {{ echo "dist: $1" >&2; echo "help: $2" >&2; exit 4; }}
[ "$(uname -sm)" = '{system}' ] ||
  fail "this is for {system}, here is $(uname -sm)" 'build it on such a machine'
cache=${{XDG_CACHE_HOME:-${{HOME:-}}/.cache}}
case $cache in /.cache | [!/]*) fail 'there is no cache folder' 'set HOME or XDG_CACHE_HOME' ;; esac
into=$cache/dist/{verb}/{digest}
if [ ! -x "$into/dist" ]; then
  before=$(umask)
  umask 077
  mkdir -p "${{into%/*}}"
  half=$(mktemp -d "${{into%/*}}/t.XXXXXX")
  trap 'rm -rf "$half"' EXIT
  tail -c +{begin} "$0" | gzip -dc | (
    cd "$half"
    set -- {listing}
    while [ $# -gt 0 ]; do
      dd bs="$1" count=1 iflag=fullblock of="$2" 2>/dev/null
      shift 2
    done
    chmod 700 *
  )
  found=$(cd "$half" && (echo '{listing}'; cat {names}) | sha256sum)
  [ "${{found%% *}}" = {digest} ] || fail 'this file is damaged' 'copy it again'
  mv "$half" "$into" 2>/dev/null || [ -x "$into/dist" ] ||
    fail "cannot write $into" 'make that folder writable'
  umask "$before"
fi
exec "$into/{loader}" --library-path "$into" --argv0 dist "$into/dist" {verb} "$@"
"""


def machine(path):
    """What `uname -m` says where `path` runs."""
    with open(path, "rb") as file:
        header = file.read(20)
    if header[:4] != b"\x7fELF":
        sys.exit(f"{path}: not an ELF file")
    order = "little" if header[5] == 1 else "big"
    number = int.from_bytes(header[18:20], order)
    if number not in MACHINES:
        sys.exit(f"{path}: ELF machine {number} has no name here")
    return MACHINES[number]


def needs(path):
    """(names of needed libraries, the loader's name or "")."""
    out = subprocess.run(["readelf", "-W", "-d", "-l", path], check=True,
                         env={**os.environ, "LC_ALL": "C"},
                         stdout=subprocess.PIPE).stdout.decode()
    loader = re.search(r"program interpreter: ([^\]]+)\]", out)
    return (re.findall(r"\(NEEDED\)[^[]*\[([^\]]+)\]", out),
            os.path.basename(loader[1]) if loader else "")


def library_folders(sysroot, arch):
    """Where Debian and others keep libraries of that machine."""
    for folder in (f"lib/{arch}-linux-gnu", f"usr/lib/{arch}-linux-gnu", "lib64",
                   "usr/lib64", "lib", "usr/lib"):
        yield os.path.join(sysroot, folder)


def closure(program, sysroot):
    """[paths]: the loader, then all libraries by name."""
    arch = machine(program)
    _, loader = needs(program)
    if not loader:
        sys.exit(f"{program}: is not linked dynamically")
    found, wanted = {}, [loader, *needs(program)[0]]
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        for folder in library_folders(sysroot, arch):
            path = os.path.join(folder, name)
            # A library of another machine may have the same name.
            if os.path.exists(path) and machine(path) == arch:
                break
        else:
            sys.exit(f"{program}: {name} is not under {sysroot}")
        found[name] = path
        wanted += needs(path)[0]
    first = found.pop(loader)
    return [first, *(found[name] for name in sorted(found))]


def stripped(path, tool):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out")
        subprocess.run([tool, "--strip-unneeded", "-o", out, path], check=True)
        with open(out, "rb") as file:
            return file.read()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def script(verb, system, digest, listing, begin):
    words = listing.split()
    return SCRIPT.format(verb=verb, system=system, digest=digest, listing=listing.strip(),
                         names=" ".join(words[1::2]), loader=words[1], begin=begin).encode()


def pack(program, sysroot, tool, launcher=None, verb=None):
    loader, *libraries = closure(program, sysroot)
    files = [(os.path.basename(loader), stripped(loader, tool)),
             ("dist", stripped(program, tool))]
    files += [(os.path.basename(path), stripped(path, tool)) for path in libraries]
    if launcher:
        if needs(launcher) != ([], "") or machine(launcher) != machine(program):
            sys.exit(f"{launcher}: is not linked statically for {machine(program)}")
        files.insert(0, ("launcher", stripped(launcher, tool)))
    for name, _ in files:
        if not SAFE.match(name):
            sys.exit(f"{name}: not a name that a bundle may hold")
    listing = " ".join(f"{len(data)} {name}" for name, data in files) + "\n"
    content = b"".join(data for _, data in files)
    digest = sha256(listing.encode() + content)
    packed = io.BytesIO()
    # Level 6: 9 takes twice the time for 1 % less.
    with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=packed,
                       mtime=0) as out:
        out.write(content)
    system = f"Linux {machine(program)}"
    if verb:
        # tail counts from 1; the number has as many digits in both.
        size = len(script(verb, system, digest, listing, 1000))
        head = script(verb, system, digest, listing, size + 1)
        assert len(head) == size
    else:
        head = f"{MAGIC}\n{system}\n{digest}\n{sha256(files[0][1])}\n{listing}".encode()
    return head + packed.getvalue()


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--sysroot", default="/", help="where its libraries are")
    parser.add_argument("--strip", default="strip", help="strip of that machine")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--launcher", help="what a host executes first")
    kind.add_argument("--verb", help="make a script that runs the program so")
    parser.add_argument("program")
    parser.add_argument("out")
    args = parser.parse_args(argv)
    data = pack(args.program, args.sysroot, args.strip, args.launcher, args.verb)
    with open(args.out, "wb") as file:
        file.write(data)


if __name__ == "__main__":
    main(sys.argv[1:])
