// Debian's CAF is not compiled for ThreadSanitizer, which therefore does not
// see how CAF orders what its threads do, and takes each message for a race.
// Everything with a frame of CAF is left out: --config=tsan checks our threads
// (transports/), not what actors share, which is nothing.
extern "C" const char* __tsan_default_suppressions();

extern "C" const char* __tsan_default_suppressions() {
  return "called_from_lib:libcaf_core.so\n"
         "called_from_lib:libcaf_io.so\n"
         "race:libcaf_core.so\n"
         "race:libcaf_io.so\n"
         "race:caf::\n";
}
