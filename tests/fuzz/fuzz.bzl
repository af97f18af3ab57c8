"""fuzz_target: one property, checked by a test and by libFuzzer."""

def fuzz_target(name, srcs, deps, corpus, size = "small", **kwargs):
    """Declares both builds of a file that defines LLVMFuzzerTestOneInput.

    NAME is a cc_test: every file of the corpus, then 20,000 cheap mutations of
    them, always the same ones. NAME_libfuzzer is the real fuzzer:

        bazel build --config=fuzz //tests/fuzz:NAME_libfuzzer
        bazel-bin/tests/fuzz/NAME_libfuzzer -max_total_time=600 /tmp/new \\
            tests/fuzz/CORPUS

    Args:
      name: of the test.
      srcs: the file with LLVMFuzzerTestOneInput.
      deps: what it calls.
      corpus: the folder of inputs beside the BUILD file, not empty.
      size: of the test.
      **kwargs: for the test.
    """
    native.filegroup(
        name = name + "_corpus",
        srcs = native.glob([corpus + "/**"]),
        testonly = True,
    )
    native.cc_test(
        name = name,
        size = size,
        srcs = srcs + ["//tests/fuzz:replay_main.cc"],
        args = ["$(rootpaths :%s_corpus)" % name],
        data = [":%s_corpus" % name],
        deps = deps,
        **kwargs
    )
    native.cc_binary(
        name = name + "_libfuzzer",
        testonly = True,
        srcs = srcs,
        # --start-lib is gold's; --config=fuzz links with bfd.
        features = ["-supports_start_end_lib"],
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],
        deps = deps,
    )
