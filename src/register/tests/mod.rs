//! Tests of the register, by kind: faults of files, forms of files, history, answers, following.

mod answers;
mod changes;
mod consequences;
mod faults;
mod files;
mod following;
mod history;
mod lists;
mod questions;
mod shipped;
mod stub;
mod warm;

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tempfile::TempDir;

use crate::register::import::policy::{InstitutionLevel, Policy};
use crate::register::import::{ImportError, ImportSummary, Request, import, table};
use crate::register::sources::sql::SqlSource;
use crate::register::sources::sqlite;

const CATALOGUE: &str = "code,name,grade,aliases\n\
    51.2300,腹腔镜下胆囊切除术,2,51.2300x001;LC\n\
    52.7x00,根治性胰十二指肠切除术,4,\n";
const SURGEONS: &str = "surgeon_id,name,department\nD1,张三,普外科\nD2,李四,普外科\n";
const GRANTS: &str = "surgeon_id,code,grade,document_no\n\
    D1,52.7x00,,院发1号\nD1,,2,院发1号\nD2,LC,,院发2号\n";
const ROSTER: &str = "surgeon_id,from,to,site\nD1,2026-03-02T08:00,2026-03-02T18:00,东院\n";

const TECHNIQUES: &str = "item,kind,list,name,codes,diagnoses,valid_from\n\
    T1,restricted,national,限制技术,39.65*;17.4*,,2022-04-20\n\
    T1,restricted,institution,限制技术,SS0240,,\n\
    T2,prohibited,national,禁止技术,45.91;45.9104,E11,2025-07-09\n";
const DOSSIERS: &str = "item,self_assessed_on,first_case_on\nT1,2025-11-10,2026-01-12\n";
const DISCUSSIONS: &str = "discussion_id,patient_id,held_on,order_no,codes,disciplines,contents,conclusion\n\
    M1,P1,2026-02-27,SQ1,52.7x00,外科;肿瘤科;外科,risk;indication,approved\n\
    M2,P1,2026-02-28T15:30,,,外科,,\n\
    M3,P2,2026-02-26,SQ1,,,,rejected\n";
const CALENDAR: &str = "date,kind\n2026-01-01,holiday\n2026-01-04,workday\n";

/// A register in a folder of its own.
struct Hospital {
    folder: TempDir,
    source: SqlSource,
}

impl Hospital {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let source = sqlite::open(&folder.path().join("register.db")).await.unwrap();
        Self { folder, source }
    }

    async fn filled() -> Self {
        let hospital = Self::new().await;
        let files = [
            ("catalogue", CATALOGUE),
            ("techniques", TECHNIQUES),
            ("dossiers", DOSSIERS),
            ("surgeons", SURGEONS),
            ("grants", GRANTS),
            ("roster", ROSTER),
            ("discussions", DISCUSSIONS),
            ("calendar", CALENDAR),
        ];
        hospital.import(&files).await.unwrap();
        hospital
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn request(&self, files: &[(&str, &[u8])]) -> Request {
        let file = |(name, bytes): &(&str, &[u8])| {
            (table(name).unwrap(), self.file(&format!("{name}.csv"), bytes))
        };
        Request {
            files: files.iter().map(file).collect(),
            merge: false,
            dry_run: false,
            who: "赵六".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            policy: policy(InstitutionLevel::Tertiary),
        }
    }

    async fn import(&self, files: &[(&str, &str)]) -> Result<ImportSummary, ImportError> {
        let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
        import(&self.source, &self.request(&files)).await
    }

    async fn merge(&self, files: &[(&str, &str)]) -> Result<ImportSummary, ImportError> {
        let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
        let request = Request { merge: true, ..self.request(&files) };
        import(&self.source, &request).await
    }

    async fn csv(&self, name: &str) -> String {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let sheet =
            crate::register::export::export(&self.source, table(name).unwrap(), &zone).await;
        String::from_utf8(sheet.unwrap().csv(false)).unwrap()
    }
}

fn policy(institution_level: InstitutionLevel) -> Policy {
    Policy { institution_level, zone: TimeZone::get("Asia/Shanghai").unwrap() }
}

/// The faults as `file name:line: column: English`.
fn faults(outcome: Result<ImportSummary, ImportError>) -> Vec<String> {
    let Err(ImportError::Faults(faults)) = outcome else {
        panic!("faults expected, got {outcome:?}")
    };
    let one = |fault: &crate::register::import::fault::Fault| {
        let file = fault.file.rsplit('/').next().unwrap_or_default();
        let line = fault.line.map(|line| format!(":{line}")).unwrap_or_default();
        let column = fault.column.as_deref().unwrap_or("-");
        format!("{file}{line} {column}: {}", fault.wording.en)
    };
    faults.iter().map(one).collect()
}

/// Waits for a condition, not for a time.
async fn eventually<F: AsyncFnMut() -> bool>(mut condition: F) {
    for _ in 0..2_000 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the condition was never met");
}
