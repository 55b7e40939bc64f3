/** Names of the C library to try, in this order: glibc, then musl; on macOS its own (00 §1). */
export const LIBC_NAMES: readonly string[] =
  process.platform === "linux"
    ? ["libc.so.6", "libc.so", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"]
    : ["libSystem.B.dylib"];
