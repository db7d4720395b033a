//! Columns of text on a terminal, Chinese included (a Han character is two columns wide).

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A table of rows; every column as wide as its widest cell, but not wider than its limit.
pub(super) struct Table {
    header: Vec<(&'static str, usize)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// `header`: title and widest allowed width of each column; 0 = no limit.
    pub(super) fn new(header: Vec<(&'static str, usize)>) -> Self {
        Self { header, rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        let limits = self.header.iter().map(|(_, limit)| *limit);
        self.rows.push(cells.into_iter().zip(limits).map(|(c, limit)| cut(&c, limit)).collect());
    }

    /// The table as lines, two blanks between columns.
    pub(super) fn lines(&self) -> Vec<String> {
        let titles: Vec<String> =
            self.header.iter().map(|(title, _)| (*title).to_owned()).collect();
        let mut widths: Vec<usize> = titles.iter().map(|t| t.width()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
        let all = [&titles, &rule].into_iter().chain(&self.rows);
        all.map(|row| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| {
                format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width())))
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect()
    }
}

pub(super) fn cut(text: &str, limit: usize) -> String {
    if limit == 0 || text.width() <= limit {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut width = 1;
    for c in text.chars() {
        width += c.width().unwrap_or(0);
        if width > limit {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}
