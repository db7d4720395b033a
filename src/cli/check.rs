//! `orgate check`: configuration, mappings with their examples, register; every fault at once.

use std::net::SocketAddr;
use std::path::Path;

use clap::Args;
use jiff::Timestamp;
use rust_embed::Embed;

use crate::app::certificates::{RENEW_BEFORE_S, end};
use crate::cli::table::Table;
use crate::cli::{EXIT_FOUND, EXIT_USAGE};
use crate::clock::Clock;
use crate::config::{self, Certificate, Settings};
use crate::domain::order::Stage;
use crate::domain::rule::Rule;
use crate::gate::stance::RouteStance;
use crate::net::tls::files::readable_by_all;
use crate::rules::table::{Lift, Setting, row};

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Only the table of rules: effects in force, articles, and how many decision cases test each
    #[arg(long)]
    rules: bool,
}

/// The decision tables that test the rules, for their number.
#[derive(Embed)]
#[folder = "tests/data/decisions"]
struct Decisions;

pub(super) async fn run(args: CheckArgs, file: &Path) -> u8 {
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
    if args.rules {
        rules(&settings);
        return 0;
    }
    for route in &settings.mllp {
        let way = (&*route.name, route.listen, route.upstream.clone());
        say_route(way, route.stance.file(), route.mapping.name(), route.mapping.example_count());
    }
    for route in &settings.fhir {
        let way = (&*route.name, route.listen, route.upstream.url());
        say_route(way, route.stance.file(), route.mapping.name(), route.mapping.example_count());
    }
    if let Some(source) = &settings.fhir_source {
        let (url, every) = (&source.reading.base, source.poll.as_secs());
        say!("register.fhir: surgeons and grants of {url}, every {every} s");
    }
    let expired = say_certificates(&settings, Clock::System.now());
    match super::register_figures(&settings).await {
        Ok(figures) => say!("{figures}"),
        Err(text) => {
            say!("{text}");
            return EXIT_FOUND;
        }
    }
    if expired {
        return EXIT_FOUND;
    }
    say!("no faults");
    0
}

/// What is to be done about certificates, keys and the console's address; whether a certificate does not hold.
fn say_certificates(settings: &Settings, now: Timestamp) -> bool {
    let mut bad = false;
    for Certificate { whose, side, files } in settings.certificates() {
        let side = side.as_str();
        if let Some(facts) = files.own() {
            let (file, left_s) = (facts.file.display(), facts.expires_in_s(now));
            let end = end(&facts, left_s);
            if left_s < 0 {
                bad = true;
                say!("{file}: {whose}, {side}: the certificate of {end}, renew it now");
            } else if facts.not_before > now {
                bad = true;
                let from = facts.not_before;
                say!(
                    "{file}: {whose}, {side}: the certificate of {} holds only from {from} on, look at the clock",
                    facts.name
                );
            } else if left_s <= RENEW_BEFORE_S {
                let days = left_s / 86_400;
                say!(
                    "{file}: {whose}, {side}: warning: the certificate of {end}, in {days} days, renew it"
                );
            } else {
                say!("certificate of {whose}, {side}: {end}");
            }
        }
        if let Some(key) = files.key_file()
            && readable_by_all(key) == Some(true)
        {
            let key = key.display();
            say!(
                "{key}: {whose}, {side}: warning: everybody on this machine may read the private key, chmod 600"
            );
        }
    }
    let console = &settings.console;
    if let (Some(listen), None) = (console.listen, &console.tls)
        && !listen.ip().to_canonical().is_loopback()
    {
        say!(
            "console: warning: passwords and patient data cross the network unencrypted at {listen}: write [console.tls], or listen on 127.0.0.1"
        );
    }
    if let Some(server) = settings.register_at.server()
        && let Some(danger) = server.protection().danger()
    {
        say!("register: warning: {server}: {danger}");
    }
    bad
}

fn say_route(
    (name, listen, upstream): (&str, SocketAddr, String),
    stance: &RouteStance,
    mapping: &str,
    examples: usize,
) {
    let enforced = if stance.departments.is_empty() {
        String::new()
    } else {
        format!(" for {}", stance.departments.join(", "))
    };
    let stance = stance.stance.as_str();
    say!(
        "route {name}: {listen} → {upstream}, {stance}{enforced}, mapping {mapping} ({examples} examples hold)"
    );
}

/// Every rule with its effects as configured, whether an emergency lifts it, its articles, and its cases.
fn rules(settings: &Settings) {
    let mut table = Table::new(vec![
        ("rule", 0),
        ("order", 0),
        ("notice", 0),
        ("record", 0),
        ("lifted", 0),
        ("cites", 0),
        ("cases", 0),
    ]);
    for rule in Rule::ALL {
        let row = row(*rule);
        let effect = |stage| match settings.policy.effects.of(*rule, stage) {
            Setting::Block => "block".to_owned(),
            Setting::Flag => "flag".to_owned(),
            Setting::Off => "–".to_owned(),
        };
        let lifted = match row.lift {
            Lift::Yes => "yes",
            Lift::Never => "never",
            Lift::Nothing => "–",
        };
        let cites: Vec<String> = row.cites.iter().map(ToString::to_string).collect();
        let cases = Decisions::get(&format!("{rule}.toml")).map_or(0, |file| {
            String::from_utf8_lossy(&file.data).lines().filter(|line| *line == "[[case]]").count()
        });
        table.row(vec![
            rule.to_string(),
            effect(Stage::Order),
            effect(Stage::Notice),
            effect(Stage::Record),
            lifted.to_owned(),
            cites.join(", "),
            cases.to_string(),
        ]);
    }
    for line in table.lines() {
        say!("{line}");
    }
}
