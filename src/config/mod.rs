//! As written → checked settings: every fault of configuration and mappings at once, before anything binds.

mod check;
mod console;
mod desk;
pub mod fault;
mod feed;
mod fhir;
mod fhir_source;
mod mapping;
mod oidc;
mod privileges;
mod reader;
mod route;
mod telemetry;
mod tls;
pub mod written;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

pub use check::{load, load_node, read};
pub use console::Console;
pub use desk::Desk;
pub use telemetry::Traces;
pub use tls::{Certificate, Side};

use crate::clock::Clock;
use crate::config::written::Written;
use crate::feed as feeds;
use crate::inbound::{fhir as fhir_inbound, mllp};
use crate::ledger;
use crate::overrides::Ladder;
use crate::register;
use crate::register::import::policy::InstitutionLevel;
use crate::register::sources::Place;
use crate::register::sources::fhir::pull;
use crate::rules::Policy;

/// A configuration that has been checked in full.
#[derive(Debug)]
pub struct Settings {
    /// This gate.
    pub node: Node,
    /// Where privileges live.
    pub register: register::Config,
    /// In which database.
    pub register_at: Place,
    /// The FHIR server that surgeons and grants are pulled from.
    pub fhir_source: Option<pull::Settings>,
    /// What the institution has set.
    pub policy: Policy,
    /// Who is told when an override file is not reviewed in time.
    pub ladder: Ladder,
    /// The institution's level, for the catalogue lint (SZ 9).
    pub institution_level: InstitutionLevel,
    /// Calendar days after the operating day by which a case of a restricted technique must be reported.
    pub report_due_days: u32,
    /// The ledger.
    pub ledger: ledger::Config,
    /// Its folder.
    pub ledger_dir: PathBuf,
    /// Days for which the ledger's files are kept at least.
    pub retention_days: u32,
    /// Whether clean forwards wait for the disk.
    pub sync_every: bool,
    /// Longer messages are kept in the ledger by hash only, in bytes.
    pub keep_message_max: usize,
    /// The HL7 v2 routes.
    pub mllp: Vec<Arc<mllp::Config>>,
    /// The FHIR routes.
    pub fhir: Vec<Arc<fhir_inbound::Config>>,
    /// Who is told.
    pub feeds: Vec<feeds::Config>,
    /// The console port: health and metrics, CDS Hooks, the decision API.
    pub console: Console,
    /// Where traces of messages go.
    pub traces: Option<Traces>,
    /// The longest that a bypass may last.
    pub bypass_longest: SignedDuration,
    /// How long a stopping gate waits for messages in flight.
    pub drain: Duration,
    /// Whether a file that is edited is taken up by itself, or only at a signal.
    pub watch: bool,
    /// As it is written.
    pub written: Written,
}

impl Settings {
    /// The embedded case index: beside the register, and not in its file, since it may be deleted.
    pub fn cases_file(&self) -> PathBuf {
        self.node.data_dir.join("cases.db")
    }

    /// What feeds stand on.
    pub fn feed_ground(&self, clock: Clock) -> feeds::Ground {
        feeds::Ground {
            folder: feeds::folder(&self.node.data_dir),
            ledger_folder: self.ledger_dir.clone(),
            node: self.node.name.clone(),
            zone: self.node.zone.clone(),
            clock,
        }
    }

    /// Accounts and sessions: precious.
    pub fn accounts_file(&self) -> PathBuf {
        self.node.data_dir.join("accounts.db")
    }

    /// The search index and that of override files: derived from the ledger, may be deleted.
    pub fn search_file(&self) -> PathBuf {
        self.node.data_dir.join("search.db")
    }

    /// Stances that people have changed at the console: precious.
    pub fn stances_file(&self) -> PathBuf {
        self.node.data_dir.join("stances.json")
    }

    /// Whether the gate is switched off, until when: of this gate's life, not of its data.
    pub fn bypass_file(&self) -> PathBuf {
        self.node.data_dir.join("bypass.json")
    }

    /// What reading register files needs of the settings.
    pub fn import_policy(&self) -> register::import::policy::Policy {
        register::import::policy::Policy {
            institution_level: self.institution_level,
            zone: self.node.zone.clone(),
        }
    }
}

/// This gate.
#[derive(Clone, Debug)]
pub struct Node {
    /// In every ledger entry.
    pub name: String,
    /// Ledger and embedded register.
    pub data_dir: PathBuf,
    /// The hospital's time zone.
    pub zone: TimeZone,
}
