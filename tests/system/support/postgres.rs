//! A gate's register on PostgreSQL; benches use the same cluster.

#[path = "../../support/cluster.rs"]
mod cluster;

pub(crate) use cluster::{Cluster, Database, PASSWORD};

use crate::support::gate::Hospital;

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
