//! How fast `orgate replay` is, and how much memory it takes: a capture of generated messages through
//! the release binary, with one thread and with as many as there are cores.
//!
//! `cargo bench --bench replay` plays 100,000 messages; `cargo bench --bench replay -- 1000000 out` plays
//! a million and leaves capture and report in the folder `out`.

#![expect(clippy::print_stdout, reason = "a measurement is printed")]

#[path = "../../tests/support/capture.rs"]
mod capture;

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use orgate::clock;

const MESSAGES: usize = 100_000;

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1).filter(|arg| !arg.starts_with("--"));
    let count = args.next().and_then(|arg| arg.parse().ok()).unwrap_or(MESSAGES);
    let scratch = tempfile::tempdir()?;
    let folder = args.next().map_or_else(|| scratch.path().to_owned(), PathBuf::from);
    fs::create_dir_all(&folder)?;
    let config = hospital(&folder)?;
    let capture = folder.join("capture.mllp");
    let mut file = BufWriter::new(fs::File::create(&capture)?);
    capture::write(count, &mut file)?;
    file.flush()?;
    let megabytes = fs::metadata(&capture)?.len() as f64 / 1e6;
    println!("{count} messages, {megabytes:.1} MB");
    let cores = std::thread::available_parallelism()?.get();
    for threads in if cores > 1 { vec![1, cores] } else { vec![1] } {
        let (took, peak) = replay(&folder, &config, &capture, threads)?;
        let rate = count as f64 / took.as_secs_f64();
        println!("{threads} thread(s): {took:.2?}, {rate:.0} messages/s, peak memory {peak}");
    }
    Ok(())
}

/// The sample hospital's register, and a configuration for it.
fn hospital(folder: &Path) -> io::Result<PathBuf> {
    let config = folder.join("orgate.toml");
    let data = folder.join("data");
    let text = format!(
        "[node]\ndata_dir = {:?}\n[[mllp]]\nname = \"his-orders\"\nlisten = \"127.0.0.1:0\"\n\
         upstream = \"127.0.0.1:1\"\nmapping = \"mappings/hl7v2/standard.toml\"\n",
        data.display().to_string()
    );
    fs::write(&config, text)?;
    let mut import = orgate(&config);
    import.arg("import");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/sample");
    for table in
        ["catalogue", "techniques", "dossiers", "surgeons", "grants", "roster", "discussions"]
    {
        import.arg(format!("--{table}")).arg(sample.join(format!("{table}.csv")));
    }
    import.arg("--calendar").arg(sample.join("../lists/calendar-cn.csv"));
    let done = import.stdout(Stdio::null()).status()?;
    assert!(done.success(), "the sample register must load");
    Ok(config)
}

fn orgate(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orgate"));
    command.arg("--config").arg(config);
    command
}

/// Runs it; time, and the most memory the kernel has seen it use.
fn replay(
    folder: &Path,
    config: &Path,
    capture: &Path,
    threads: usize,
) -> io::Result<(Duration, String)> {
    let began = clock::monotonic();
    let mut child = orgate(config)
        .arg("replay")
        .arg(capture)
        .args(["--route", "his-orders", "--threads", &threads.to_string()])
        .arg("--out")
        .arg(folder.join("report.html"))
        .arg("--json")
        .arg(folder.join("report.json"))
        .stdout(Stdio::null())
        .spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = "unknown".to_owned();
    loop {
        if let Some(line) = fs::read_to_string(&status)
            .unwrap_or_default()
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
        {
            peak = line.trim().to_owned();
        }
        if let Some(ended) = child.try_wait()? {
            assert!(ended.success(), "the replay must succeed");
            return Ok((began.elapsed(), peak));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
