//! The architecture tests can fail: each fault they look for, in a made-up file.

use crate::architecture::floors::Floors;
use crate::architecture::habits;

const MAP: &str = "//! | floor | folder | what |
//! |---|---|---|
//! | 4 | `register`, `ledger` | who may · what happened |
//! | 3 | `clock`, `telemetry` | time · events |
//! | 2 | `rules` | pure |
//! | 0 | `domain` | nouns |
";

fn uses(path: &str, text: &str) -> Vec<String> {
    Floors::read(MAP).faults(path, text)
}

#[track_caller]
fn one(faults: &[String], says: &str) {
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults.iter().all(|fault| fault.contains(says)), "{faults:?}");
}

#[test]
fn a_use_of_a_lower_floor_or_of_the_own_folder_is_none() {
    let text = "//! x\nuse crate::domain::order::Order;\nuse crate::register::rows::Row;\n";
    assert_eq!(uses("src/register/mod.rs", text), Vec::<String>::new());
}

#[test]
fn an_upward_use_is_found_with_its_line() {
    let faults = uses("src/rules/judge.rs", "//! x\n\nuse crate::ledger::Receipt;\n");
    one(&faults, "src/rules/judge.rs:3: `rules` (floor 2) uses `ledger` (floor 4) upwards");
}

#[test]
fn a_use_in_the_middle_of_a_line_is_found() {
    one(&uses("src/rules/judge.rs", "fn f(l: &crate::ledger::Ledger) {}"), "upwards");
    one(&uses("src/rules/judge.rs", "pub(in crate::ledger) fn f() {}"), "upwards");
}

#[test]
fn a_sideways_use_is_found() {
    one(&uses("src/register/rows.rs", "use crate::ledger::Receipt;"), "sideways");
}

#[test]
fn clock_and_telemetry_serve_their_own_floor_and_all_above_but_none_below() {
    let text = "use crate::clock::Clock;\nuse crate::telemetry::events;\n";
    assert_eq!(uses("src/ledger/mod.rs", text), Vec::<String>::new());
    assert_eq!(uses("src/telemetry/events.rs", text), Vec::<String>::new());
    assert_eq!(uses("src/rules/judge.rs", text).len(), 2);
}

#[test]
fn a_group_at_the_root_is_found() {
    one(&uses("src/rules/judge.rs", "use crate::{domain::order::Order};"), "group");
    one(&uses("src/rules/judge.rs", "use crate::*;"), "group");
}

#[test]
fn ways_round_the_full_path_are_found() {
    one(&uses("src/rules/a/b.rs", "use super::super::ledger::Receipt;"), "super::super");
    one(&uses("src/rules/mod.rs", "use super::ledger::Receipt;"), "root");
    one(&uses("src/clock.rs", "use super::ledger::Receipt;"), "root");
    one(&uses("src/rules/judge.rs", "use orgate::ledger::Receipt;"), "own name");
    assert_eq!(uses("src/clock.rs", "    use super::*;"), Vec::<String>::new());
    assert_eq!(uses("src/rules/judge.rs", "use super::case::Case;"), Vec::<String>::new());
}

#[test]
fn a_folder_without_a_floor_is_found() {
    one(&uses("src/helpers/mod.rs", "//! x"), "`helpers` has no floor");
    one(&uses("src/stray.rs", "//! x"), "`stray` has no floor");
    one(&uses("src/rules/judge.rs", "use crate::helpers::x;"), "`crate::helpers` has no floor");
}

#[test]
fn comments_and_longer_names_are_no_uses() {
    let text = "//! [`crate::ledger`]\n// crate::ledger::x\nlet x = my_crate::ledger::x;\n";
    assert_eq!(uses("src/rules/judge.rs", text), Vec::<String>::new());
}

#[test]
#[should_panic(expected = "no code map")]
fn a_map_that_cannot_be_read_is_no_map() {
    Floors::read("//! orgate");
}

#[test]
fn a_file_without_a_first_line_is_found() {
    one(&habits::of_any_file("src/a.rs", "use std::fmt;\n"), "does not begin");
    assert_eq!(habits::of_any_file("src/a.rs", "//! What it is.\n"), Vec::<String>::new());
}

#[test]
fn a_file_of_401_lines_is_too_long_and_one_of_400_is_not() {
    let of = |lines: usize| format!("//! x\n{}", "\n".repeat(lines - 1));
    assert_eq!(habits::of_any_file("src/a.rs", &of(400)), Vec::<String>::new());
    one(&habits::of_any_file("src/a.rs", &of(401)), "401 lines");
}

#[test]
fn what_is_left_undone_is_found() {
    for left in [
        concat!("// TO", "DO: later"),
        concat!("let x = 1; // FIX", "ME"),
        concat!("db", "g!(x);"),
        concat!("#[ig", "nore]"),
        concat!("#[ig", "nore = \"slow\"]"),
        concat!("to", "do!()"),
        concat!("unimple", "mented!()"),
    ] {
        one(&habits::of_any_file("src/a.rs", &format!("//! x\n{left}\n")), "src/a.rs:2");
    }
    let example = concat!("//! x\n//! let x = unimple", "mented!();\nlet MASTODON = 1;\n");
    assert_eq!(habits::of_any_file("src/a.rs", example), Vec::<String>::new());
}

#[test]
fn a_clock_asked_outside_its_file_is_found() {
    for asks in ["jiff::Timestamp::now()", "std::time::Instant::now()", "SystemTime::now()"] {
        one(&habits::of_source("src/gate/pass.rs", asks), "outside src/clock.rs");
        assert_eq!(habits::of_source("src/clock.rs", asks), Vec::<String>::new());
    }
    assert_eq!(habits::of_source("src/gate/pass.rs", "self.clock.now()"), Vec::<String>::new());
}

#[test]
fn a_log_or_a_count_outside_telemetry_is_found() {
    for emits in ["tracing::info!(\"x\")", "metrics::counter!(\"x\");", "use tracing::warn;"] {
        one(&habits::of_source("src/gate/pass.rs", emits), "outside src/telemetry");
        assert_eq!(habits::of_source("src/telemetry/events.rs", emits), Vec::<String>::new());
    }
    one(&habits::of_source("src/gate/pass.rs", "#[tracing::instrument]"), "outside");
    let ours = "use crate::telemetry::metrics;\ncrate::telemetry::metrics::render();";
    assert_eq!(habits::of_source("src/inbound/console/mod.rs", ours), Vec::<String>::new());
}

#[test]
fn a_refusing_acknowledgement_code_outside_the_answers_is_found() {
    for code in ["\"AE\"", "b\"AR\"", "\"CE\"", "\"CR\""] {
        one(&habits::of_source("src/gate/pass.rs", code), "outside a respond.rs");
        one(&habits::of_source("src/inbound/mllp/pipeline.rs", code), "outside a respond.rs");
        for place in [
            "src/inbound/mllp/respond.rs",
            "src/hl7/ack.rs",
            "src/hl7/ack/errors.rs",
            "src/hl7/answering.rs",
            "src/hl7/tests/ack.rs",
            "src/config/route.rs",
        ] {
            assert_eq!(habits::of_source(place, code), Vec::<String>::new());
        }
    }
    let own_tests = "//! x\n#[cfg(test)]\nmod tests {\n    let x = \"AE\";\n}\n";
    assert_eq!(habits::of_source("src/gate/pass.rs", own_tests), Vec::<String>::new());
}
