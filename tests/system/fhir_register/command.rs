//! `orgate register pull`, and what `orgate check` says of the settings.

use crate::fhir_register::ways::grant;
use crate::support::gate::{Hospital, text};
use crate::support::shelf::{Mood, Shelf, practitioner, role};

#[test]
fn a_dry_run_tells_what_a_pull_would_do_and_a_pull_does_it() {
    let shelf = Shelf::new();
    grant(&shelf);
    let hospital = Hospital::new().set(&shelf.table(""));
    let pull = |more: &[&str]| {
        let out = hospital.run(&[&["register", "pull"], more].concat());
        (out.status.code(), text(&out.stdout), text(&out.stderr))
    };
    let (code, told, _) = pull(&["--dry-run"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("+ grants surgeon_id=D1005 code=06.2x00"), "{told}");
    assert!(told.contains("~ surgeons surgeon_id=D1005"), "{told}");
    assert!(told.contains("1 行原由文件维护") && told.contains("dry run"), "{told}");
    assert!(!told.contains("秦可欣"), "a name in {told}");
    let (code, told, _) = pull(&[]);
    assert!(code == Some(0) && told.contains("register version 2"), "{told}");
    let (_, told, _) = pull(&[]);
    assert!(told.contains("nothing differs, still version 2"), "{told}");
    let exported = hospital.run(&["export", "grants"]);
    assert!(text(&exported.stdout).contains("D1005,06.2x00"));

    shelf.put(role("bad", "qin", "no-such"));
    let (code, told, error) = pull(&[]);
    assert_eq!(code, Some(1), "{told}{error}");
    assert!(told.contains("PractitionerRole/bad: urn:orgate:procedure-grant[0] code: "), "{told}");
    assert!(error.contains("1 faults, nothing was changed"), "{error}");
    shelf.delete("PractitionerRole", "bad");
    shelf.mood(Mood::Empty);
    let (code, _, error) = pull(&[]);
    assert!(code == Some(1) && error.contains("--accept-losses"), "{error}");
    let (code, told, error) = pull(&["--accept-losses"]);
    assert!(code == Some(0) && told.contains("ended 1"), "{told}{error}");
    shelf.mood(Mood::Silent);
    let (code, _, error) = pull(&[]);
    assert!(code == Some(2) && error.contains("cannot be reached"), "{error}");
}

#[test]
fn settings_that_cannot_be_used_are_faults_all_at_once() {
    let hospital = Hospital::new();
    let empty = hospital.file("empty", "");
    let table = format!(
        "[register.fhir]\nurl = \"ftp://fhir.test/fhir?x=1\"\npoll_s = 0\nlicence = \"practice\"\n\
         organizations = [\"h1\"]\ntoken_file = {empty:?}\nserver_name = \"x\"\n\
         [register.fhir.tls]\ncert = \"a.pem\"\n"
    );
    let out = hospital.set(&table).run(&["check"]);
    let told = text(&out.stdout);
    assert_eq!(out.status.code(), Some(2), "{told}");
    for fault in [
        "`url` must be the FHIR base",
        "`poll_s` must be a whole number",
        "`licence` must be system and code",
        "`h1` must be \"Organization/id\"",
        "is empty",
        "a token is not sent in the clear",
        "`cert` and `key` belong together",
        "unknown key `server_name`",
    ] {
        assert!(told.contains(fault), "{fault}: {told}");
    }
    let out = Hospital::new().run(&["register", "pull"]);
    assert!(text(&out.stderr).contains("there is no server to pull from"), "{}", text(&out.stderr));
}

#[test]
fn what_is_pulled_moves_along_when_a_register_moves() {
    let shelf = Shelf::new();
    grant(&shelf);
    shelf.put(practitioner("p2", "N2"));
    let hospital = Hospital::new().set(&shelf.table(""));
    assert!(hospital.run(&["register", "pull"]).status.success());
    let database = crate::support::postgres::Cluster::shared().database();
    let shared = Hospital::empty().sharing(&database.url(), "gate-1").set(&shelf.table(""));
    let from = hospital.data().display().to_string();
    let out = shared.run(&["register", "migrate", "--from", &from]);
    assert!(out.status.success(), "{}{}", text(&out.stdout), text(&out.stderr));
    let out = shared.run(&["register", "pull"]);
    let told = text(&out.stdout);
    assert!(told.contains("nothing differs, still version 2"), "{told}{}", text(&out.stderr));
}
