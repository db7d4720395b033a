//! The progress bar on a terminal: share of bytes, messages, rate, time left.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use crate::clock;

/// Often enough to look alive, seldom enough to cost nothing.
const EVERY: Duration = Duration::from_millis(200);
/// Columns of the bar.
const BAR: usize = 24;

/// Shown only where stderr is a terminal.
pub(super) struct Progress {
    total_bytes: u64,
    began: Instant,
    shown: Option<Instant>,
    terminal: bool,
}

impl Progress {
    /// For files of `total_bytes` together.
    pub(super) fn new(total_bytes: u64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { total_bytes, began: clock::monotonic(), shown: None, terminal }
    }

    /// How long it has taken so far.
    pub(super) fn elapsed(&self) -> Duration {
        clock::monotonic().saturating_duration_since(self.began)
    }

    /// Where the replay stands.
    pub(super) fn show(&mut self, messages: u64, bytes: u64) {
        let now = clock::monotonic();
        let due = self.shown.is_none_or(|at| now.saturating_duration_since(at) >= EVERY);
        if self.terminal && due {
            self.shown = Some(now);
            let line = line(messages, bytes, self.total_bytes, self.elapsed());
            eprint!("\r{line}\x1b[K");
            let _ = std::io::stderr().flush();
        }
    }

    /// Takes the bar away.
    pub(super) fn clear(&mut self) {
        if self.shown.take().is_some() {
            eprint!("\r\x1b[K");
        }
    }
}

/// One line: `[████░░░░] 45 % · 45230 messages · 12300/s · 3 s left`.
fn line(messages: u64, bytes: u64, total: u64, elapsed: Duration) -> String {
    let share = if total == 0 { 1.0 } else { (bytes as f64 / total as f64).min(1.0) };
    let full = (share * BAR as f64) as usize;
    let bar: String = (0..BAR).map(|at| if at < full { '█' } else { '░' }).collect();
    let seconds = elapsed.as_secs_f64().max(0.001);
    let rate = messages as f64 / seconds;
    let left = if share > 0.0 { seconds * (1.0 - share) / share } else { 0.0 };
    format!(
        "[{bar}] {:3.0} % · {messages} 条 messages · {rate:.0}/s · 剩余 left {left:.0} s",
        share * 100.0
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_share_count_rate_and_time_left() {
        let text = line(1_000, 25, 100, Duration::from_secs(2));
        assert_eq!(
            text,
            "[██████░░░░░░░░░░░░░░░░░░]  25 % · 1000 条 messages · 500/s · 剩余 left 6 s"
        );
    }

    #[test]
    fn empty_and_growing_files_make_no_nonsense() {
        assert!(line(0, 0, 0, Duration::ZERO).contains("100 %"));
        assert!(line(5, 200, 100, Duration::from_secs(1)).contains("left 0 s"));
        assert!(line(0, 0, 100, Duration::ZERO).contains("  0 %"));
    }
}
