//! `orgate register pull`: surgeons and grants from the FHIR server of [register.fhir], now.

use clap::Args;

use crate::cli::{EXIT_FOUND, EXIT_USAGE, who};
use crate::clock::Clock;
use crate::config::Settings;
use crate::register::record::Fields;
use crate::register::sources::fhir::apply::Applied;
use crate::register::sources::fhir::pull::{PullError, Pulled, Puller, Wish};

#[derive(Debug, Args)]
pub(super) struct PullArgs {
    /// Tell what would be added, changed and ended, change nothing
    #[arg(long)]
    dry_run: bool,
    /// Apply it although more would end at once than loss_max_percent allows; look at --dry-run first
    #[arg(long)]
    accept_losses: bool,
}

/// Pulls; 1: what the server holds has faults or is too little, 2: it or the register cannot be used.
pub(super) async fn pulled(args: &PullArgs, settings: &Settings) -> Result<(), (String, u8)> {
    let usage = |text: String| (text, EXIT_USAGE);
    let Some(from) = settings.fhir_source.clone() else {
        let text = "there is no server to pull from: write `url` into [register.fhir]";
        return Err(usage(text.to_owned()));
    };
    let source = settings.register_at.open_now().await.map_err(|error| usage(error.to_string()))?;
    let who = format!("fhir {}", who());
    let (policy, clock) = (settings.import_policy(), Clock::System);
    let mut puller = Puller::new(from, source.clone(), policy, clock, who);
    let wish = Wish { dry_run: args.dry_run, accept_losses: args.accept_losses };
    let outcome = puller.pull(wish).await;
    source.close().await;
    match outcome {
        Ok(pulled) => {
            tell(&pulled, args.dry_run);
            Ok(())
        }
        Err(PullError::Faults(faults)) => {
            for fault in &faults {
                say!("{fault}");
            }
            let count = faults.len();
            Err((
                format!("{count} 处错误，未改动任何内容 / {count} faults, nothing was changed"),
                EXIT_FOUND,
            ))
        }
        Err(error @ PullError::Loss(_)) => Err((error.to_string(), EXIT_FOUND)),
        Err(error) => Err(usage(error.to_string())),
    }
}

fn tell(pulled: &Pulled, dry_run: bool) {
    let Applied { version, changed, taken_over, consequences, rows, .. } = &pulled.applied;
    for row in rows {
        let sign = match (&row.before, &row.after) {
            (None, _) => "+",
            (_, None) => "-",
            _ => "~",
        };
        let record = row.after.as_deref().or(row.before.as_deref()).unwrap_or_default();
        // Everything but the name: what is printed here ends up in tickets.
        let cells = Fields::split(row.table, record);
        let named = row.table.columns.iter().filter(|column| column.name != "name");
        let cells = named.map(|column| (column.name, cells.get(column.name)));
        let cells = cells.filter(|(_, cell)| !cell.is_empty());
        let cells: Vec<String> = cells.map(|(name, cell)| format!("{name}={cell}")).collect();
        say!("{sign} {} {}", row.table.name, cells.join(" "));
    }
    for (name, c) in [("surgeons", pulled.applied.surgeons), ("grants", pulled.applied.grants)] {
        let shown = rows.iter().filter(|row| row.table.name == name).count();
        let all = c.added + c.changed + c.ended;
        let more = if u64::try_from(shown).unwrap_or(u64::MAX) < all {
            format!("（以上只列出 {shown} 行 / the first {shown} rows stand above）")
        } else {
            String::new()
        };
        say!(
            "{name:<11} 新增 added {}  变更 changed {}  终止 ended {}{more}",
            c.added,
            c.changed,
            c.ended
        );
    }
    if *taken_over > 0 {
        say!(
            "注意 note: {taken_over} 行原由文件维护，今后以 FHIR 服务器为准 / rows that files had stated are the FHIR server's from now on"
        );
    }
    for consequence in consequences {
        say!("影响 consequence: {consequence}");
    }
    say!("{} 个资源 / resources", pulled.listed);
    match (changed, dry_run) {
        (false, _) => {
            say!("与现有登记一致，版本仍为 {version} / nothing differs, still version {version}");
        }
        (true, true) => say!("试运行，未写入 / dry run, nothing was written"),
        (true, false) => say!("登记版本 {version} / register version {version}"),
    }
}
