//! Versions of the register: who changed what when, row by row.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::tz::TimeZone;

use crate::accounts::Permit;
use crate::gate::office::OfficeError;
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::case_facts::{label, word};
use crate::inbound::console::pages::form::Form;
use crate::inbound::console::pages::page::{Frame, html};
use crate::inbound::console::pages::register::silent;
use crate::inbound::console::pages::visit::{Visit, failed};
use crate::inbound::console::pages::words::{Lang, local, masked, moment};
use crate::register::error::RegisterError;
use crate::register::import::TABLES;
use crate::register::look;
use crate::register::record::Fields;
use crate::register::sources::sql::Version;
use crate::register::table::{Kind, Table};

/// Versions of one page.
const PAGE: u32 = 50;
/// Rows of a version that are shown, per table.
const ROWS_MAX: u32 = 200;

/// A version.
struct Line {
    version: i64,
    at: String,
    who: String,
    /// As it was entered.
    what: String,
    /// For people.
    said: String,
}

/// A row that a version changed.
pub(super) struct Changed {
    pub(super) table: String,
    pub(super) key: String,
    pub(super) before: Vec<(String, String)>,
    pub(super) after: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "inbound/console/pages/register/history.html")]
struct HistoryPage {
    frame: Frame,
    lang: Lang,
    at: &'static str,
    lines: Vec<Line>,
    next: Option<i64>,
}

#[derive(Template)]
#[template(path = "inbound/console/pages/register/version.html")]
struct VersionPage {
    frame: Frame,
    lang: Lang,
    at: &'static str,
    line: Line,
    rows: Vec<Changed>,
    cut: bool,
    consequences: Vec<String>,
    applied: bool,
}

/// What a version is about, for people: of an import, the tables and how many rows; of anything else, as it was
/// entered. The fingerprints of the files stand on the version's own page.
fn said(what: &str, lang: Lang) -> String {
    let of_table = |part: &str| {
        let (name, rest) = part.split_once(' ')?;
        let table = TABLES.iter().find(|table| table.name == name)?;
        let mut counts = rest.split(' ');
        let mut count = |sign| counts.next()?.strip_prefix(sign)?.parse::<u64>().ok();
        let (added, changed, ended) = (count('+')?, count('~')?, count('-')?);
        let name = table_name(table, lang);
        Some(match lang {
            Lang::Zh => format!("{name}：新增 {added}、变更 {changed}、终止 {ended}"),
            Lang::En => format!("{name}: {added} added, {changed} changed, {ended} ended"),
        })
    };
    let parts: Option<Vec<String>> = what.split("; ").map(of_table).collect();
    parts.map_or_else(|| what.to_owned(), |parts| parts.join(lang.say("；", "; ")))
}

/// The name of a table.
pub(super) fn table_name(table: &Table, lang: Lang) -> &'static str {
    let zh = match table.name {
        "catalogue" => "手术分级管理目录",
        "techniques" => "技术清单",
        "dossiers" => "技术档案",
        "surgeons" => "手术医师",
        "grants" => "手术授权",
        "roster" => "在院值班表",
        "discussions" => "术前多学科讨论",
        "calendar" => "工作日历",
        _ => table.name,
    };
    lang.say(zh, table.name)
}

/// What differs between two records of a row: of a row that is new or has ended, every filled cell. Patients stay
/// masked.
pub(super) fn changed(
    table: &'static Table,
    before: Option<&str>,
    after: Option<&str>,
    (lang, zone): (Lang, &TimeZone),
) -> Changed {
    let (old, new) =
        (before.map(|b| Fields::split(table, b)), after.map(|a| Fields::split(table, a)));
    let of = |row: Option<&Fields<'_>>, column: &str| {
        let text = row.map(|row| row.get(column)).unwrap_or_default();
        let of_patient = table.name == "discussions" && matches!(column, "patient_id" | "order_no");
        let kind = table.columns.iter().find(|own| own.name == column).map(|own| own.kind);
        match kind {
            _ if of_patient => masked(text),
            Some(Kind::Time | Kind::DayOrTime) => local(text, zone),
            _ => word(text, lang).to_owned(),
        }
    };
    let differ = |column: &&str| match (&old, &new) {
        (Some(old), Some(new)) => old.get(column) != new.get(column),
        _ => true,
    };
    let cells = |row: Option<&Fields<'_>>| {
        let columns = table.columns.iter().map(|column| column.name).filter(differ);
        let columns = columns.filter(|column| !table.key.contains(column));
        let cells = columns.map(|column| (label(column, lang), of(row, column)));
        cells.filter(|(_, text)| !text.is_empty()).collect::<Vec<_>>()
    };
    let one = new.as_ref().or(old.as_ref());
    let key = table.key.iter().map(|column| of(one, column)).filter(|text| !text.is_empty());
    Changed {
        table: table_name(table, lang).to_owned(),
        key: key.collect::<Vec<_>>().join(" "),
        before: cells(old.as_ref()),
        after: cells(new.as_ref()),
    }
}

impl Desk {
    fn version_line(&self, version: Version, lang: Lang) -> Line {
        let at: Option<jiff::Timestamp> = version.at.parse().ok();
        Line {
            version: version.version,
            at: at.map_or(version.at, |at| moment(at, self.zone())),
            who: version.who,
            said: said(&version.what, lang),
            what: version.what,
        }
    }

    async fn version_page(
        &self,
        visit: &Visit,
        version: i64,
        applied: bool,
    ) -> Result<Option<VersionPage>, RegisterError> {
        let source = self.office.source();
        let above = version.saturating_add(1);
        let found = look::versions(source, above, 1).await?.pop();
        let Some(found) = found.filter(|found| found.version == version) else { return Ok(None) };
        let (mut rows, mut cut) = (Vec::new(), false);
        for table in TABLES {
            let (ended, began) = look::of_version(source, table, version, ROWS_MAX).await?;
            let full = |rows: &Vec<String>| rows.len() >= usize::try_from(ROWS_MAX).unwrap_or(0);
            cut |= full(&ended) || full(&began);
            let key = |record: &String| table.key_of(&Fields::split(table, record));
            for new in &began {
                let old = ended.iter().find(|old| key(old) == key(new)).map(String::as_str);
                rows.push(changed(table, old, Some(new), (visit.lang, self.zone())));
            }
            for old in ended.iter().filter(|old| !began.iter().any(|new| key(new) == key(old))) {
                rows.push(changed(table, Some(old), None, (visit.lang, self.zone())));
            }
        }
        let consequences = source.consequences_after(version - 1).await?;
        let own = consequences.iter().filter(|(of, _)| *of == version);
        Ok(Some(VersionPage {
            frame: self.frame(visit, "register").await,
            lang: visit.lang,
            at: "history",
            line: self.version_line(found, visit.lang),
            rows,
            cut,
            consequences: own.map(|(_, consequence)| consequence.to_string()).collect(),
            applied,
        }))
    }
}

/// Versions, the newest first.
pub(super) async fn list(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let visit = match desk.permitted(&headers, peer, Permit::See).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    // What others' departments are granted is not told by the way.
    if visit.account.scope.departments().is_some() {
        return failed(visit.lang, &OfficeError::Unknown);
    }
    let form = Form::read(query.as_deref().unwrap_or_default());
    let before = form.filled("before").and_then(|before| before.parse().ok()).unwrap_or(i64::MAX);
    let versions = match look::versions(desk.office.source(), before, PAGE).await {
        Ok(versions) => versions,
        Err(error) => return silent(&visit, error),
    };
    let full = versions.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
    let next = versions.last().map(|last| last.version).filter(|_| full);
    let page = HistoryPage {
        frame: desk.frame(&visit, "register").await,
        lang: visit.lang,
        at: "history",
        lines: versions.into_iter().map(|version| desk.version_line(version, visit.lang)).collect(),
        next,
    };
    html(StatusCode::OK, &page)
}

/// One version with its rows.
pub(super) async fn show(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    Path(version): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let visit = match desk.permitted(&headers, peer, Permit::See).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let form = Form::read(query.as_deref().unwrap_or_default());
    let sees = visit.account.scope.departments().is_none();
    let Some(version) = version.parse().ok().filter(|version| sees && *version > 0) else {
        return failed(visit.lang, &OfficeError::Unknown);
    };
    match desk.version_page(&visit, version, form.get("done") == "import").await {
        Ok(Some(page)) => html(StatusCode::OK, &page),
        Ok(None) => failed(visit.lang, &OfficeError::Unknown),
        Err(error) => silent(&visit, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_is_said_by_its_tables_and_anything_else_as_it_was_entered() {
        let import = "catalogue +214 ~1 -0 sha256:ab; grants +0 ~0 -3 sha256:cd";
        let expected =
            "手术分级管理目录：新增 214、变更 1、终止 0；手术授权：新增 0、变更 0、终止 3";
        assert_eq!(said(import, Lang::Zh), expected);
        for other in ["suspend grant D1002 51.2300: 复评; 另见", "catalogue +x ~0 -0", ""] {
            assert_eq!(said(other, Lang::Zh), other);
        }
    }
}
