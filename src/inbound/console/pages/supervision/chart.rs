//! Bars as SVG: for eyes; the table beside them says the same in numbers.

use std::fmt::Write as _;

use crate::inbound::console::pages::words::Lang;

/// Width of the drawing, in its own units; it is scaled to the page.
const WIDTH: usize = 600;
/// Where bars begin.
const LEFT: usize = 150;
/// The longest bar.
const BAR: usize = 380;
/// From one row to the next.
const ROW: usize = 26;
/// Characters of a label; Chinese ones are 13 units wide.
const LABEL: usize = 10;

/// A part of every bar.
#[derive(Clone, Copy, Debug)]
pub(super) struct Series {
    /// The class that colours it.
    pub(super) class: &'static str,
    /// Its name.
    pub(super) name: &'static str,
}

/// One bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bar {
    /// What it is of.
    pub(super) label: String,
    /// One value for each series.
    pub(super) values: Vec<u64>,
}

impl Bar {
    /// All values together.
    pub(super) fn total(&self) -> u64 {
        self.values.iter().fold(0, |sum, value| sum.saturating_add(*value))
    }
}

/// A chart and its table.
pub(super) struct Chart {
    /// For references within the page.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// What is counted, in a sentence.
    pub(super) about: &'static str,
    /// The head of the table's first column.
    pub(super) of: &'static str,
    pub(super) series: Vec<Series>,
    pub(super) bars: Vec<Bar>,
    /// How many bars are left out; they are in the table.
    pub(super) left_out: usize,
    pub(super) svg: String,
}

impl Chart {
    /// Draws the first `most` bars.
    pub(super) fn draw(mut self, lang: Lang, most: usize) -> Self {
        let drawn = self.bars.get(..most.min(self.bars.len())).unwrap_or_default();
        self.left_out = self.bars.len() - drawn.len();
        self.svg = svg(&self, drawn, lang);
        self
    }
}

fn svg(chart: &Chart, bars: &[Bar], lang: Lang) -> String {
    let longest = bars.iter().map(Bar::total).max().unwrap_or(0).max(1);
    let height = bars.len() * ROW + 8;
    let mut out = String::new();
    // Writing to memory cannot fail.
    let _ = write!(
        out,
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-labelledby=\"{id}-title {id}-about\"><title id=\"{id}-title\">{title}</title>\
         <desc id=\"{id}-about\">{about} {same}</desc>",
        id = chart.id,
        title = escaped(chart.title),
        about = escaped(chart.about),
        same = lang.say("数字见旁边的表格。", "The table beside it has the numbers."),
    );
    let _ =
        write!(out, "<line class=\"axis\" x1=\"{LEFT}\" y1=\"0\" x2=\"{LEFT}\" y2=\"{height}\"/>");
    for (nth, bar) in bars.iter().enumerate() {
        let top = nth * ROW + 4;
        let middle = top + 14;
        let _ = write!(
            out,
            "<g><title>{label}: {total}</title><text class=\"label\" x=\"{x}\" y=\"{middle}\">{short}</text>",
            label = escaped(&bar.label),
            total = bar.total(),
            x = LEFT - 8,
            short = escaped(&short(&bar.label)),
        );
        let mut from = 0;
        for (series, value) in chart.series.iter().zip(&bar.values) {
            if *value == 0 {
                continue;
            }
            let (start, end) = (scaled(from, longest), scaled(from + value, longest));
            from += value;
            let _ = write!(
                out,
                "<rect class=\"s-{class}\" x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"18\">\
                 <title>{label} · {name}: {value}</title></rect>",
                class = series.class,
                x = LEFT + start + 1,
                // What is there is seen, be it ever so little; a gap of one unit parts it from the next.
                width = (end - start).saturating_sub(1).max(2),
                label = escaped(&bar.label),
                name = escaped(series.name),
            );
        }
        let end = LEFT + scaled(bar.total(), longest) + 8;
        let _ = write!(
            out,
            "<text class=\"total\" x=\"{end}\" y=\"{middle}\">{}</text></g>",
            bar.total()
        );
    }
    out.push_str("</svg>");
    out
}

fn scaled(value: u64, longest: u64) -> usize {
    let scaled = u128::from(value) * u128::try_from(BAR).unwrap_or(0) / u128::from(longest.max(1));
    usize::try_from(scaled).unwrap_or(BAR)
}

/// Latin signs are about half as wide as Chinese ones.
fn short(label: &str) -> String {
    let mut width = 0;
    let mut out = String::new();
    for sign in label.chars() {
        width += if sign.is_ascii() { 1 } else { 2 };
        if width > 2 * LABEL {
            out.push('…');
            break;
        }
        out.push(sign);
    }
    out
}

/// Labels come from messages and registers.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // XML knows no others.
            other if other.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(label: &str, values: &[u64]) -> String {
        let series = vec![
            Series { class: "forward", name: "放行" },
            Series { class: "block", name: "拒绝" },
        ];
        let bars = vec![Bar { label: label.to_owned(), values: values.to_vec() }];
        let chart = Chart {
            id: "a",
            title: "按月",
            about: "病例数。",
            of: "月份",
            series,
            bars,
            left_out: 0,
            svg: String::new(),
        };
        chart.draw(Lang::Zh, 5).svg
    }

    #[test]
    fn text_stays_text_and_what_is_hidden_is_told_to_those_who_listen() {
        let svg = chart("<script>\"&'\u{1}", &[1, 0]);
        assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;&quot;&amp;&#39; "));
        assert!(svg.contains("role=\"img\"") && svg.contains("<title id=\"a-title\">按月"));
    }

    #[test]
    fn the_smallest_part_is_seen_and_the_largest_number_overflows_nothing() {
        let svg = chart("x", &[u64::MAX - 1, 1]);
        assert!(svg.contains("class=\"s-block\"") && svg.contains("width=\"2\""), "{svg}");
        assert!(!chart("x", &[0, 0]).contains("<rect"));
    }
}
