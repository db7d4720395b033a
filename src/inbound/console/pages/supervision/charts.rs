//! Which charts there are, and what their bars are made of.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::cases::figures::{Cell, Figures};
use crate::domain::procedure::Grade;
use crate::gate::office::{Reviews, Supervised};
use crate::inbound::console::pages::supervision::chart::{Bar, Chart, Series};
use crate::inbound::console::pages::words::Lang;

/// Bars of one chart; the table has the others too.
const BARS: usize = 15;
/// Rows of one table.
const ROWS: usize = 100;
const HOUR: i64 = 60;

/// The figures of all cells together.
pub(super) struct Totals {
    pub(super) figures: Figures,
    /// Open override files, and those past their deadline.
    pub(super) open: u64,
    pub(super) late: u64,
}

impl Totals {
    pub(super) fn of(supervised: &Supervised) -> Self {
        let mut figures = Figures::default();
        supervised.cells.values().for_each(|own| figures.add(own));
        Self { figures, open: supervised.reviews.open, late: supervised.reviews.overdue }
    }
}

/// A surgeon's overrides, in words.
pub(super) struct SurgeonLine {
    pub(super) number: String,
    /// The number for a query.
    pub(super) sought: String,
    pub(super) reviews: Reviews,
    pub(super) median: String,
}

/// Every surgeon with an override.
pub(super) fn surgeons(supervised: &Supervised, lang: Lang) -> Vec<SurgeonLine> {
    let line = |(number, reviews): &(String, Reviews)| SurgeonLine {
        number: number.clone(),
        sought: utf8_percent_encode(number, NON_ALPHANUMERIC).to_string(),
        median: reviews.median().map(|minutes| span(minutes, lang)).unwrap_or_default(),
        reviews: reviews.clone(),
    };
    supervised.surgeons.iter().take(ROWS).map(line).collect()
}

/// Minutes in words.
pub(super) fn span(minutes: i64, lang: Lang) -> String {
    let (hours, rest) = (minutes / HOUR, minutes % HOUR);
    match lang {
        Lang::Zh => format!("{hours} 小时 {rest} 分"),
        Lang::En => format!("{hours} h {rest} min"),
    }
}

fn outcomes(lang: Lang) -> Vec<Series> {
    vec![
        Series { class: "forward", name: lang.say("放行", "forwarded") },
        Series { class: "flag", name: lang.say("放行并提示", "flagged") },
        Series { class: "override", name: lang.say("越权急诊", "overrides") },
        Series { class: "unavailable", name: lang.say("暂拒", "unavailable") },
        Series { class: "block", name: lang.say("拒绝", "blocked") },
    ]
}

fn values(figures: &Figures) -> Vec<u64> {
    let Figures { forwarded, flagged, overrides, unavailable, blocked, .. } = *figures;
    vec![forwarded, flagged, overrides, unavailable, blocked]
}

/// The figures summed up by something.
fn by<K: Ord>(cells: &BTreeMap<Cell, Figures>, key: impl Fn(&Cell) -> K) -> BTreeMap<K, Figures> {
    let mut sums: BTreeMap<K, Figures> = BTreeMap::new();
    for (cell, figures) in cells {
        sums.entry(key(cell)).or_default().add(figures);
    }
    sums
}

fn chart(id: &'static str, [title, about, of]: [&'static str; 3], series: Vec<Series>) -> Chart {
    Chart { id, title, about, of, series, bars: Vec::new(), left_out: 0, svg: String::new() }
}

/// The charts, in the order of the page.
pub(super) fn all(supervised: &Supervised, lang: Lang) -> Vec<Chart> {
    vec![
        months(supervised, lang),
        departments(supervised, lang),
        grades(supervised, lang),
        rules(supervised, lang),
        overrides(supervised, lang),
        review_times(supervised, lang),
    ]
}

/// A chart of outcomes, summed up by something.
fn outcomes_by<K: Ord>(
    (id, words): (&'static str, [&'static str; 3]),
    (supervised, lang): (&Supervised, Lang),
    key: impl Fn(&Cell) -> K,
    label: impl Fn(K) -> String,
) -> Chart {
    let mut chart = chart(id, words, outcomes(lang));
    let bar = |(key, figures)| Bar { label: label(key), values: values(&figures) };
    chart.bars = by(&supervised.cells, key).into_iter().map(bar).collect();
    chart
}

fn months(supervised: &Supervised, lang: Lang) -> Chart {
    let words = [
        lang.say("按月", "By month"),
        lang.say("各月判定的手术例数，按结果。", "Cases judged in each month, by outcome."),
        lang.say("月份", "Month"),
    ];
    let label = |month: jiff::civil::Date| month.strftime("%Y-%m").to_string();
    let chart = outcomes_by(("months", words), (supervised, lang), |cell| cell.month, label);
    chart.draw(lang, ROWS)
}

fn departments(supervised: &Supervised, lang: Lang) -> Chart {
    let words = [
        lang.say("按科室", "By department"),
        lang.say(
            "各科室（按报文所写）的手术例数，按结果。",
            "Cases of each department as messages write it.",
        ),
        lang.say("科室", "Department"),
    ];
    let none = lang.say("未写明", "none given");
    let label = |department: Option<String>| department.unwrap_or_else(|| none.to_owned());
    let department = |cell: &Cell| cell.department.clone();
    let of = (supervised, lang);
    let mut chart = outcomes_by(("departments", words), of, department, label);
    chart.bars.sort_by_key(|bar| std::cmp::Reverse(bar.total()));
    chart.bars.truncate(ROWS);
    chart.draw(lang, BARS)
}

fn grades(supervised: &Supervised, lang: Lang) -> Chart {
    let words = [
        lang.say("按手术级别", "By grade"),
        lang.say("各级别的手术例数，按结果。", "Cases of each effective grade, by outcome."),
        lang.say("级别", "Grade"),
    ];
    let label = |grade: Option<Grade>| match (grade.map(Grade::number), lang) {
        (Some(grade), Lang::Zh) => format!("{grade} 级"),
        (Some(grade), Lang::En) => format!("grade {grade}"),
        (None, _) => lang.say("级别不明", "unknown").to_owned(),
    };
    let chart = outcomes_by(("grades", words), (supervised, lang), |cell| cell.grade, label);
    chart.draw(lang, BARS)
}

fn rules(supervised: &Supervised, lang: Lang) -> Chart {
    let words = [
        lang.say("按规则", "By rule"),
        lang.say(
            "命中各规则的判定条数（各环节合计，同一报文只计一次）。",
            "Decisions in which a rule applied, at all checkpoints.",
        ),
        lang.say("规则", "Rule"),
    ];
    let series = vec![Series { class: "rule", name: lang.say("判定条数", "decisions") }];
    let mut chart = chart("rules", words, series);
    let bar = |counted: &crate::gate::office::RuleCount| Bar {
        label: lang.rule(&counted.rule),
        values: vec![counted.count],
    };
    chart.bars = supervised.rules.iter().take(ROWS).map(bar).collect();
    chart.draw(lang, BARS)
}

fn overrides(supervised: &Supervised, lang: Lang) -> Chart {
    let words = [
        lang.say("各术者的越权急诊", "Overrides by surgeon"),
        lang.say(
            "期间内发生的越权急诊档案，按审核结果。",
            "Override files opened in these days, by how they were reviewed.",
        ),
        lang.say("术者", "Surgeon"),
    ];
    let series = vec![
        Series { class: "forward", name: lang.say("认可", "confirmed") },
        Series { class: "block", name: lang.say("不认可", "rejected") },
        Series { class: "override", name: lang.say("待审核", "open") },
    ];
    let mut chart = chart("overrides", words, series);
    let bar = |(number, reviews): &(String, Reviews)| Bar {
        label: format!("{} {number}", reviews.name).trim().to_owned(),
        values: vec![reviews.confirmed, reviews.rejected, reviews.open],
    };
    chart.bars = supervised.surgeons.iter().take(ROWS).map(bar).collect();
    chart.draw(lang, BARS)
}

fn review_times(supervised: &Supervised, lang: Lang) -> Chart {
    let words = [
        lang.say("审核用时", "Time to review"),
        lang.say(
            "从越权急诊发生到审核结案的时间。",
            "From the override to the review that closed its file.",
        ),
        lang.say("用时", "Time"),
    ];
    let series = vec![Series { class: "rule", name: lang.say("档案数", "files") }];
    let mut chart = chart("times", words, series);
    let steps = [
        (4, lang.say("4 小时内", "within 4 h")),
        (12, lang.say("4–12 小时", "4–12 h")),
        (24, lang.say("12–24 小时", "12–24 h")),
        (72, lang.say("24–72 小时", "24–72 h")),
        (i64::MAX / HOUR, lang.say("超过 72 小时", "more than 72 h")),
    ];
    let mut after = -1;
    for (hours, label) in steps {
        let until = hours * HOUR;
        let within = |minutes: &&i64| after < **minutes && **minutes <= until;
        let count = supervised.reviews.minutes.iter().filter(within).count();
        after = until;
        let values = vec![u64::try_from(count).unwrap_or(0)];
        chart.bars.push(Bar { label: label.to_owned(), values });
    }
    chart.draw(lang, BARS)
}
