//! What is shipped: a program that was built as it should be; in `docker/` configurations without a fault, and names that
//! lead somewhere.

use std::collections::BTreeSet;
use std::process::Command;

use crate::support::gate::{ORGATE, text};
use crate::support::repository;

fn shipped(name: &str) -> String {
    std::fs::read_to_string(repository("docker").join(name)).expect("it is shipped")
}

/// What stands between `before` and the next of `ends`, wherever it does.
fn between<'t>(text: &'t str, before: &str, ends: &[char]) -> BTreeSet<&'t str> {
    let rest = text.split(before).skip(1);
    rest.filter_map(|rest| rest.split(ends).next()).collect()
}

#[test]
fn what_was_freed_goes_back_to_the_system_after_a_second() {
    let mut command = Command::new(ORGATE);
    let out = command.arg("--version").env("MALLOC_CONF", "stats_print:true").output();
    let said = text(&out.expect("it runs").stderr);
    for option in ["opt.dirty_decay_ms: 1000 ", "opt.background_thread: true "] {
        assert!(said.contains(option), "`.cargo/config.toml` was not heeded: {option}: {said}");
    }
}

#[test]
fn the_gates_of_the_compose_file_are_configured_without_a_fault() {
    for name in ["docker/gate-1.toml", "docker/gate-2.toml"] {
        // Nobody listens there: all but the database is as it should be.
        let nowhere = "postgres://orgate:x@127.0.0.1:1/orgate?sslmode=disable";
        let mut command = Command::new(ORGATE);
        command.args(["--config", name, "check"]).env("ORGATE_REGISTER_URL", nowhere);
        let out = command.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("it runs");
        let said = text(&out.stdout);
        assert_eq!(out.status.code(), Some(1), "{name}: {said}");
        assert!(said.contains("orgate at 127.0.0.1:1 cannot be used"), "{name}: {said}");
        assert!(said.contains("route aims: 0.0.0.0:6663"), "{name}: {said}");
    }
}

#[test]
fn what_the_compose_file_names_is_there() {
    let compose = shipped("compose.yml");
    let mounted: BTreeSet<&str> = between(&compose, "[\"./", &[':'])
        .into_iter()
        .chain(between(&compose, ", \"./", &[':']))
        .collect();
    let above: BTreeSet<&str> = between(&compose, "[\"../", &[':'])
        .into_iter()
        .chain(between(&compose, ", \"../", &[':']))
        .collect();
    assert!(
        mounted.contains("gate-1.toml") && above.contains("config/haproxy.cfg"),
        "{mounted:?} {above:?}"
    );
    for name in mounted {
        assert!(repository("docker").join(name).exists(), "./{name}");
    }
    for name in above {
        assert!(repository(name).exists(), "../{name}");
    }
    for file in between(&compose, "dockerfile: ", &[',', ' ', '\n']) {
        assert!(repository(file).exists(), "{file}");
    }
    let services = shipped("services.Dockerfile");
    let targets = between(&compose, "target: ", &[' ', '}', '\n']);
    assert!(targets.len() > 3, "{targets:?}");
    for target in targets {
        assert!(services.contains(&format!(" AS {target}\n")), "{target} is no target");
    }
    // What Prometheus is to ask, by the names of the compose file.
    let scraped = shipped("prometheus/prometheus.yml");
    let scraped: Vec<&str> =
        scraped.split('"').filter(|word| word.contains(':') && !word.contains(' ')).collect();
    assert!(scraped.len() > 2, "{scraped:?}");
    for target in scraped {
        let (host, port) = target.split_once(':').expect("host and port");
        assert!(compose.contains(&format!("\n  {host}:\n")), "{host} is no service");
        let said = match host {
            "haproxy" => {
                shipped("haproxy.cfg") + &text(&crate::support::bytes_of("config/haproxy.cfg"))
            }
            gate => shipped(&format!("{gate}.toml")),
        };
        assert!(said.contains(&format!(":{port}")), "{host} does not listen on {port}");
    }
}
