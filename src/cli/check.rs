//! `orgate check`: configuration, mappings with their examples, register; every fault at once.

use std::path::Path;

use clap::Args;

use crate::cli::settings;

#[derive(Debug, Args)]
pub(super) struct CheckArgs {}

pub(super) async fn run(_: CheckArgs, file: &Path) -> u8 {
    let settings = match settings(file) {
        Ok(settings) => settings,
        Err(code) => return code,
    };
    for route in &settings.mllp {
        let enforced = if route.stance.departments.is_empty() {
            String::new()
        } else {
            format!(" for {}", route.stance.departments.join(", "))
        };
        println!(
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
        Ok(figures) => println!("{figures}"),
        Err(text) => {
            eprintln!("{text}");
            return super::EXIT_FOUND;
        }
    }
    println!("no faults");
    0
}
