// Included before every file of core/: the core knows no actor framework and
// no ssh library. Bazel's visibility cannot say this, because both are in
// /usr/include.
#pragma GCC poison caf ssh_session ssh_channel
