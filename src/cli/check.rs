//! `orgate check`: configuration, mappings with their examples, register; every fault at once.

use std::path::Path;

use clap::Args;

use crate::cli::{EXIT_FOUND, EXIT_USAGE};
use crate::config;

#[derive(Debug, Args)]
pub(super) struct CheckArgs {}

pub(super) async fn run(_: CheckArgs, file: &Path) -> u8 {
    // What is wrong is what was asked for: a result, not a log.
    let settings = match config::load(file) {
        Ok(settings) => settings,
        Err(faults) => {
            for fault in &faults.0 {
                say!("{fault}");
            }
            say!("{} fault(s)", faults.0.len());
            return EXIT_USAGE;
        }
    };
    for route in &settings.mllp {
        let enforced = if route.stance.departments.is_empty() {
            String::new()
        } else {
            format!(" for {}", route.stance.departments.join(", "))
        };
        say!(
            "route {}: {} → {}, {}{enforced}, mapping {} ({} examples hold)",
            route.name,
            route.listen,
            route.upstream,
            route.stance.stance.as_str(),
            route.mapping.name(),
            route.mapping.example_count()
        );
    }
    match super::register_figures(&settings).await {
        Ok(figures) => say!("{figures}"),
        Err(text) => {
            say!("{text}");
            return EXIT_FOUND;
        }
    }
    say!("no faults");
    0
}
