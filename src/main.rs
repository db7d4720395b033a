//! Arguments → command → exit code.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// What one thread frees another has allocated, and the C library's allocator keeps it for the thread that freed it unless
/// the environment holds it back (docs/operations.md has the numbers). SQLite goes on with the C library's.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    orgate::cli::main()
}
