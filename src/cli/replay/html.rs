//! The report as one HTML page: no script, nothing loaded from elsewhere, fit for print.

use std::collections::BTreeMap;

use askama::Template;

use crate::cli::replay::charts::{Chart, Row};
use crate::cli::replay::report::{Named, Report};
use crate::cli::replay::tally::Decisions;
use crate::cli::replay::words::{self, grouped, percent};

/// Rows of a table on the page; the JSON report has more.
const ROWS: usize = 50;
/// Bars of a chart.
const BARS: usize = 15;
/// Months of a chart; the last ones, if there are more.
const MONTH_BARS: usize = 36;

/// The page.
#[derive(Template)]
#[template(path = "cli/replay/report.html")]
struct Page<'r> {
    r: &'r Report,
    summary_zh: String,
    summary_en: String,
    decisions: Chart,
    costliest: Chart,
    emergencies: Chart,
    unmapped: Chart,
    departments: Chart,
    surgeons: Chart,
    grades: Chart,
    months: Chart,
}

/// The report as HTML.
pub(super) fn render(report: &Report) -> Result<String, askama::Error> {
    let page = Page {
        r: report,
        summary_zh: summary_zh(report),
        summary_en: summary_en(report),
        decisions: decisions(report),
        costliest: costliest(report),
        emergencies: one_bar(
            "急诊 emergencies",
            "急诊报文 emergencies",
            &report.emergencies.decisions,
        ),
        unmapped: unmapped(report),
        departments: named("科室 departments", report.departments.first(BARS), department),
        surgeons: surgeons(report),
        grades: named("级别 grades", &report.grades, grade),
        months: months(report),
    };
    page.render()
}

/// What going live would do, in one sentence.
pub(super) fn summary_zh(report: &Report) -> String {
    let (m, d) = (&report.messages, &report.decisions);
    let between = match (m.first_day, m.last_day) {
        (Some(first), Some(last)) => format!("（{first} 至 {last}）"),
        _ => String::new(),
    };
    format!(
        "回放报文{}条，其中须核查（涉及手术，或读不准）{}条{between}。若当时即强制执行：{}条（{}）放行，{}条（{}）放行并提示，\
         {}条按越权急诊放行，{}条（{}）会被拒绝，{}条会暂拒（信息读不准或查不到）。",
        grouped(m.total),
        grouped(m.checked),
        grouped(d.forward),
        percent(d.forward, m.checked),
        grouped(d.flagged),
        percent(d.flagged, m.checked),
        grouped(d.overridden),
        grouped(d.blocked),
        percent(d.blocked, m.checked),
        grouped(d.unavailable),
    )
}

/// The same in English.
pub(super) fn summary_en(report: &Report) -> String {
    let (m, d) = (&report.messages, &report.decisions);
    let between = match (m.first_day, m.last_day) {
        (Some(first), Some(last)) => format!(", {first} to {last}"),
        _ => String::new(),
    };
    format!(
        "{} messages replayed, {} of them to be checked (surgical, or not readable with \
         certainty){between}. Had the gate enforced: {} ({}) forwarded, \
         {} ({}) forwarded and flagged, {} forwarded as emergency overrides, {} ({}) blocked, \
         {} held back because something could not be read or known.",
        grouped(m.total),
        grouped(m.checked),
        grouped(d.forward),
        percent(d.forward, m.checked),
        grouped(d.flagged),
        percent(d.flagged, m.checked),
        grouped(d.overridden),
        grouped(d.blocked),
        percent(d.blocked, m.checked),
        grouped(d.unavailable),
    )
}

fn counts(d: &Decisions) -> Vec<(&'static str, u64)> {
    vec![
        ("forward", d.forward),
        ("flagged", d.flagged),
        ("override", d.overridden),
        ("unavailable", d.unavailable),
        ("block", d.blocked),
    ]
}

fn decisions(report: &Report) -> Chart {
    let named = [
        "放行 forward",
        "放行并提示 forward-flagged",
        "越权急诊 override",
        "暂拒 unavailable",
        "拒绝 block",
    ];
    let rows = named.into_iter().zip(counts(&report.decisions));
    let row = |(name, count): (&str, _)| Row { name: name.to_owned(), counts: vec![count] };
    Chart::new("各结论的报文数 messages by decision", rows.map(row).collect())
}

fn costliest(report: &Report) -> Chart {
    let rows = report.costliest_rules.iter().map(|rule| Row {
        name: format!("{} {}", rule.title_zh, rule.rule),
        counts: vec![
            ("block", rule.blocked_alone),
            ("block-with", rule.blocked.saturating_sub(rule.blocked_alone)),
        ],
    });
    Chart::new("代价最高的规则 the rules that would cost most", rows.collect())
}

fn one_bar(title: &str, name: &str, decisions: &Decisions) -> Chart {
    Chart::new(title, vec![Row { name: name.to_owned(), counts: counts(decisions) }])
}

fn unmapped(report: &Report) -> Chart {
    let rows = report.unmapped_codes.first(BARS).iter().map(|row| Row {
        name: beside(&row.key, &row.names),
        counts: vec![("block", row.blocked), ("flagged", row.cases.saturating_sub(row.blocked))],
    });
    Chart::new("目录外的编码 codes not in the catalogue", rows.collect())
}

fn named(title: &str, rows: &[Named], name: fn(&str) -> String) -> Chart {
    let row = |row: &Named| Row { name: name(&row.name), counts: counts(&row.decisions) };
    Chart::new(title, rows.iter().map(row).collect())
}

fn surgeons(report: &Report) -> Chart {
    let rows = report
        .surgeons
        .first(BARS)
        .iter()
        .map(|row| Row { name: surgeon(&row.id, &row.names), counts: counts(&row.decisions) });
    Chart::new("术者 surgeons", rows.collect())
}

fn months(report: &Report) -> Chart {
    let rows = &report.months.rows;
    let last = rows.get(rows.len().saturating_sub(MONTH_BARS)..).unwrap_or(rows);
    named("月份 months", last, month)
}

fn beside(key: &str, names: &[String]) -> String {
    match names.first() {
        Some(name) if name != key => format!("{key} {name}"),
        _ if key.is_empty() => "（没有编码 no code）".to_owned(),
        _ => key.to_owned(),
    }
}

fn surgeon(id: &str, names: &[String]) -> String {
    if id.is_empty() { "（未写术者 none named）".to_owned() } else { beside(id, names) }
}

fn department(name: &str) -> String {
    if name.is_empty() { "（未写科室 not stated）".to_owned() } else { name.to_owned() }
}

fn month(name: &str) -> String {
    if name.is_empty() { "（无时间 no time）".to_owned() } else { name.to_owned() }
}

fn grade(name: &str) -> String {
    match name {
        "1" => "一级 grade 1".to_owned(),
        "2" => "二级 grade 2".to_owned(),
        "3" => "三级 grade 3".to_owned(),
        "4" => "四级 grade 4".to_owned(),
        _ => "（未能对应目录 unresolved）".to_owned(),
    }
}

/// The regulations that rules cite, by their short names.
fn regulations(report: &Report) -> BTreeMap<&'static str, &'static str> {
    let cited = report.rules.iter().flat_map(|rule| &rule.cites);
    cited.map(|cited| (cited.short, cited.regulation)).collect()
}

/// The attribute of a cell that tells a cost, when there is one.
fn bad(count: impl std::borrow::Borrow<u64>) -> &'static str {
    if *count.borrow() > 0 { " class=\"bad\"" } else { "" }
}
