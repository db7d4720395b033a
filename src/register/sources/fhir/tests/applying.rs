//! Pulls → register: what joins, what ends, what was done here meanwhile, what is refused.

use jiff::civil::date;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::register::change::{Change, Subject, Turn, change};
use crate::register::export::export;
use crate::register::import::{ImportError, Request, import, table};
use crate::register::sources::fhir::apply::{Applied, ApplyError, How, Pull, apply};
use crate::register::sources::fhir::facts::Kind;
use crate::register::sources::fhir::keep;
use crate::register::sources::fhir::loss::{LOSS_FREE, Loss};
use crate::register::sources::fhir::page::page;
use crate::register::sources::fhir::tests::{
    at, bundle, coded, grant, policy, practitioner, reading, role,
};
use crate::register::sources::sql::SqlSource;
use crate::register::sources::sqlite;

const CATALOGUE: &str =
    "code,name,grade,aliases\n51.2300,腹腔镜下胆囊切除术,2,LC\n52.7x00,根治性胰十二指肠切除术,4,\n";

/// A register that pulls are applied to.
pub(super) struct Ward {
    folder: TempDir,
    pub(super) source: SqlSource,
}

impl Ward {
    /// With a catalogue.
    pub(super) async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let source = sqlite::open(&folder.path().join("register.db")).await.unwrap();
        let ward = Self { folder, source };
        ward.import(&[("catalogue", CATALOGUE)]).await.unwrap();
        ward
    }

    pub(super) async fn import(&self, files: &[(&str, &str)]) -> Result<i64, ImportError> {
        let file = |(name, text): &(&str, &str)| {
            let path = self.folder.path().join(format!("{name}.csv"));
            std::fs::write(&path, text).unwrap();
            (table(name).unwrap(), path)
        };
        let request = Request {
            files: files.iter().map(file).collect(),
            merge: false,
            dry_run: false,
            who: "赵六".to_owned(),
            at: at("2026-03-02T00:00:00Z"),
            policy: policy(),
        };
        import(&self.source, &request).await.map(|summary| summary.version)
    }

    /// Everything that the server holds.
    pub(super) async fn pull_all(&self, server: &[Value]) -> Result<Applied, ApplyError> {
        let pull = self.all(server).await;
        apply(&self.source, &pull, &how()).await
    }

    /// What has changed there.
    pub(super) async fn pull_changes(&self, changed: &[Value]) -> Result<Applied, ApplyError> {
        let all = self.all(changed).await;
        apply(&self.source, &Pull { full: false, gone: Vec::new(), ..all }, &how()).await
    }

    pub(super) async fn all(&self, server: &[Value]) -> Pull {
        let mut transaction = self.source.read().await.unwrap();
        let state = keep::state(&mut transaction).await.unwrap();
        let known = keep::known(&mut transaction).await.unwrap();
        transaction.rollback().await.unwrap();
        let mut changed = Vec::new();
        for kind in Kind::ALL {
            let own: Vec<Value> =
                server.iter().filter(|own| own["resourceType"] == kind.as_str()).cloned().collect();
            let page = page(&bundle(&own), kind, &reading()).unwrap();
            assert_eq!(page.faults, []);
            changed.extend(page.resources);
        }
        let here = |(kind, id): &(Kind, String)| {
            changed.iter().any(|own| own.kind() == *kind && own.id == *id)
        };
        let gone = known.into_keys().filter(|key| !here(key)).collect();
        Pull { seq: state.seq, print: reading().print(), full: true, changed, gone }
    }

    async fn turn(&self, subject: Subject, turn: Turn) {
        let wanted = Change {
            subject,
            turn,
            reason: "调查".to_owned(),
            who: "周七".to_owned(),
            at: at("2026-03-02T00:00:00Z"),
            today: date(2026, 3, 2),
        };
        change(&self.source, &wanted).await.unwrap();
    }

    /// The rows of a table: its cells that are not empty, one row a line.
    pub(super) async fn rows(&self, name: &str) -> Vec<String> {
        let sheet = export(&self.source, table(name).unwrap(), &policy().zone).await.unwrap();
        let text = String::from_utf8(sheet.csv(false)).unwrap();
        let lines = text.lines().skip(1);
        lines
            .map(|line| {
                line.split(',').filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(" ")
            })
            .collect()
    }
}

pub(super) fn how() -> How {
    How {
        policy: policy(),
        who: "fhir gate-1".to_owned(),
        at: at("2026-03-02T00:00:00Z"),
        dry_run: false,
        loss_max_percent: 10,
        accept_losses: false,
    }
}

fn nothing() -> Value {
    json!({})
}

fn one(status: &str, document: &str) -> Value {
    let parts = [
        coded("51.2300"),
        json!({"url": "status", "valueCode": status}),
        json!({"url": "document", "valueString": document}),
    ];
    role("r1", "p1", &[grant(&parts)], &nothing())
}

#[tokio::test]
async fn pulled_rows_stand_beside_those_of_files_and_each_ends_only_its_own() {
    let ward = Ward::new().await;
    let files =
        [("surgeons", "surgeon_id,name\nD2,李四\n"), ("grants", "surgeon_id,code\nD2,52.7x00\n")];
    ward.import(&files).await.unwrap();
    let p1 = practitioner("p1", "D1", &nothing());
    let applied = ward.pull_all(&[p1.clone(), one("active", "1号")]).await.unwrap();
    assert_eq!((applied.surgeons.added, applied.grants.added, applied.taken_over), (1, 1, 0));
    let of_file = "D2 52.7x00 perform active none";
    let pulled = "D1 51.2300 perform active 1号 none";
    assert_eq!(ward.rows("grants").await, [pulled, of_file]);
    let version = applied.version;
    let again = ward.pull_all(&[p1.clone(), one("active", "1号")]).await.unwrap();
    assert!(!again.changed && again.version == version, "nothing differs");

    // A file that says nothing of it leaves it, and may grant something to whoever the server knows.
    ward.import(&[
        ("surgeons", "surgeon_id,name\nD2,李四\n"),
        ("grants", "surgeon_id,code\nD1,52.7x00\n"),
    ])
    .await
    .unwrap();
    assert_eq!(ward.rows("grants").await, [pulled, "D1 52.7x00 perform active none"]);
    assert_eq!(ward.rows("surgeons").await.len(), 2);

    // The role is no longer active: said by the role, or by its absence.
    let idle = role("r1", "p1", &[grant(&[coded("51.2300")])], &json!({"active": false}));
    let ended = ward.pull_changes(&[idle]).await.unwrap();
    assert_eq!((ended.grants.ended, ended.surgeons.ended), (1, 0));
    assert_eq!(ward.rows("grants").await, ["D1 52.7x00 perform active none"]);
    let gone = ward.pull_all(&[]).await.unwrap();
    assert_eq!(gone.surgeons.ended, 1, "its surgeon went with it");
    assert_eq!(ward.rows("grants").await, ["D1 52.7x00 perform active none"], "a file's stays");
}

#[tokio::test]
async fn a_suspension_at_the_console_lasts_until_the_server_says_another_word_of_it() {
    let ward = Ward::new().await;
    let p1 = practitioner("p1", "D1", &nothing());
    ward.pull_all(&[p1.clone(), one("active", "1号")]).await.unwrap();
    let code = crate::domain::procedure::ProcedureCode::new("51.2300").unwrap();
    ward.turn(Subject::Grants { surgeon: "D1".to_owned(), code }, Turn::Suspend).await;
    ward.turn(Subject::Surgeon("D1".to_owned()), Turn::Suspend).await;
    let suspended = "D1 51.2300 perform suspended 1号 none";
    for _ in 0..2 {
        ward.pull_all(&[p1.clone(), one("active", "1号")]).await.unwrap();
        assert_eq!(ward.rows("grants").await, [suspended]);
    }
    // The server changes something else: that is taken over, and the suspension stays.
    let renamed = practitioner("p1", "D1", &json!({"name": [{"text": "张三"}]}));
    ward.pull_changes(&[renamed.clone(), one("active", "2号")]).await.unwrap();
    assert_eq!(ward.rows("grants").await, ["D1 51.2300 perform suspended 2号 none"]);
    assert_eq!(ward.rows("surgeons").await, ["D1 张三 suspended primary"]);
    // Its own word about the status counts.
    ward.pull_changes(&[one("revoked", "2号")]).await.unwrap();
    assert_eq!(ward.rows("grants").await, ["D1 51.2300 perform revoked 2号 none"]);
    ward.pull_changes(&[one("active", "2号")]).await.unwrap();
    assert_eq!(ward.rows("grants").await, ["D1 51.2300 perform active 2号 none"]);
}

#[tokio::test]
async fn a_row_that_files_had_stated_is_the_servers_from_then_on_but_stays_suspended() {
    let ward = Ward::new().await;
    let files = [
        ("surgeons", "surgeon_id,name,status\nD1,旧名,suspended\n"),
        ("grants", "surgeon_id,code,status\nD1,51.2300,suspended\n"),
    ];
    ward.import(&files).await.unwrap();
    let server = [practitioner("p1", "D1", &nothing()), one("active", "1号")];
    let applied = ward.pull_all(&server).await.unwrap();
    assert_eq!(applied.taken_over, 2);
    assert_eq!(ward.rows("surgeons").await, ["D1 医师D1 suspended primary"]);
    assert_eq!(ward.rows("grants").await, ["D1 51.2300 perform suspended 1号 none"]);
    ward.pull_all(&[]).await.unwrap();
    assert!(ward.rows("grants").await.is_empty());
}

#[tokio::test]
async fn a_staff_number_that_changes_takes_the_grants_along() {
    let ward = Ward::new().await;
    ward.pull_all(&[practitioner("p1", "D1", &nothing()), one("active", "1号")]).await.unwrap();
    ward.pull_changes(&[practitioner("p1", "D9", &nothing())]).await.unwrap();
    assert_eq!(
        ward.rows("surgeons").await,
        ["D9 医师D1 active primary"].map(|row| row.replace("医师D1", "医师D9"))
    );
    assert_eq!(ward.rows("grants").await, ["D9 51.2300 perform active 1号 none"]);
}

#[tokio::test]
async fn one_bad_resource_keeps_the_whole_pull_out_and_is_named() {
    let ward = Ward::new().await;
    let good = [practitioner("p1", "D1", &nothing()), one("active", "1号")];
    ward.pull_all(&good).await.unwrap();
    let (grants, surgeons) = (ward.rows("grants").await, ward.rows("surgeons").await);
    let granted =
        |id: &str, person: &str, parts: &[Value]| role(id, person, &[grant(parts)], &nothing());
    let p2 = practitioner("p2", "D2", &nothing());
    let word = |name: &str, word: &str| json!({"url": name, "valueCode": word});
    let cases: Vec<(Vec<Value>, &str)> = vec![
        (
            vec![granted("r2", "p1", &[coded("99.9999")])],
            "PractitionerRole/r2: urn:orgate:procedure-grant[0] code: 目录中没有",
        ),
        (
            vec![granted("r2", "p1", &[coded("51.23*")])],
            "PractitionerRole/r2: urn:orgate:procedure-grant[0] code: 必须是完整",
        ),
        (
            vec![granted("r2", "p1", &[word("right", "perform")])],
            "PractitionerRole/r2: urn:orgate:procedure-grant[0] code: code 和 grade 都是空的",
        ),
        (
            vec![granted("r2", "p1", &[coded("52.7x00"), word("right", "cut")])],
            "PractitionerRole/r2: urn:orgate:procedure-grant[0] right: ",
        ),
        (
            vec![granted("r2", "p1", &[coded("51.2300")])],
            "PractitionerRole/r2: urn:orgate:procedure-grant[0]: 与 PractitionerRole/r1 重复",
        ),
        (
            vec![granted("r2", "p7", &[coded("51.2300")])],
            "PractitionerRole/r2: practitioner: 所引用的",
        ),
        (
            vec![practitioner("p2", "D1", &nothing())],
            "Practitioner/p2: identifier: 与 Practitioner/p1 重复",
        ),
        (
            vec![p2.clone(), practitioner("p3", "D2", &nothing())],
            "Practitioner/p3: identifier: 与 Practitioner/p2 重复",
        ),
        (vec![practitioner("p2", "D2", &json!({"name": []}))], "Practitioner/p2: name: 必填"),
    ];
    for (bad, expected) in cases {
        let changed: Vec<Value> = bad
            .iter()
            .cloned()
            .chain(
                [p2.clone()].into_iter().filter(|own| bad.iter().all(|bad| bad["id"] != own["id"])),
            )
            .collect();
        let Err(ApplyError::Faults(faults)) = ward.pull_changes(&changed).await else {
            panic!("{bad:?} passed")
        };
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|fault| fault.starts_with(expected)), "{expected}: {told:?}");
        assert!(!told.join(" ").contains("医师"), "a name in {told:?}");
        assert_eq!(
            (ward.rows("grants").await, ward.rows("surgeons").await),
            (grants.clone(), surgeons.clone())
        );
    }
    // The same grant in two roles, in the same words, is one.
    ward.pull_changes(&[one("active", "1号"), {
        let mut same = one("active", "1号");
        same["id"] = json!("r2");
        same
    }])
    .await
    .unwrap();
    assert_eq!(ward.rows("grants").await, grants);
}

/// So many practitioners, each with one grant of the status that `status` gives it.
fn many(count: u64, status: impl Fn(u64) -> Value) -> Vec<Value> {
    let of = |nth: u64| {
        let person = practitioner(&format!("p{nth}"), &format!("D{nth}"), &nothing());
        let own = role(
            &format!("r{nth}"),
            &format!("p{nth}"),
            &[grant(&[coded("51.2300"), status(nth)])],
            &nothing(),
        );
        [person, own]
    };
    (0..count).flat_map(of).collect()
}

#[tokio::test]
async fn a_pull_that_would_take_away_too_much_at_once_is_refused_until_somebody_accepts_it() {
    let word = |word: &str| json!({"url": "status", "valueCode": word});
    let ended = json!({"url": "period", "valuePeriod": {"end": "2026-01-31"}});
    let total = LOSS_FREE * 2;
    for taken in [word("revoked"), word("suspended"), ended] {
        let ward = Ward::new().await;
        ward.pull_all(&many(total, |_| word("active"))).await.unwrap();
        let some =
            |lost: u64| many(total, |nth| if nth < lost { taken.clone() } else { word("active") });
        let expected = Loss::Rows { table: "grants", lost: LOSS_FREE + 1, total, percent: 10 };
        match ward.pull_all(&some(LOSS_FREE + 1)).await {
            Err(ApplyError::Loss(loss)) => assert_eq!(loss, expected),
            other => panic!("{other:?}"),
        }
        assert!(ward.rows("grants").await.iter().all(|row| row.contains(" active")));
        // A few may go, however few there are.
        ward.pull_all(&some(LOSS_FREE)).await.unwrap();
        let pull = ward.all(&some(total)).await;
        let dry = How { dry_run: true, accept_losses: true, ..how() };
        let told = apply(&ward.source, &pull, &dry).await.unwrap();
        assert!(told.changed);
        assert!(ward.rows("grants").await.iter().any(|row| row.contains(" active")), "a dry run");
        let accepted = How { accept_losses: true, ..how() };
        apply(&ward.source, &pull, &accepted).await.unwrap();
        let left = ward.rows("grants").await;
        assert!(
            left.iter().all(|row| !row.contains(" active") || row.contains("2026-01-31")),
            "{left:?}"
        );
    }
}

#[tokio::test]
async fn grants_that_are_dated_anew_are_not_lost() {
    let from = |day: &str| json!({"url": "period", "valuePeriod": {"start": day}});
    let ward = Ward::new().await;
    let total = LOSS_FREE * 2;
    ward.pull_all(&many(total, |_| from("2025-01-01"))).await.unwrap();
    let applied = ward.pull_all(&many(total, |_| from("2026-01-01"))).await.unwrap();
    assert_eq!((applied.grants.added, applied.grants.ended), (total, total));
    let to_come = ward.pull_all(&many(total, |_| from("2027-01-01"))).await;
    assert!(matches!(to_come, Err(ApplyError::Loss(Loss::Rows { .. }))), "{to_come:?}");
}

#[tokio::test]
async fn of_many_rows_a_share_may_go() {
    let word = |word: &str| json!({"url": "status", "valueCode": word});
    let ward = Ward::new().await;
    let total = LOSS_FREE * 20;
    ward.pull_all(&many(total, |_| word("active"))).await.unwrap();
    let some = |lost: u64| many(total, |nth| word(if nth < lost { "revoked" } else { "active" }));
    let refused = ward.pull_all(&some(total / 10 + 1)).await;
    assert!(matches!(refused, Err(ApplyError::Loss(Loss::Rows { .. }))), "{refused:?}");
    assert_eq!(ward.pull_all(&some(total / 10)).await.unwrap().grants.changed, total / 10);
}

#[tokio::test]
async fn a_pull_that_another_has_overtaken_is_not_applied() {
    let ward = Ward::new().await;
    let server = [practitioner("p1", "D1", &nothing()), one("active", "1号")];
    let older = ward.all(&server).await;
    ward.pull_all(&[practitioner("p1", "D1", &nothing()), one("revoked", "1号")]).await.unwrap();
    let refused = apply(&ward.source, &older, &how()).await;
    assert!(matches!(refused, Err(ApplyError::Overtaken)), "{refused:?}");
    assert_eq!(ward.rows("grants").await, ["D1 51.2300 perform revoked 1号 none"]);
}

#[tokio::test]
async fn other_settings_have_everybody_looked_at_again() {
    let ward = Ward::new().await;
    let server = [practitioner("p1", "D1", &nothing()), one("active", "1号")];
    ward.pull_all(&server).await.unwrap();
    let pull = Pull {
        print: "other".to_owned(),
        changed: Vec::new(),
        gone: Vec::new(),
        ..ward.all(&server).await
    };
    let applied = apply(&ward.source, &pull, &how()).await.unwrap();
    assert!(!applied.changed && applied.state.print == "other");
}
