//! A gate's register on PostgreSQL, by TLS too, and on a disk that is full; benches use the same cluster.

#[path = "../../support/cluster.rs"]
mod cluster;

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;

pub(crate) use cluster::{Cluster, Database, PASSWORD};

use cluster::Place;

use crate::support::certificates::Pair;
use crate::support::eventually;
use crate::support::gate::Hospital;
use crate::support::room::Room;

impl Cluster {
    /// One that also speaks TLS, with the certificate of `pair`, takes those of clients that `client_ca` has signed, and
    /// writes down who connects.
    pub(crate) fn secured(pair: &Pair, client_ca: &str) -> Self {
        let settings = [
            "ssl=on",
            "ssl_cert_file=server.pem",
            "ssl_key_file=server.key",
            "ssl_ca_file=clients.pem",
            "log_connections=on",
        ];
        let folder = tempfile::tempdir().expect("a folder");
        Self::kept_in(folder, None, &settings, |cluster| {
            cluster.show(pair);
            cluster.write("clients.pem", client_ca);
        })
    }

    /// One whose data lies on a disk of its own, with little room to spare.
    pub(crate) fn on_a_small_disk() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let room = Room::with_disks();
        let place = folder.path().display();
        room.sh(&format!("mount -t tmpfs -o size=160m tmpfs {place}"));
        // `env` only runs what stands behind it.
        let env = room.command("env", "/");
        let words = std::iter::once(env.get_program()).chain(env.get_args());
        let place = Place {
            enter: words.map(OsStr::to_owned).collect(),
            root: room.path(Path::new("/")),
            _keeper: Box::new(room),
        };
        Self::kept_in(folder, Some(place), &[], |_| ())
    }

    /// Takes all the room on its disk, and has it need more.
    pub(crate) fn fill(&mut self) {
        let mut ballast = std::fs::File::create(self.seen().join("ballast")).expect("a file");
        while ballast.write_all(&[0; 4096]).is_ok() {}
        eventually("PostgreSQL gives up", || {
            let more = self.run("postgres", "select pg_switch_wal(); checkpoint");
            (!more.status.success()).then_some(())
        });
    }

    /// Gives the room back, and starts it again if it has ended.
    pub(crate) fn make_room(&mut self) {
        std::fs::remove_file(self.seen().join("ballast")).expect("a file");
        self.stop();
        self.start();
    }

    /// From its next start, or [`Cluster::reload`], this is its certificate.
    pub(crate) fn show(&self, pair: &Pair) {
        self.write("server.pem", &pair.cert);
        self.write("server.key", &pair.key);
    }

    /// Who may connect, before what initdb has written: lines of `pg_hba.conf`.
    pub(crate) fn admit(&self, lines: &str) {
        let before = self.read("pg_hba.conf");
        self.write("pg_hba.conf", &format!("{lines}\n{before}"));
        self.reload();
    }

    /// Has it read its files anew.
    pub(crate) fn reload(&self) {
        assert_eq!(self.asked("select pg_reload_conf()"), "t");
    }
}

impl Hospital {
    /// The register, and what else gates share, in the database at `url`; this gate is called `node`.
    pub(crate) fn sharing(mut self, url: &str, node: &str) -> Self {
        let file = self.file("database", url);
        let shared = format!("[register]\nsource = \"postgres\"\nurl_file = {file:?}\n");
        self.head = self.head.replace("[register]\nwait_ms = 60000\n", &shared);
        self.head = self.head.replace("\"test-gate\"", &format!("{node:?}"));
        self
    }
}
