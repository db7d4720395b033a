//! The page and the JSON report.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::replay::html;
use crate::cli::replay::report::{Basis, Report};
use crate::cli::replay::tally::{Seen, Tally};
use crate::cli::replay::tests::tallying::{case, finding, verdict};
use crate::cli::replay::words;
use crate::domain::order::Urgency;
use crate::domain::rule::Rule;
use crate::domain::verdict::{Decision, Effect};

fn report(tally: &Tally) -> Report {
    let basis =
        Basis::new(("his", "standard"), &TimeZone::UTC, (Timestamp::UNIX_EPOCH, None), (7, 212));
    Report::new(tally, basis)
}

fn hostile() -> Tally {
    let mut tally = Tally::default();
    let mut bad = case(1, 1, vec![finding(Rule::TechniqueNotInCatalogue, Effect::Block)]);
    bad.department = Some("<script>alert(1)</script>".to_owned());
    bad.surgeon_name = Some("\"><img src=x onerror=alert(2)>".to_owned());
    bad.procedure_name = Some("</svg>&amp;'".to_owned());
    let verdict = verdict(Decision::Block, Urgency::Emergency, vec![bad]);
    tally.judged(&verdict, Seen { kind: "OMG^O19", day: None, unreadable: Some("charset") });
    tally
}

#[test]
fn whatever_stands_in_a_name_the_page_shows_it_and_runs_nothing() {
    let page = html::render(&report(&hostile())).unwrap();
    for bad in ["<script", "<img", "</svg>&amp;amp;'", "onerror=alert(2)>"] {
        assert!(!page.contains(bad), "{bad} in the page");
    }
    assert!(page.contains("&#60;script&#62;alert(1)"));
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
}

#[test]
fn the_page_asks_nothing_of_the_network() {
    let page = html::render(&report(&hostile())).unwrap();
    let own = page.replace("http://www.w3.org/2000/svg", "");
    let own = own.replace("img src=x", "");
    for outside in ["http:", "https:", "src=", "href=", "url(", "@import", "<link"] {
        assert!(!own.contains(outside), "{outside} in the page");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn a_replay_of_nothing_makes_a_page_too() {
    let report = report(&Tally::default());
    let page = html::render(&report).unwrap();
    assert!(page.contains("回放报文0条") && page.contains("没有报文会被拒绝"));
    assert!(!page.contains("NaN"));
}

#[test]
fn the_json_report_has_the_keys_that_others_rely_on() {
    let json = serde_json::to_value(report(&hostile())).unwrap();
    let keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = "basis cases costliest_rules decisions departments emergencies gaps grades messages \
                    months rules sources stages surgeons types unknown_surgeons unmapped_codes unreadable";
    assert_eq!(keys, expected.split_whitespace().collect::<Vec<_>>());
    assert_eq!(json["decisions"]["block"], 1);
    let rule = &json["costliest_rules"][0];
    assert_eq!(rule["rule"], "technique-not-in-catalogue");
    assert_eq!(rule["cites"][0]["article"], "SG 6");
    assert_eq!(json["unmapped_codes"]["rows"][0]["key"], "51.1");
    assert_eq!(json["unreadable"][0]["name"], "charset");
}

#[test]
fn every_rule_has_a_chinese_title() {
    for rule in Rule::ALL {
        assert_ne!(words::rule(rule.as_str()), "", "{rule} has no title in words.rs");
    }
}

#[test]
fn numbers_are_written_for_people() {
    let grouped = |number: u64| words::grouped(number);
    assert_eq!(
        [grouped(0), grouped(999), grouped(1_000), grouped(1_234_567)],
        ["0", "999", "1,000", "1,234,567"]
    );
    let percent = |part: u64, whole: u64| words::percent(part, whole);
    assert_eq!(
        [percent(0, 0), percent(1, 3), percent(1, 100_000), percent(5, 5)],
        ["0%", "33.3%", "<0.1%", "100.0%"]
    );
}
