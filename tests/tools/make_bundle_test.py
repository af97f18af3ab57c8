"""tools/make_bundle.py, with programs that any machine has."""

import gzip
import hashlib
import subprocess
import sys

TOOL = "tools/make_bundle.py"
LAUNCHER = "transports/launcher_static"


def make(out, *words):
    return subprocess.run([sys.executable, TOOL, *map(str, words), "/bin/true", str(out)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_bundle_is_what_it_says(tmp_path):
    assert make(tmp_path / "a", "--launcher", LAUNCHER).returncode == 0
    data = (tmp_path / "a").read_bytes()
    magic, system, digest, launcher, listing, packed = data.split(b"\n", 5)
    contents = gzip.decompress(packed)
    words = listing.decode().split()
    sizes = list(map(int, words[::2]))
    assert (magic, system.split()[0]) == (b"dist-bundle-2", b"Linux")
    assert words[1] == "launcher" and words[3].startswith("ld-") and words[5] == "dist"
    assert sum(sizes) == len(contents)
    assert hashlib.sha256(contents[:sizes[0]]).hexdigest().encode() == launcher
    assert hashlib.sha256(listing + b"\n" + contents).hexdigest().encode() == digest


def test_the_same_input_gives_the_same_bytes(tmp_path):
    for name in "ab":
        assert make(tmp_path / name, "--launcher", LAUNCHER).returncode == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_launcher_that_needs_libraries_is_refused(tmp_path):
    made = make(tmp_path / "a", "--launcher", "/bin/true")
    assert (made.returncode, made.stdout) == (1, "")
    assert made.stderr.startswith("/bin/true: is not linked statically for ")
    assert not (tmp_path / "a").exists()


def test_libraries_that_are_missing_are_named(tmp_path):
    made = make(tmp_path / "a", "--launcher", LAUNCHER, "--sysroot", tmp_path)
    assert made.returncode == 1
    assert made.stderr.startswith("/bin/true: ") and f"is not under {tmp_path}" in made.stderr


def test_it_is_either_a_bundle_or_a_script(tmp_path):
    assert make(tmp_path / "a").returncode == 2
    assert make(tmp_path / "a", "--launcher", LAUNCHER, "--verb", "serve").returncode == 2
