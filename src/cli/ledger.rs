//! `orgate ledger verify | show | export`: the chain checked, entries shown or exported, from the files alone.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::ledger;
use crate::ledger::{Entries, Entry, EntryId, Expected, Filter, Head, Kind, LedgerError};

/// What `orgate ledger` is asked.
#[derive(Args, Debug)]
pub(super) struct LedgerArgs {
    /// What to do.
    #[command(subcommand)]
    pub(super) command: LedgerCommand,
}

/// The sub-commands.
#[derive(Subcommand, Debug)]
pub(super) enum LedgerCommand {
    /// 核验账本链条 · Check the chain; exit code 1 if it is broken
    Verify(VerifyArgs),
    /// 显示条目 · Show entries, one a line; a single one (--id) in full
    Show(SelectArgs),
    /// 由账本重建病例索引 · Build the case index (stories, reports, figures) anew from the ledger
    Reindex,
    /// 归档 · Pack closed files of older days: compressed, with a checksum, still part of the chain
    Archive(ArchiveArgs),
    /// 到期清除 · Give away files whose retention has ended; that they are is entered first. The gate must run
    Prune(PruneArgs),
    /// 导出条目 · Export entries as they stand (jsonl), or as a table (csv)
    Export(ExportArgs),
}

/// What to check.
#[derive(Args, Debug)]
pub(super) struct VerifyArgs {
    /// The data directory or its ledger folder; by default that of the configuration
    pub(super) dir: Option<PathBuf>,
    /// Accept that files older than the retention period were removed
    #[arg(long)]
    pub(super) pruned: bool,
    /// A head noted earlier (SEQ:HASH): the chain must still go through it
    #[arg(long, value_name = "SEQ:HASH")]
    pub(super) head: Option<Head>,
}

/// What is packed.
#[derive(Args, Debug)]
pub(super) struct ArchiveArgs {
    /// Only files of days that lie further back
    #[arg(long, value_name = "DAYS", default_value_t = 31)]
    pub(super) older_than: u32,
}

/// For whom.
#[derive(Args, Debug)]
pub(super) struct PruneArgs {
    /// Who; by default the user of the operating system
    #[arg(long, value_name = "NAME")]
    pub(super) by: Option<String>,
}

/// Which entries.
#[derive(Args, Debug)]
pub(super) struct SelectArgs {
    /// The data directory or its ledger folder; by default that of the configuration
    pub(super) dir: Option<PathBuf>,
    /// Only this entry
    #[arg(long, value_parser = entry_id)]
    pub(super) id: Option<EntryId>,
    /// Not before this time (ISO 8601; local if no offset)
    #[arg(long, value_parser = instant)]
    pub(super) since: Option<Timestamp>,
    /// Only before this time
    #[arg(long, value_parser = instant)]
    pub(super) until: Option<Timestamp>,
    /// Only this kind; may be repeated
    #[arg(long, value_parser = kind)]
    pub(super) kind: Vec<Kind>,
}

/// Which entries, and how.
#[derive(Args, Debug)]
pub(super) struct ExportArgs {
    /// Which entries.
    #[command(flatten)]
    pub(super) select: SelectArgs,
    /// The lines as they stand, or a table
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    pub(super) format: Format,
}

/// How entries are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// The lines as they stand: verifiable one by one.
    Jsonl,
    /// seq, time, node, kind, id, body.
    Csv,
}

/// Does what is asked; results go to stdout, faults to stderr. `data_dir` gives the configured directory, and
/// is asked only if the arguments name none. 0 good, 1 broken or nothing found, 2 the files cannot be read.
pub(super) fn run(args: &LedgerArgs, data_dir: impl FnOnce() -> Result<PathBuf, String>) -> u8 {
    let mut out = BufWriter::new(io::stdout().lock());
    run_to(args, data_dir, &mut out, &mut io::stderr().lock())
}

fn run_to(
    args: &LedgerArgs,
    data_dir: impl FnOnce() -> Result<PathBuf, String>,
    out: &mut impl Write,
    faults: &mut impl Write,
) -> u8 {
    let dir = match &args.command {
        LedgerCommand::Verify(args) => &args.dir,
        LedgerCommand::Show(args) => &args.dir,
        LedgerCommand::Export(args) => &args.select.dir,
        LedgerCommand::Reindex | LedgerCommand::Archive(_) | LedgerCommand::Prune(_) => &None,
    };
    let folder = dir.clone().map_or_else(data_dir, Ok).map(|dir| folder(&dir));
    let done = folder.map_err(Fault::Usage).and_then(|folder| match &args.command {
        LedgerCommand::Verify(args) => verify(&folder, args, out),
        LedgerCommand::Show(args) => show(&folder, args, out),
        LedgerCommand::Export(args) => export(&folder, args, out),
        // Those that need more than the files; `cli/reindex.rs` and `cli/retention.rs` have them.
        LedgerCommand::Reindex | LedgerCommand::Archive(_) | LedgerCommand::Prune(_) => {
            Err(Fault::Usage("this needs the configuration".to_owned()))
        }
    });
    let done = done.and_then(|code| out.flush().map(|()| code).map_err(Fault::Output));
    match done {
        Ok(code) => code,
        // Whoever reads the output has seen enough.
        Err(Fault::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => 0,
        Err(fault) => {
            let (code, text) = match fault {
                Fault::Ledger(LedgerError::Broken(broken)) => {
                    (1, format!("账本链条断裂 the ledger is broken: {broken}"))
                }
                Fault::Ledger(error) => (2, error.to_string()),
                Fault::Output(error) => (2, format!("cannot write the output: {}", error.kind())),
                Fault::Usage(text) => (2, text),
            };
            // Nothing is left to say if stderr is closed.
            let _ = writeln!(faults, "{text}");
            code
        }
    }
}

/// Why a command ended early.
enum Fault {
    Ledger(LedgerError),
    Output(io::Error),
    Usage(String),
}

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// People name the data directory or the folder in it.
pub(super) fn folder(dir: &Path) -> PathBuf {
    let below = ledger::store::folder(dir);
    if below.is_dir() { below } else { dir.to_owned() }
}

fn verify(folder: &Path, args: &VerifyArgs, out: &mut impl Write) -> Result<u8, Fault> {
    let verified = ledger::verify(folder, Expected { pruned: args.pruned, head: args.head })?;
    let (entries, files, bytes) = (verified.entries, verified.files, verified.bytes);
    writeln!(out, "账本完整 the ledger is whole: {}", folder.display())?;
    writeln!(out, "条目 entries  {entries}")?;
    writeln!(out, "文件 files    {files} ({bytes} bytes)")?;
    if verified.first_seq > 1 {
        let first = verified.first_seq;
        writeln!(out, "起始 begins at seq {first}; older files were removed 更早的文件已移除")?;
    }
    if let Some(torn) = verified.torn {
        writeln!(
            out,
            "末行不完整（断电或崩溃所致，并非篡改） torn last line, a crash and no tampering: {}, {} bytes",
            torn.file, torn.bytes
        )?;
    }
    writeln!(out, "链首 head     {}", verified.head)?;
    Ok(0)
}

fn select(folder: &Path, args: &SelectArgs) -> Result<Entries, Fault> {
    let kinds = args.kind.clone();
    let filter = Filter { since: args.since, until: args.until, kinds, id: args.id, after: None };
    Ok(ledger::entries(folder, filter)?)
}

fn show(folder: &Path, args: &SelectArgs, out: &mut impl Write) -> Result<u8, Fault> {
    let mut found = false;
    for entry in select(folder, args)? {
        let entry = entry?;
        found = true;
        if args.id.is_some() {
            let whole: serde_json::Value = serde_json::from_str(entry.line()).unwrap_or_default();
            writeln!(out, "{whole:#}")?;
            return Ok(0);
        }
        let Entry { seq, id, kind, .. } = &entry;
        writeln!(out, "{seq}  {}  {:9}  {id}  {}", time(&entry), kind.as_str(), entry.body())?;
    }
    Ok(u8::from(args.id.is_some() && !found))
}

fn export(folder: &Path, args: &ExportArgs, out: &mut impl Write) -> Result<u8, Fault> {
    let entries = select(folder, &args.select)?;
    if args.format == Format::Jsonl {
        for entry in entries {
            writeln!(out, "{}", entry?.line())?;
        }
        return Ok(0);
    }
    let mut table = csv::Writer::from_writer(out);
    let fault = |error: csv::Error| Fault::Output(io::Error::other(error));
    table.write_record(["seq", "time", "node", "kind", "id", "body"]).map_err(fault)?;
    for entry in entries {
        let entry = entry?;
        let (seq, id) = (entry.seq.to_string(), entry.id.to_string());
        let (time, kind) = (time(&entry), entry.kind.as_str());
        let row = [&seq, time, &entry.node, kind, &id, entry.body()];
        table.write_record(row).map_err(fault)?;
    }
    table.flush()?;
    Ok(0)
}

/// The time as the entry writes it, with the hospital's offset.
fn time(entry: &Entry) -> &str {
    let line = entry.line().strip_suffix("\"}").unwrap_or_default();
    line.rsplit_once('"').map_or("", |(_, time)| time)
}

fn entry_id(text: &str) -> Result<EntryId, String> {
    EntryId::parse(text).ok_or_else(|| "an entry id has 26 characters, such as 01JC…".to_owned())
}

fn kind(text: &str) -> Result<Kind, String> {
    let names: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    Kind::from_name(text).ok_or_else(|| format!("kinds are {}", names.join(", ")))
}

fn instant(text: &str) -> Result<Timestamp, String> {
    let local = || {
        let date_time: jiff::civil::DateTime = text.parse()?;
        TimeZone::system().to_timestamp(date_time)
    };
    text.parse().or_else(|_| local()).map_err(|_: jiff::Error| {
        format!("`{text}` is no time: write 2026-03-02, 2026-03-02T08:30 or 2026-03-02T08:30+08:00")
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;
    use crate::clock::Clock;
    use crate::ledger::{Body, Config, Draft, Durability, FileStore, Ledger};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: LedgerArgs,
    }

    fn orgate(dir: &Path, line: &[&str]) -> (u8, String, String) {
        let args = Line::parse_from([&["ledger"], line].concat()).args;
        let (mut out, mut faults) = (Vec::new(), Vec::new());
        let code = run_to(&args, || Ok(dir.to_owned()), &mut out, &mut faults);
        (code, String::from_utf8(out).unwrap(), String::from_utf8(faults).unwrap())
    }

    async fn written() -> (tempfile::TempDir, Vec<EntryId>) {
        let folder = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-03-02T00:30:00Z".parse().unwrap();
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let store = FileStore::open(folder.path()).unwrap();
        let opened = Ledger::open(store, Config::new("gate-1", zone), Clock::Fixed(now));
        let (ledger, _) = opened.unwrap();
        let mut ids = Vec::new();
        for kind in [Kind::Decision, Kind::Delivery] {
            let body = Body::of(&json!({"order": "A-1"})).unwrap();
            let draft = Draft { id: EntryId::new(now), time: now, kind, body };
            ids.push(ledger.append(draft, Durability::OnDisk).await.unwrap().id());
        }
        ledger.close().await;
        (folder, ids)
    }

    #[tokio::test]
    async fn verify_states_entries_files_and_head_and_ends_with_1_on_a_break() {
        let (folder, _) = written().await;
        let (code, out, _) = orgate(folder.path(), &["verify"]);
        assert_eq!(code, 0);
        assert!(out.contains("entries  3") && out.contains("files    1"), "{out}");
        let head = out.lines().last().unwrap().rsplit(' ').next().unwrap().to_owned();
        let ledger_folder = folder.path().join("ledger");
        let named = ledger_folder.to_str().unwrap();
        assert_eq!(orgate(Path::new("/"), &["verify", named, "--head", &head]).0, 0);
        let file = ledger_folder.join("2026-03-02.jsonl");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replacen("A-1", "A-2", 1)).unwrap();
        let (code, _, faults) = orgate(folder.path(), &["verify"]);
        assert_eq!(code, 1);
        assert!(faults.contains("2026-03-02.jsonl line 2 (seq 2): bad hash"), "{faults}");
    }

    #[tokio::test]
    async fn show_and_export_select_by_id_kind_and_time() {
        let (folder, ids) = written().await;
        let id = ids[0].to_string();
        let (code, out, _) = orgate(folder.path(), &["show", "--id", &id]);
        assert!(code == 0 && out.contains("\"order\": \"A-1\""), "{out}");
        let unknown = EntryId::new(Timestamp::UNIX_EPOCH).to_string();
        assert_eq!(orgate(folder.path(), &["show", "--id", &unknown]).0, 1);
        let (_, out, _) = orgate(folder.path(), &["show", "--kind", "delivery"]);
        let expected = format!(
            "3  2026-03-02T08:30:00.000000+08:00  delivery   {}  {{\"order\":\"A-1\"}}\n",
            ids[1]
        );
        assert_eq!(out, expected);
        let (_, out, _) = orgate(folder.path(), &["export", "--since", "2026-03-02T00:30:01Z"]);
        assert_eq!(out, "");
        let (_, out, _) = orgate(folder.path(), &["export", "--format", "csv"]);
        assert_eq!(out.lines().count(), 4);
        assert!(out.starts_with("seq,time,node,kind,id,body\n1,2026-03-02T08:30:00.000000+08:00"));
    }

    #[test]
    fn a_folder_that_is_not_there_is_exit_code_2() {
        let (code, _, faults) = orgate(Path::new("/nonexistent"), &["verify"]);
        assert!(code == 2 && faults.contains("list"), "{faults}");
    }
}
