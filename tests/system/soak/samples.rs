//! How the gate's process stands: memory told apart, files, threads, CPU, what waits where.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::soak::senders::Course;
use crate::support::gate::Gate;

/// So often.
pub(super) const EVERY: Duration = Duration::from_secs(10);

/// One look at the process. Sizes are MiB.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    /// Seconds since the run began.
    pub(super) at: f64,
    /// Memory of its own: what leaks would show in.
    pub(super) own: f64,
    /// Files in its memory: the page cache of what it has mapped, which the kernel takes back at will.
    pub(super) mapped: f64,
    /// Its share of everything, where the kernel tells it.
    pub(super) share: f64,
    pub(super) files: f64,
    pub(super) threads: f64,
    /// Processor time so far, in seconds.
    pub(super) cpu: f64,
    /// Entries in the ledger.
    pub(super) entries: f64,
    /// Entries that readers of the ledger are behind, by their names.
    pub(super) behind: BTreeMap<String, f64>,
    /// The write-ahead logs of its databases together.
    pub(super) wal: f64,
}

impl Sample {
    pub(super) fn take(gate: &Gate, course: Course) -> Self {
        let process = format!("/proc/{}", gate.pid());
        let status = text(&format!("{process}/status"));
        let rollup = std::fs::read_to_string(format!("{process}/smaps_rollup")).unwrap_or_default();
        let counters = Counters::of(gate);
        Self {
            at: course.began.elapsed().as_secs_f64(),
            own: kib(&status, "RssAnon:") / 1024.0,
            mapped: (kib(&status, "RssFile:") + kib(&status, "RssShmem:")) / 1024.0,
            share: kib(&rollup, "Pss:") / 1024.0,
            files: count(std::fs::read_dir(format!("{process}/fd")).map_or(0, Iterator::count)),
            threads: kib(&status, "Threads:"),
            cpu: cpu(&process),
            entries: counters.one("orgate_ledger_seq"),
            behind: counters.behind(),
            wal: wal(gate.data()),
        }
    }

    /// Behind most.
    pub(super) fn most_behind(&self) -> f64 {
        self.behind.values().copied().fold(0.0, f64::max)
    }
}

fn text(file: &str) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn kib(text: &str, key: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0.0)
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).expect("not so many"))
}

/// User and system time; the kernel counts hundredths of a second.
fn cpu(process: &str) -> f64 {
    let stat = text(&format!("{process}/stat"));
    let (_, rest) = stat.rsplit_once(')').expect("a name in brackets");
    let mut times = rest.split_whitespace().skip(11).map(|ticks| ticks.parse().unwrap_or(0.0));
    let mut next = || -> f64 { times.next().unwrap_or(0.0) };
    (next() + next()) / 100.0
}

fn wal(data: &Path) -> f64 {
    let files = std::fs::read_dir(data).expect("the folder can be listed").map_while(Result::ok);
    let logs = files.filter(|file| file.file_name().to_string_lossy().ends_with("-wal"));
    let bytes = logs.filter_map(|file| Some(file.metadata().ok()?.len())).sum::<u64>();
    count(usize::try_from(bytes / 1024).expect("not so large")) / 1024.0
}

/// `/metrics`, read.
pub(super) struct Counters(Vec<(String, f64)>);

impl Counters {
    pub(super) fn of(gate: &Gate) -> Self {
        let (_, page) = gate.page("/metrics");
        let lines = page.lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        });
        Self(pairs.collect())
    }

    /// The sum of all with this name and these labels.
    pub(super) fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let own = self.0.iter().filter(|(own, _)| {
            let rest = own.strip_prefix(name).unwrap_or("?");
            (rest.is_empty() || rest.starts_with('{'))
                && labels.iter().all(|label| rest.contains(label))
        });
        own.map(|(_, value)| value).sum()
    }

    pub(super) fn one(&self, name: &str) -> f64 {
        self.sum(name, &[])
    }

    fn behind(&self) -> BTreeMap<String, f64> {
        let of = |(name, value): &(String, f64)| {
            let (kind, label) = name.split_once('{')?;
            let reader = label.split('"').nth(1)?;
            kind.ends_with("_backlog_entries").then(|| (reader.to_owned(), *value))
        };
        self.0.iter().filter_map(of).collect()
    }
}

/// The middle one.
pub(super) fn median(samples: &[Sample], of: fn(&Sample) -> f64) -> f64 {
    let mut sorted: Vec<f64> = samples.iter().map(of).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// How much something grows in a second, by least squares.
pub(super) fn slope(samples: &[Sample], of: fn(&Sample) -> f64) -> f64 {
    let number = count(samples.len());
    let mean = |of: &dyn Fn(&Sample) -> f64| samples.iter().map(of).sum::<f64>() / number;
    let (at, value) = (mean(&|sample| sample.at), mean(&of));
    let both: f64 = samples.iter().map(|s| (s.at - at) * (of(s) - value)).sum();
    let own: f64 = samples.iter().map(|s| (s.at - at).powi(2)).sum();
    both / own
}

/// Least and greatest.
pub(super) fn range(samples: &[Sample], of: fn(&Sample) -> f64) -> (f64, f64) {
    let values = samples.iter().map(of);
    values.fold((f64::MAX, f64::MIN), |(least, most), one| (least.min(one), most.max(one)))
}
