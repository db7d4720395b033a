//! Arguments → command → exit code.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Under load what one thread frees another has allocated, and the C library's allocator gives back less of it each hour
/// (docs/operations.md has the numbers). SQLite keeps the C library's: to take its place in all of the process hangs where
/// a library before it asks for the time (libfaketime).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    orgate::cli::main()
}
