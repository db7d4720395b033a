//! Configuration: every fault at once, with its line and what to write.

use super::*;

const GOOD: &str = "[[mllp]]\nname = \"a\"\nlisten = \"127.0.0.1:0\"\nupstream = \"127.0.0.1:1\"\nmapping = \"mappings/hl7v2/standard.toml\"\n";

fn faults(text: &str) -> Vec<String> {
    match read("gate.toml", text) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.0.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_route_with_addresses_needs_nothing_else() {
    let settings = read("gate.toml", GOOD).unwrap();
    assert_eq!(settings.node.name, "gate-1");
    assert_eq!(settings.node.zone.iana_name(), Some("Asia/Shanghai"));
    assert!(settings.sync_every);
    assert_eq!(settings.mllp.len(), 1);
}

#[test]
fn the_reference_configuration_holds() {
    let text = include_str!("../../config/orgate.toml");
    assert_eq!(faults(text), Vec::<String>::new());
}

#[test]
fn every_fault_is_told_at_once_with_its_line() {
    let text = format!(
        "[node]\nnam = \"x\"\ntimezone = \"Mars/Base\"\n[register]\nfresh_s = -1\nsource = \"oracle\"\n\
         [policy.effects]\ngrant-missing = [\"off\"]\nsurgeon-not-licensed = [\"flag\", \"block\", \"flag\"]\nno-such = [\"flag\", \"flag\", \"flag\"]\n\
         [ledger]\nsync = \"never\"\n[extra]\nx = 1\n{GOOD}stance = \"watch\"\nmax_frame_kib = 0\n[[mllp]]\nname = \"a\"\nlisten = \"nowhere\"\nmapping = \"no/such.toml\"\n"
    );
    let faults = faults(&text);
    for wanted in [
        "gate.toml:2: unknown key `nam` in `node`, did you mean `name`?",
        "gate.toml:3: `timezone` must be an IANA name",
        "gate.toml:5: `fresh_s` must be a whole number",
        "gate.toml:6: `source` must be \"sqlite\"",
        "gate.toml:8: `grant-missing` must be three of",
        "gate.toml:9: `surgeon-not-licensed` is lifted by nothing",
        "gate.toml:10: `no-such` is no rule",
        "gate.toml:12: `sync` must be \"every\" or \"findings\"",
        "gate.toml:13: unknown key `extra`",
        "gate.toml:20: `stance` must be",
        "gate.toml:21: `max_frame_kib` must be",
        "gate.toml:24: `listen` must be an address and port",
        "`mllp` needs `upstream",
        "no/such.toml: cannot be read",
    ] {
        assert!(faults.iter().any(|fault| fault.contains(wanted)), "{wanted}\n{faults:#?}");
    }
}

#[test]
fn text_that_is_no_toml_says_where() {
    let faults = faults("[node\nname = 1 2\n");
    assert!(faults.iter().any(|fault| fault.starts_with("gate.toml:1:")), "{faults:?}");
}
