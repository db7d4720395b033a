//! The register by TLS: a certificate that does not hold is never passed over, and nothing goes without TLS where it was
//! asked for. Certificates are made here, the server is a real one.

use crate::postgres::faults::{nothing_slipped_through, ready, with_register, without_register};
use crate::support::certificates::{Authority, Pair, self_signed};
use crate::support::eventually;
use crate::support::gate::{Hospital, text};
use crate::support::postgres::{Cluster, Database, PASSWORD};
use crate::support::upstream::Upstream;

/// A hospital without routes whose register is asked for so; `ca` is what it trusts.
fn asking(database: &Database, host: &str, asked: &str, ca: Option<&Authority>) -> Hospital {
    let hospital = Hospital::empty();
    let ca = ca.map_or(String::new(), |ca| {
        format!("&sslrootcert={}", hospital.file("database-ca.pem", &ca.pem))
    });
    hospital.sharing(&database.url_asking(host, &format!("{asked}{ca}")), "gate-1")
}

/// Exit code of `orgate check`, and what it says.
fn check(hospital: &Hospital) -> (Option<i32>, String) {
    let out = hospital.run(&["check"]);
    let said = text(&out.stdout);
    assert!(!said.contains(PASSWORD), "a password in {said}");
    (out.status.code(), said)
}

/// Connections of gates (by TCP, as all are) that the server has let in without TLS.
fn in_plain(cluster: &Cluster) -> Vec<String> {
    let let_in =
        |line: &&str| line.contains("connection authorized") && !line.contains("SSL enabled");
    cluster.log().lines().filter(let_in).map(str::to_owned).collect()
}

#[test]
fn gates_share_a_register_by_tls_and_nothing_goes_without_it() {
    let authority = Authority::new("the hospital's CA");
    let cluster = Cluster::secured(&authority.issue("db"), &authority.pem);
    let database = cluster.database();
    let upstream = Upstream::accepting();
    let hospital = asking(&database, "localhost", "sslmode=verify-full", Some(&authority))
        .filled()
        .route("his", upstream.address, &[]);
    let (code, said) = check(&hospital);
    assert!(code == Some(0) && !said.contains("register: warning"), "{said}");
    let mut gate = hospital.start();
    with_register(&gate, "tls");
    let count = "select count(*) || ' ' || count(*) filter (where s.ssl and s.version = 'TLSv1.3') \
         from pg_stat_ssl s join pg_stat_activity a using (pid) where a.datname = ";
    let counted = cluster.asked(&format!("{count} '{}'", database.name()));
    let (all, by_tls) = counted.split_once(' ').expect("two numbers");
    assert!(all == by_tls && all != "0", "{counted}");
    // The one that listens is among them: what is changed is told.
    hospital.grant("D1002", "51.2300", "revoked");
    eventually("the revocation is in force", || {
        let order = crate::support::message::Draft::clean("revoked").bytes();
        (crate::support::reply::code(&gate.connect().ask(&order)) == "AE").then_some(())
    });
    gate.stop();
    assert_eq!(in_plain(&cluster), Vec::<String>::new());
}

#[test]
fn a_database_whose_certificate_does_not_hold_is_not_used_until_it_shows_one_that_does() {
    let authority = Authority::new("the hospital's CA");
    let names = ["localhost", "127.0.0.1"];
    let good = authority.issue("db");
    let cluster = Cluster::secured(&good, &authority.pem);
    let database = cluster.database();
    asking(&database, "localhost", "sslmode=verify-full", Some(&authority)).filled();
    for (name, pair, why) in [
        ("unknown", Authority::new("somebody").issue("db"), "certificate-unknown-issuer"),
        ("itself", self_signed("db"), "certificate-"),
        ("name", authority.issue_for("db", &["elsewhere.test"], (-1, 9)), "certificate-wrong-name"),
        ("expired", authority.issue_for("db", &names, (-9, -2)), "certificate-expired"),
        ("early", authority.issue_for("db", &names, (2, 9)), "certificate-not-valid-yet"),
    ] {
        cluster.show(&pair);
        cluster.reload();
        let upstream = Upstream::accepting();
        let hospital = asking(&database, "localhost", "sslmode=verify-full", Some(&authority));
        let hospital = hospital.route("his", upstream.address, &[]);
        let (code, said) = check(&hospital);
        assert_eq!(code, Some(1), "{name}: {said}");
        assert!(said.contains("TLS with it fails") && said.contains(why), "{name}: {said}");
        let gate = hospital.start();
        gate.says(why);
        without_register(&gate, name);
        cluster.show(&good);
        cluster.reload();
        eventually("the register is back", || ready(&gate).then_some(()));
        with_register(&gate, name);
        nothing_slipped_through(&upstream, &[&hospital]);
    }
    assert_eq!(in_plain(&cluster), Vec::<String>::new());
}

#[test]
fn a_server_that_says_it_has_no_tls_gets_nothing_where_tls_was_asked_for() {
    let database = Cluster::shared().database();
    let authority = Authority::new("the hospital's CA");
    for (asked, ca) in [("sslmode=verify-full", Some(&authority)), ("sslmode=require", None)] {
        let (code, said) = check(&asking(&database, "127.0.0.1", asked, ca));
        assert_eq!(code, Some(1), "{asked}: {said}");
        assert!(said.contains("server does not support TLS"), "{asked}: {said}");
    }
    let made = "select count(*) from pg_namespace where nspname like 'orgate%'";
    assert_eq!(database.psql(made), "0", "nobody was let in");
}

#[test]
fn a_database_that_asks_for_a_certificate_gets_the_gates_and_says_what_is_wrong_with_another() {
    let (authority, stranger) = (Authority::new("the hospital's CA"), Authority::new("somebody"));
    let cluster = Cluster::secured(&authority.issue("db"), &authority.pem);
    let database = cluster.database();
    let name = database.name();
    cluster.admit(&format!(
        "hostssl {name} gate 127.0.0.1/32 scram-sha-256 clientcert=verify-full\n\
         host {name} all all reject"
    ));
    let by = |pair: Option<&Pair>| {
        let hospital = Hospital::empty();
        let mut asked =
            format!("sslmode=verify-full&sslrootcert={}", hospital.file("ca.pem", &authority.pem));
        if let Some(pair) = pair {
            let [cert, key] = hospital.pair("gate", pair);
            asked.push_str(&format!("&sslcert={cert}&sslkey={key}"));
        }
        hospital.sharing(&database.url_asking("127.0.0.1", &asked), "gate-1")
    };
    let (code, said) = check(&by(None));
    assert!(code == Some(1) && said.contains("requires a valid client certificate"), "{said}");
    let (code, said) = check(&by(Some(&authority.issue("another"))));
    assert!(code == Some(1) && said.contains("authentication failed"), "{said}");
    let log = cluster.log();
    assert!(log.contains("CN mismatch"), "for the name in the certificate: {log}");
    let (code, said) = check(&by(Some(&stranger.issue("gate"))));
    assert_eq!(code, Some(1), "{said}");
    let soon = authority.issue_for("gate", &["gate"], (-1, 12));
    let (code, said) = check(&by(Some(&soon)));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("register, upstream: warning: the certificate of gate"), "{said}");
    let upstream = Upstream::accepting();
    let hospital = by(Some(&authority.issue("gate"))).filled();
    let hospital = hospital.route("his", upstream.address, &[]);
    let gate = hospital.start();
    with_register(&gate, "mutual");
    assert!(
        gate.page("/metrics").1.contains("orgate_certificate_expiry_seconds{route=\"register\"")
    );
}

#[test]
fn check_says_when_an_address_leaves_others_room_to_read_along() {
    let of = |url: &str| check(&Hospital::empty().sharing(url, "gate-1"));
    // Nobody is there: what is said does not depend on it.
    let (code, said) = of("postgres://gate@db.invalid/orgate?sslmode=disable");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("register: warning: orgate at db.invalid:5432: privileges"), "{said}");
    let (code, said) = of("postgres://gate@db.invalid/orgate?sslmode=require");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("can pose as the database"), "{said}");
    for undecided in
        ["postgres://gate@db.invalid/orgate", "postgres://gate@db.invalid/orgate?sslmode=prefer"]
    {
        let (code, said) = of(undecided);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("orgate.toml:") && said.contains("does not say sslmode"), "{said}");
    }
}
