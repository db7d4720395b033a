//! Decision tables: for each rule a file `tests/data/decisions/<rule>.toml` with its article and
//! cases, run one and all. `as_written.rs` says what may stand in such a file.

mod as_written;
mod situation;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use orgate::domain::rule::Rule;
use orgate::domain::verdict::Verdict;
use orgate::rules::table::row;

use crate::decisions::as_written::{Case, Table, Then};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/decisions")
}

/// All faults of one table under the name of its file.
fn faults_of(name: &str, text: &str) -> Vec<String> {
    let table: Table = match toml::from_str(text) {
        Ok(table) => table,
        Err(error) => return vec![format!("{name}.toml: {error}")],
    };
    let mut faults = Vec::new();
    if table.rule != name {
        faults.push(format!("{name}.toml: is about `{}`", table.rule));
    }
    faults.extend(article_faults(&table).map(|fault| format!("{name}.toml: {fault}")));
    let mut reached = false;
    let mut missed = false;
    for case in &table.case {
        let stages = case.stages.clone().unwrap_or_else(|| vec!["order".to_owned()]);
        for stage in stages {
            let place = format!("{name}.toml: {} [{stage}]", case.says);
            let world = match situation::of(case, &stage) {
                Ok(world) => world,
                Err(fault) => {
                    faults.push(format!("{place}: {fault}"));
                    continue;
                }
            };
            let verdict = world.judge();
            let hit = verdict.findings().any(|(_, found)| found.rule.as_str() == name);
            reached |= hit;
            missed |= !hit;
            faults.extend(differences(case, &verdict).map(|d| format!("{place}: {d}")));
        }
    }
    if !reached || !missed {
        faults.push(format!("{name}.toml: needs a case with the finding and one without"));
    }
    faults
}

/// Title and words must be those that the program cites.
fn article_faults(table: &Table) -> impl Iterator<Item = String> {
    let cites = Rule::from_id(&table.rule).map(|rule| row(rule).cites).unwrap_or_default();
    let mut faults = Vec::new();
    let told: Vec<&str> = table.article.iter().map(|article| article.number.as_str()).collect();
    let cited: Vec<String> = cites.iter().map(ToString::to_string).collect();
    if told != cited {
        faults.push(format!("names the articles {told:?}, the rule cites {cited:?}"));
    }
    for (article, cited) in table.article.iter().zip(cites) {
        if article.words != cited.words {
            faults.push(format!("{}: the words are `{}`", article.number, cited.words));
        }
    }
    faults.into_iter()
}

/// How a verdict differs from what a case expects.
fn differences(case: &Case, verdict: &Verdict) -> impl Iterator<Item = String> {
    let Then { decision, findings, cases, gaps, refused } = &case.then;
    let mut found = Vec::new();
    let mut differ = |what: &str, wanted: String, got: String| {
        if wanted != got {
            found.push(format!("{what}: wanted {wanted}, got {got}"));
        }
    };
    differ("decision", decision.clone(), verdict.decision.as_str().to_owned());
    let told: Vec<BTreeSet<String>> = verdict
        .cases
        .iter()
        .map(|one| one.findings.iter().map(|f| format!("{} {}", f.rule, f.effect.as_str())))
        .map(Iterator::collect)
        .collect();
    match cases {
        Some(cases) => differ("cases", format!("{cases:?}"), format!("{told:?}")),
        None => {
            let all: BTreeSet<String> = told.into_iter().flatten().collect();
            differ("findings", format!("{findings:?}"), format!("{all:?}"));
        }
    }
    let told: BTreeSet<String> = verdict.gaps.iter().map(|gap| gap.as_str().to_owned()).collect();
    differ("gaps", format!("{gaps:?}"), format!("{told:?}"));
    let refused = refused.unwrap_or_else(|| verdict.decision.refuses());
    differ("refused", refused.to_string(), verdict.refused().to_string());
    found.into_iter()
}

#[test]
fn every_case_of_every_table_is_decided_as_written() {
    let mut faults = Vec::new();
    for rule in Rule::ALL {
        let path = folder().join(format!("{rule}.toml"));
        match fs::read_to_string(&path) {
            Ok(text) => faults.extend(faults_of(rule.as_str(), &text)),
            Err(error) => faults.push(format!("{rule}.toml: {error}")),
        }
    }
    assert!(faults.is_empty(), "\n{}\n{} faults\n", faults.join("\n"), faults.len());
}

#[test]
fn every_table_belongs_to_a_rule() {
    for entry in fs::read_dir(folder()).expect("the folder of decision tables") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a file name").to_string_lossy().into_owned();
        assert!(Rule::from_id(&name).is_some(), "{name}.toml belongs to no rule");
    }
}

const SMALL: &str = r#"
rule = "procedure-missing"
[[article]]
number = "SG 6"
words = "根据其功能定位、医疗服务能力水平和诊疗科目制定手术分级管理目录"
[[case]]
says = "no code"
order = { codes = [] }
then = { decision = "block", findings = ["procedure-missing block"] }
[[case]]
says = "a code"
surgeons = [{ id = "D1", grants = [{ code = "51.2300" }] }]
then = { decision = "forward" }
"#;

#[test]
fn a_table_that_is_right_has_no_fault() {
    assert_eq!(faults_of("procedure-missing", SMALL), Vec::<String>::new());
}

#[test]
fn a_table_that_is_wrong_is_told_by_file_and_case() {
    let wrong = [
        ("decision = \"block\"", "decision = \"forward\"", "no code [order]: decision"),
        ("procedure-missing block", "grant-missing block", "no code [order]: findings"),
        ("decision = \"forward\"", "decision = \"forward\", gaps = [\"overloaded\"]", "gaps"),
        ("says = \"a code\"", "says = \"a code\"\nunknown = 1", "unknown field"),
        ("number = \"SG 6\"", "number = \"SG 7\"", "names the articles"),
        ("手术分级管理目录", "目录", "the words are"),
        ("order = { codes = [] }", "order = { codes = [], action = \"go\" }", "`go`"),
        ("order = { codes = [] }", "stages = [\"later\"]", "`later`"),
    ];
    for (right, other, says) in wrong {
        assert!(SMALL.contains(right), "{right}");
        let faults = faults_of("procedure-missing", &SMALL.replace(right, other));
        let told =
            faults.iter().any(|f| f.starts_with("procedure-missing.toml") && f.contains(says));
        assert!(told, "{right} → {other}: {faults:?}");
    }
    let (first, _) = SMALL.rsplit_once("[[case]]").expect("two cases");
    let faults = faults_of("procedure-missing", first);
    assert!(faults.iter().any(|fault| fault.contains("one without")), "{faults:?}");
}
