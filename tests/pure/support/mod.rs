//! What the pure tests share: a small invented hospital and the dice that make one up.

pub(crate) mod dice;
pub(crate) mod generate;
pub(crate) mod make;
pub(crate) mod world;

use proptest::test_runner::Config;

/// How many cases a property is tried with: `ORGATE_TEST_CASES`, or `usual`.
pub(crate) fn cases(usual: u32) -> Config {
    let wanted = std::env::var("ORGATE_TEST_CASES").ok().and_then(|n| n.parse().ok());
    Config { cases: wanted.unwrap_or(usual), failure_persistence: None, ..Config::default() }
}
