//! A gate's register on PostgreSQL, by TLS too; benches use the same cluster.

#[path = "../../support/cluster.rs"]
mod cluster;

pub(crate) use cluster::{Cluster, Database, PASSWORD};

use crate::support::certificates::Pair;
use crate::support::gate::Hospital;

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
        Self::with(&settings, |cluster| {
            cluster.show(pair);
            cluster.write("clients.pem", client_ca);
        })
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
