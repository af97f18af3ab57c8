"""pytest files as Bazel tests."""

def pytest_test(name, srcs, data = [], args = [], size = "small", **kwargs):
    """Runs pytest on `srcs`; each test function is counted on its own.

    The tests start in the workspace's root: `data` is found under the path it
    has in the repository. --test_filter=EXPR is handed to pytest as -k EXPR.
    """
    native.sh_test(
        name = name,
        size = size,
        srcs = ["//tests:pytest_runner.sh"],
        args = ["$(rootpath %s)" % src for src in srcs] + args,
        data = srcs + data,
        **kwargs
    )
