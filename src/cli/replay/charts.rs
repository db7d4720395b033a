//! Bar charts as SVG, drawn here so that the report needs no script. Text goes through the template's
//! escaping.

use askama::Template;

use crate::cli::replay::words::grouped;
use crate::cli::table::cut;

/// Width of the drawing; the page scales it.
const WIDTH: f64 = 960.0;
/// Where bars begin; to the left of it stand the names.
const LEFT: f64 = 340.0;
/// To the right of the longest bar: its number.
const RIGHT: f64 = 90.0;
/// Height of a row and of the bar in it.
const ROW: f64 = 26.0;
const BAR: f64 = 16.0;
/// Columns of a name; a Han character is two.
const NAME_COLUMNS: usize = 46;

/// A chart of horizontal bars, each of several parts.
#[derive(Debug, Template)]
#[template(path = "cli/replay/chart.html")]
pub(super) struct Chart {
    title: String,
    height: f64,
    bars: Vec<Bar>,
}

#[derive(Debug, PartialEq)]
struct Bar {
    name: String,
    parts: Vec<Part>,
    /// Base line of the text, top of the bar.
    text_y: f64,
    bar_y: f64,
    total: String,
    total_x: f64,
}

#[derive(Debug, PartialEq)]
struct Part {
    class: &'static str,
    x: f64,
    width: f64,
    count: String,
}

/// A row to draw: its name, and counts with the class that colours them.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) counts: Vec<(&'static str, u64)>,
}

impl Chart {
    /// Draws `rows`, the longest over the whole width. `title` is for those who cannot see it.
    pub(super) fn new(title: &str, rows: Vec<Row>) -> Self {
        let totals = rows.iter().map(|row| row.counts.iter().map(|(_, n)| n).sum::<u64>());
        let longest = totals.max().unwrap_or(0).max(1);
        let scale = (WIDTH - LEFT - RIGHT) / longest as f64;
        let height = rows.len() as f64 * ROW + 4.0;
        let bars = rows.into_iter().enumerate().map(|(at, row)| bar(at, &row, scale)).collect();
        Self { title: title.to_owned(), height, bars }
    }
}

fn bar(at: usize, row: &Row, scale: f64) -> Bar {
    let top = at as f64 * ROW;
    let mut x = LEFT;
    let mut parts = Vec::new();
    let mut total = 0;
    for (class, count) in &row.counts {
        if *count == 0 {
            continue;
        }
        total += count;
        let width = round(*count as f64 * scale);
        parts.push(Part { class, x: round(x), width, count: grouped(*count) });
        x += *count as f64 * scale;
    }
    Bar {
        name: cut(&row.name, NAME_COLUMNS),
        parts,
        text_y: top + ROW / 2.0 + 5.0,
        bar_y: top + (ROW - BAR) / 2.0,
        total: grouped(total),
        total_x: round(x + 6.0),
    }
}

/// Tenths are fine enough, and keep the file small.
fn round(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, counts: &[u64]) -> Row {
        let classes = ["forward", "block"];
        let counts = classes.into_iter().zip(counts.iter().copied()).collect();
        Row { name: name.to_owned(), counts }
    }

    #[test]
    fn the_longest_bar_fills_the_width_and_parts_stand_end_to_end() {
        let chart = Chart::new("t", vec![row("a", &[30, 70]), row("b", &[50, 0])]);
        let [a, b] = chart.bars.as_slice() else { panic!("two bars") };
        assert_eq!((a.parts[0].x, a.parts[0].width), (340.0, 159.0));
        assert_eq!((a.parts[1].x, a.parts[1].width), (499.0, 371.0));
        assert_eq!(a.total, "100");
        assert_eq!(b.parts.len(), 1, "nothing is drawn for nothing");
        assert_eq!(b.parts[0].width, 265.0);
        assert!(b.bar_y > a.bar_y && chart.height >= b.bar_y + BAR);
    }

    #[test]
    fn a_chart_of_nothing_is_drawn_without_dividing_by_it() {
        let chart = Chart::new("t", vec![row("a", &[0, 0])]);
        assert_eq!(chart.bars[0].total, "0");
        assert!(!chart.render().unwrap().contains("NaN"));
        assert!(Chart::new("t", Vec::new()).render().is_ok());
    }

    #[test]
    fn names_are_escaped_and_cut() {
        let name = format!("<script>\"&'{}", "科".repeat(46));
        let svg = Chart::new("<t>", vec![row(&name, &[1, 1])]).render().unwrap();
        assert!(!svg.contains("<script>") && !svg.contains("<t>"), "{svg}");
        assert!(svg.contains("&#60;script&#62;") && svg.contains('…'), "{svg}");
    }
}
