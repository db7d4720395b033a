//! Arguments → command → exit code.

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

/// What one thread frees another has allocated: the C library's allocator keeps it for the thread that freed it unless the
/// environment holds it back, and others keep more of it (docs/operations.md has the numbers). SQLite allocates here, too.
/// A library that is preloaded and allocates when it is asked for the time (libfaketime) hangs, since jemalloc asks for it
/// before it can give anything.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    orgate::cli::main()
}
