//! What a search found, taken away as a table: the auditor's, with a purpose, and recorded before it is given.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::tz::TimeZone;

use crate::gate::office::{Look, OfficeError};
use crate::gate::told::Shown;
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::page::message;
use crate::inbound::console::pages::search_asked::Asked;
use crate::inbound::console::pages::sheet::{Cell, SheetForm, download, written};
use crate::inbound::console::pages::visit::{Visit, failed, unwritten};
use crate::inbound::console::pages::words::{Lang, masked, moment};

/// Rows of a table that is taken away.
const EXPORT_MAX: usize = 20_000;
/// Rows of one that names its patients: they are all named in the entry that records it.
const IDENTIFIED_MAX: usize = 2_000;
/// Questions put to the index for one table.
const ROUNDS_MAX: usize = 400;

/// The table of what was found, taken away: recorded with its purpose first.
pub(super) async fn export(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let sent = desk.sent_for_copy(&headers, peer, body, "export_purpose").await;
    let (visit, form, why) = match sent {
        Ok(sent) => sent,
        Err(response) => return response,
    };
    let asked = Asked::read(&form);
    if let Some(fault) = asked.fault(visit.lang) {
        return message(StatusCode::BAD_REQUEST, visit.lang, fault, fault);
    }
    let identified = form.get("identified") == "1";
    let found = match desk.table_of(&visit, &asked, &why, identified).await {
        Ok(found) => found,
        Err(error) => return failed(visit.lang, &error),
    };
    let form = SheetForm::named(form.get("format"));
    let (lang, zone) = (visit.lang, desk.zone().clone());
    let rows = move || table(&found, lang, &zone, identified);
    match written(form, head(lang), rows).await {
        Ok(bytes) => download(form, "orgate-search", bytes),
        Err(error) => unwritten(lang, &error),
    }
}

impl Desk {
    /// Everything that is asked for, up to a limit; whether that was all.
    async fn all_of(
        &self,
        visit: &Visit,
        asked: &Asked,
        most: usize,
    ) -> Result<(Vec<Shown>, bool), OfficeError> {
        let mut found: Vec<Shown> = Vec::new();
        for asked in asked.ways() {
            let mut query = asked.query(self.zone());
            for _ in 0..ROUNDS_MAX {
                let told = self.office.find(&visit.account, &query).await?;
                found.extend(told.decisions);
                query.before = told.next;
                if told.next.is_none() || found.len() >= most {
                    break;
                }
            }
            if !found.is_empty() {
                let whole = query.before.is_none() && found.len() <= most;
                found.truncate(most);
                return Ok((found, whole));
            }
        }
        Ok((found, true))
    }

    async fn table_of(
        &self,
        visit: &Visit,
        asked: &Asked,
        why: &str,
        identified: bool,
    ) -> Result<(Vec<Shown>, bool), OfficeError> {
        let most = if identified { IDENTIFIED_MAX } else { EXPORT_MAX };
        let (found, whole) = self.all_of(visit, asked, most).await?;
        let mut patients: Vec<String> = Vec::new();
        if identified {
            patients.extend(found.iter().filter_map(|shown| shown.patient.clone()));
        }
        patients.extend((!asked.patient.is_empty()).then(|| asked.patient.clone()));
        patients.sort();
        patients.dedup();
        let what = if identified { "search, with patients" } else { "search, masked" };
        let purpose = why.to_owned();
        let look = Look { act: "exported", what, entry: None, patients, purpose };
        self.office.looked(&visit.account, &look).await?;
        Ok((found, whole))
    }
}

/// The table of what was found; `whole` = that was all.
fn table(
    (found, whole): &(Vec<Shown>, bool),
    lang: Lang,
    zone: &TimeZone,
    identified: bool,
) -> Vec<Vec<Cell>> {
    let rows = found.iter().flat_map(|shown| rows(shown, lang, zone, identified));
    let more = (!whole).then(|| {
        let more = lang.say(
            "（超出导出上限，其余未列出）",
            "(more than one table holds; the rest is left out)",
        );
        vec![more.to_owned()]
    });
    let text = |row: Vec<String>| row.into_iter().map(Cell::Text).collect();
    rows.chain(more).map(text).collect()
}

/// One for each surgeon and procedure.
fn rows(shown: &Shown, lang: Lang, zone: &TimeZone, identified: bool) -> Vec<Vec<String>> {
    let number = |number: &str| if identified { number.to_owned() } else { masked(number) };
    let orders: Vec<String> = shown.orders.iter().map(|order| number(order)).collect();
    let row = |case: Option<&crate::gate::told::ShownCase>| {
        let text = |text: Option<&String>| text.cloned().unwrap_or_default();
        let findings = case.map(|case| case.findings.as_slice()).unwrap_or_default();
        let rules = findings.iter().map(|finding| lang.rule(&finding.rule));
        let rules: Vec<String> = shown.gaps.iter().map(|g| lang.rule(g)).chain(rules).collect();
        vec![
            moment(shown.at, zone),
            lang.decision(&shown.decision).to_owned(),
            lang.stage(shown.stage.as_deref()).to_owned(),
            lang.urgency(shown.urgency.as_deref()).to_owned(),
            lang.stance(&shown.stance).to_owned(),
            shown.route.clone(),
            shown.departments.join(";"),
            text(case.and_then(|case| case.surgeon.as_ref())),
            text(case.and_then(|case| case.surgeon_name.as_ref())),
            text(case.and_then(|case| case.procedure.as_ref())),
            text(case.and_then(|case| case.procedure_name.as_ref())),
            case.and_then(|case| case.grade).map(|grade| grade.to_string()).unwrap_or_default(),
            rules.join(";"),
            shown.operating_time.clone().unwrap_or_default(),
            shown.patient.as_deref().map(number).unwrap_or_default(),
            orders.join(";"),
            shown.entry.clone(),
        ]
    };
    if shown.cases.is_empty() {
        return vec![row(None)];
    }
    shown.cases.iter().map(|case| row(Some(case))).collect()
}

const HEAD_ZH: [&str; 17] = [
    "判定时间",
    "判定",
    "环节",
    "类别",
    "处置",
    "路由",
    "科室",
    "术者工号",
    "术者",
    "手术编码",
    "手术",
    "级别",
    "依据",
    "手术时间",
    "患者",
    "申请单号",
    "账本条目",
];

const HEAD_EN: [&str; 17] = [
    "decided",
    "decision",
    "stage",
    "urgency",
    "stance",
    "route",
    "department",
    "surgeon_id",
    "surgeon",
    "code",
    "procedure",
    "grade",
    "findings",
    "operating_time",
    "patient",
    "order_no",
    "entry",
];

fn head(lang: Lang) -> &'static [&'static str] {
    match lang {
        Lang::Zh => &HEAD_ZH,
        Lang::En => &HEAD_EN,
    }
}
