"""Libraries of the functional core: no actors, no I/O, no clock, no threads."""

PURE_COPTS = [
    "-include",
    "tools/no_caf.h",
]

def pure_library(name, deps = [], copts = [], **kwargs):
    """A cc_library in which the names of the shell's frameworks are poisoned."""
    native.cc_library(
        name = name,
        copts = PURE_COPTS + copts,
        deps = deps + ["//tools:no_caf"],
        **kwargs
    )
