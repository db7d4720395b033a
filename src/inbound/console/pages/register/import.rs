//! Register files taken in by upload: checked and compared first, every bad row listed; then applied as previewed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use askama::Template;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::accounts::Permit;
use crate::gate::office::Taking;
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::page::{Frame, go, html, message};
use crate::inbound::console::pages::register::history::{Changed, changed, table_name};
use crate::inbound::console::pages::register::upload::{self, Part, text};
use crate::inbound::console::pages::visit::{Visit, failed, from_elsewhere, not_ours};
use crate::inbound::console::pages::words::Lang;
use crate::ledger::EntryId;
use crate::register::import::fault::Wording;
use crate::register::import::{Given, ImportError, ImportSummary, TABLES, table};

/// Uploads that wait at a time; each may be 16 MiB.
const WAITING_MAX: usize = 4;
/// How long one waits to be applied.
const WAITS_FOR: SignedDuration = SignedDuration::from_mins(30);
/// Faults that are listed; who has more begins with these.
const FAULTS_MAX: usize = 500;
/// Longest name of a file that is kept, in characters.
const NAME_MAX: usize = 100;

/// An upload that was previewed.
#[derive(Clone)]
struct Waiting {
    id: String,
    account: String,
    given: Given,
    merge: bool,
    base: i64,
    at: Timestamp,
}

/// Uploads that wait to be applied, in memory only.
#[derive(Clone, Default)]
pub(in crate::inbound::console::pages) struct Uploads(Arc<Mutex<Vec<Waiting>>>);

impl Uploads {
    fn lock(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps one; the oldest makes room.
    fn keep(&self, waiting: Waiting) {
        let mut all = self.lock();
        let now = waiting.at;
        all.retain(|one| now.duration_since(one.at) < WAITS_FOR);
        if all.len() >= WAITING_MAX {
            all.remove(0);
        }
        all.push(waiting);
    }

    /// Takes one away that the account has uploaded.
    fn take(&self, id: &str, account: &str, now: Timestamp) -> Option<Waiting> {
        let mut all = self.lock();
        all.retain(|one| now.duration_since(one.at) < WAITS_FOR);
        let at = all.iter().position(|one| one.id == id && one.account == account)?;
        Some(all.remove(at))
    }
}

#[derive(Template)]
#[template(path = "inbound/console/pages/register/import.html")]
struct ImportPage {
    frame: Frame,
    lang: Lang,
    at: &'static str,
    tables: Vec<(&'static str, &'static str)>,
    may: bool,
}

/// A fault of a row.
struct FaultLine {
    line: String,
    column: String,
    text: String,
}

#[derive(Template)]
#[template(path = "inbound/console/pages/register/preview.html")]
struct PreviewPage {
    frame: Frame,
    lang: Lang,
    at: &'static str,
    file: String,
    table: &'static str,
    merge: bool,
    faults: Vec<FaultLine>,
    fault_count: usize,
    /// Added, changed, ended, unchanged.
    counts: [u64; 4],
    rows: Vec<Changed>,
    notes: Vec<String>,
    consequences: Vec<String>,
    /// What is applied; `None`: nothing to apply.
    upload: Option<String>,
    sha256: String,
}

fn may(visit: &Visit) -> bool {
    visit.account.may(Permit::ChangeRegister) && visit.account.scope.departments().is_none()
}

/// The form.
pub(super) async fn show(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Response {
    let visit = match desk.permitted(&headers, peer, Permit::See).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let tables = TABLES.iter().map(|table| (table.name, table_name(table, visit.lang)));
    let page = ImportPage {
        frame: desk.frame(&visit, "register").await,
        lang: visit.lang,
        at: "import",
        tables: tables.collect(),
        may: may(&visit),
    };
    html(StatusCode::OK, &page)
}

/// The file of a form, as it may be imported.
fn given(parts: &[Part]) -> Option<Given> {
    let table = table(text(parts, "table"))?;
    let part = parts.iter().find(|part| part.name == "file")?;
    let name = part.file.as_deref()?.chars().filter(|sign| !sign.is_control()).take(NAME_MAX);
    Some(Given { table, name: name.collect(), bytes: part.bytes.clone() })
}

/// Checks and compares an upload, and changes nothing.
pub(super) async fn preview(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let visit = match desk.permitted(&headers, peer, Permit::ChangeRegister).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    if from_elsewhere(&headers) {
        return not_ours(visit.lang);
    }
    let Some(parts) = upload::read(&headers, body).await else {
        return message(
            StatusCode::BAD_REQUEST,
            visit.lang,
            "上传不完整或超过 16 MiB；更大的文件请用 orgate import 命令导入。",
            "The upload is not whole, or beyond 16 MiB; larger files go by `orgate import`.",
        );
    };
    if !visit.token.is_form_word(text(&parts, "word")) {
        return not_ours(visit.lang);
    }
    let Some(given) = given(&parts) else {
        return message(
            StatusCode::BAD_REQUEST,
            visit.lang,
            "请选择登记表和文件。",
            "Choose a table and a file.",
        );
    };
    let merge = text(&parts, "merge") == "1";
    let taking = Taking { merge, apply_to: None };
    match desk.office.import(&visit.account, vec![given.clone()], taking).await {
        Ok(outcome) => desk.previewed(&visit, given, merge, outcome).await,
        Err(error) => failed(visit.lang, &error),
    }
}

/// Why nothing was taken in, where it is not the rows.
fn refused(lang: Lang, error: &ImportError) -> Response {
    let zh = match error {
        ImportError::Moved(_) => "预览之后授权库已有变更，请重新上传并核对差异。",
        ImportError::File { .. } => "文件无法读取。",
        ImportError::Faults(_) | ImportError::Register(_) => "授权库暂时无法写入，请稍后重试。",
    };
    message(StatusCode::CONFLICT, lang, zh, &error.to_string())
}

fn in_words(lang: Lang, wording: &Wording) -> String {
    lang.say(&wording.zh, &wording.en).to_owned()
}

impl Desk {
    async fn previewed(
        &self,
        visit: &Visit,
        given: Given,
        merge: bool,
        outcome: Result<ImportSummary, ImportError>,
    ) -> Response {
        let lang = visit.lang;
        let mut page = PreviewPage {
            frame: self.frame(visit, "register").await,
            lang,
            at: "import",
            file: given.name.clone(),
            table: table_name(given.table, lang),
            merge,
            faults: Vec::new(),
            fault_count: 0,
            counts: [0; 4],
            rows: Vec::new(),
            notes: Vec::new(),
            consequences: Vec::new(),
            upload: None,
            sha256: String::new(),
        };
        match outcome {
            Ok(summary) => {
                if summary.changed {
                    page.upload = Some(self.kept(visit, given, merge, &summary));
                }
                page.tell(summary, self.zone());
                html(StatusCode::OK, &page)
            }
            Err(ImportError::Faults(faults)) => {
                page.fault_count = faults.len();
                let line = |fault: &crate::register::import::fault::Fault| FaultLine {
                    line: fault.line.map(|line| line.to_string()).unwrap_or_default(),
                    column: fault.column.clone().unwrap_or_default(),
                    text: in_words(lang, &fault.wording),
                };
                page.faults = faults.iter().take(FAULTS_MAX).map(line).collect();
                html(StatusCode::UNPROCESSABLE_ENTITY, &page)
            }
            Err(error) => refused(lang, &error),
        }
    }

    fn kept(&self, visit: &Visit, given: Given, merge: bool, summary: &ImportSummary) -> String {
        let now = self.office.gate().clock().now();
        let id = EntryId::new(now).to_string();
        let base = summary.version - i64::from(summary.changed);
        let account = visit.account.name.clone();
        self.uploads.keep(Waiting { id: id.clone(), account, given, merge, base, at: now });
        id
    }
}

impl PreviewPage {
    fn tell(&mut self, summary: ImportSummary, zone: &TimeZone) {
        let lang = self.lang;
        if let Some(table) = summary.tables.first() {
            let counts = table.counts;
            self.counts = [counts.added, counts.changed, counts.ended, counts.unchanged];
            self.sha256.clone_from(&table.sha256);
        }
        let rows = summary.rows.iter();
        let rows = rows.map(|row| {
            changed(row.table, row.before.as_deref(), row.after.as_deref(), (lang, zone))
        });
        self.rows = rows.collect();
        self.notes = summary.notes.iter().map(|note| in_words(lang, note)).collect();
        self.consequences = summary.consequences.iter().map(ToString::to_string).collect();
    }
}

/// Applies what was previewed, into the very version that it was previewed against.
pub(super) async fn apply(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let (visit, form) = match desk.sent(&headers, peer, Permit::ChangeRegister, body).await {
        Ok(sent) => sent,
        Err(response) => return response,
    };
    let now = desk.office.gate().clock().now();
    let Some(waiting) = desk.uploads.take(form.get("upload"), &visit.account.name, now) else {
        return message(
            StatusCode::CONFLICT,
            visit.lang,
            "预览已过期或已导入，请重新上传。",
            "The preview is over, or was applied already: upload the file again.",
        );
    };
    let Waiting { given, merge, base, .. } = waiting;
    let taking = Taking { merge, apply_to: Some(base) };
    match desk.office.import(&visit.account, vec![given.clone()], taking).await {
        Ok(Ok(summary)) => go(&format!("/register/history/{}?done=import", summary.version)),
        Ok(Err(error @ ImportError::Moved(_))) => refused(visit.lang, &error),
        Ok(Err(error)) => desk.previewed(&visit, given, merge, Err(error)).await,
        Err(error) => failed(visit.lang, &error),
    }
}
