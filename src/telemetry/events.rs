//! Named events: one struct each, whose `emit` holds its log line and its counter. No other file logs or counts.
//!
//! Levels by what the operator must do: error = act now, warn = look today, info = know, debug = trace.
//! Fields never hold patient data: names of routes, ids of entries, rule ids, numbers.

use std::net::SocketAddr;

use metrics::counter;
use tracing::{debug, error, info, trace, warn};

use crate::domain::verdict::{Decision, Gap, Stance, Verdict};

/// A checked message was judged.
pub struct Judged<'e> {
    /// Route.
    pub route: &'e str,
    /// Decision.
    pub decision: Decision,
    /// Acted on or only observed.
    pub stance: Stance,
    /// Ledger entry.
    pub entry: &'e str,
    /// For the rule ids.
    pub verdict: &'e Verdict,
}

impl Judged<'_> {
    /// Counts every one; logs those that somebody should know of.
    pub fn emit(self) {
        counter!("orgate_messages_total", "route" => self.route.to_owned(),
            "decision" => self.decision.as_str(), "stance" => self.stance.as_str())
        .increment(1);
        for gap in &self.verdict.gaps {
            counter!("orgate_gaps_total", "gap" => gap.as_str()).increment(1);
        }
        if self.decision == Decision::Forward {
            debug!(route = self.route, entry = self.entry, decision = "forward", "judged");
            return;
        }
        let rules: Vec<&str> = self.verdict.findings().map(|(_, f)| f.rule.as_str()).collect();
        let gaps: Vec<&str> = self.verdict.gaps.iter().map(|gap| gap.as_str()).collect();
        info!(
            route = self.route,
            entry = self.entry,
            decision = self.decision.as_str(),
            stance = self.stance.as_str(),
            rules = rules.join(","),
            gaps = gaps.join(","),
            "judged"
        );
    }
}

/// A message took the short way.
pub struct NotSurgical<'e> {
    /// Route.
    pub route: &'e str,
    /// Scheduling that met no surgical test: unmapped theatre bookings would show here.
    pub scheduling: bool,
}

impl NotSurgical<'_> {
    /// Counts, never logs: this is the bulk of a feed.
    pub fn emit(self) {
        counter!("orgate_messages_total", "route" => self.route.to_owned(),
            "decision" => "not-surgical", "stance" => "")
        .increment(1);
        if self.scheduling {
            counter!("orgate_scheduling_not_surgical_total", "route" => self.route.to_owned())
                .increment(1);
        }
    }
}

/// Somebody asked what would become of an order.
pub struct Inquired<'e> {
    /// By which interface.
    pub interface: &'static str,
    /// What would be decided.
    pub decision: Decision,
    /// Ledger entry.
    pub entry: &'e str,
}

impl Inquired<'_> {
    /// Counts; the ledger holds the rest.
    pub fn emit(self) {
        counter!("orgate_inquiries_total", "interface" => self.interface,
            "decision" => self.decision.as_str())
        .increment(1);
        debug!(interface = self.interface, entry = self.entry, "inquiry answered");
    }
}

/// Gaps are counted by name, from the start.
pub(in crate::telemetry) fn begin_gaps() {
    for gap in Gap::ALL {
        counter!("orgate_gaps_total", "gap" => gap.as_str()).increment(0);
    }
}

pub(in crate::telemetry) use crate::telemetry::named::events;

events! {
    /// An identical retransmission of a refused message got the same answer.
    info "orgate_refusals_repeated_total" "refusal repeated"
    RefusalRepeated<'e> {
        /// Route.
        route: &'e str,
    }
    /// An inquiry was not answered, since it could not be recorded.
    error "orgate_inquiries_unrecorded_total" "inquiry not answered: the ledger cannot write, look at its disk"
    InquiryUnrecorded {
        /// By which interface.
        interface: &'static str,
    }
    /// An inquiry was not taken: its caller is not known, or too many come at a time.
    warn "orgate_inquiries_turned_away_total" "inquiry turned away"
    InquiryTurnedAway {
        /// By which interface.
        interface: &'static str,
        /// Why, of a bounded set.
        why: &'static str,
    }
    /// Keys or tokens of callers could not be read.
    warn "orgate_caller_keys_unreadable_total" "keys of a caller cannot be read, what was known before is used"
    CallerKeysUnreadable<'e> {
        /// Of whom.
        whose: &'e str,
        /// Why.
        why: &'e dyn std::fmt::Display,
    }
    /// A life-saving attestation was given beforehand.
    info "orgate_attestations_total" "emergency attested beforehand"
    Attested<'e> {
        /// Its entry.
        entry: &'e str,
        /// The inquiry it is about.
        inquiry: &'e str,
    }
    /// The register could not be asked for a person.
    warn "orgate_privileges_unavailable_total" "privileges unavailable"
    PrivilegesUnavailable {}
    /// A checked message moved without an entry, because the ledger is down and it may not wait.
    error "orgate_moved_unrecorded_total" "moved unrecorded: the ledger cannot write, look at its disk"
    MovedUnrecorded<'e> {
        /// Route.
        route: &'e str,
        /// The id it will be entered under.
        entry: &'e str,
        /// Which gap.
        gap: GapName,
    }
    /// A message was refused because, or while, the ledger is down.
    error "orgate_refused_unrecorded_total" "refused unrecorded: the ledger cannot write, look at its disk"
    RefusedUnrecorded<'e> {
        /// Route.
        route: &'e str,
        /// The id it will be entered under.
        entry: &'e str,
        /// Which gap.
        gap: GapName,
    }
    /// A route listens.
    info "orgate_routes_listening_total" "route listening"
    RouteListening<'e> {
        /// Route.
        route: &'e str,
        /// Address.
        listen: SocketAddr,
    }
    /// The console port listens.
    info "orgate_consoles_listening_total" "console listening"
    ConsoleListening {
        /// Address.
        listen: SocketAddr,
    }
    /// Accepting a connection failed.
    warn "orgate_accept_failures_total" "cannot accept connections, look at the limit of open files"
    AcceptFailed<'e> {
        /// Route.
        route: &'e str,
        /// What the system says.
        error: std::io::Error,
    }
    /// A connection was opened.
    debug "orgate_connections_opened_total" "connection opened"
    ConnectionOpened<'e> {
        /// Route.
        route: &'e str,
    }
    /// A connection ended.
    debug "orgate_connections_closed_total" "connection closed"
    ConnectionClosed<'e> {
        /// Route.
        route: &'e str,
        /// Why, of a bounded set.
        why: &'static str,
    }
    /// The limit of connections is reached; the new one was closed.
    warn "orgate_connections_refused_total" "connection refused: max_connections reached"
    ConnectionRefused<'e> {
        /// Route.
        route: &'e str,
    }
    /// The downstream system cannot be connected to.
    error "orgate_upstream_failures_total" "upstream cannot be reached, the sender's connection is closed"
    UpstreamFailed<'e> {
        /// Route.
        route: &'e str,
        /// Why, of a bounded set.
        why: &'static str,
    }
    /// The downstream system did not answer in time.
    warn "orgate_upstream_timeouts_total" "upstream did not answer in time, the sender's connection is closed"
    UpstreamSilent<'e> {
        /// Route.
        route: &'e str,
    }
    /// A reply belongs to no message in flight.
    warn "orgate_replies_dropped_total" "late or foreign reply dropped"
    ReplyDropped<'e> {
        /// Route.
        route: &'e str,
    }
    /// Bytes outside frames.
    debug "orgate_outside_frames_total" "bytes outside frames"
    OutsideFrames<'e> {
        /// Route.
        route: &'e str,
        /// How many.
        bytes: usize,
        /// Dropped or forwarded.
        fate: &'static str,
    }
    /// A message or frame could not be read with certainty.
    warn "orgate_unreadable_total" "message unreadable"
    Unreadable<'e> {
        /// Route.
        route: &'e str,
        /// Why, of a bounded set.
        why: &'static str,
    }
    /// A refusal could not be told: the sender asked for no answer (MSH-15/16).
    error "orgate_refusals_untold_total" "refused, but the sender wants no answer: tell the department"
    RefusalUntold<'e> {
        /// Route.
        route: &'e str,
    }
    /// A connection that only observes is relayed as it is, because its bytes cannot be framed.
    warn "orgate_relayed_unframed_total" "observed connection cannot be framed, relaying it unread"
    RelayedUnframed<'e> {
        /// Route.
        route: &'e str,
        /// Why, of a bounded set.
        why: &'static str,
    }
    /// A FHIR request that is none of the gate's business was streamed.
    trace "orgate_fhir_streamed_total" "streamed"
    FhirStreamed<'e> {
        /// Route.
        route: &'e str,
    }
    /// A FHIR request outside the base was answered 404.
    debug "orgate_fhir_outside_base_total" "outside the FHIR base"
    FhirOutsideBase<'e> {
        /// Route.
        route: &'e str,
    }
    /// The FHIR server cannot be reached, or broke off.
    error "orgate_fhir_upstream_failures_total" "FHIR server cannot be reached"
    FhirUpstreamFailed<'e> {
        /// Route.
        route: &'e str,
        /// Why, of a bounded set.
        why: &'static str,
    }
    /// The FHIR server did not begin its response in time.
    warn "orgate_fhir_upstream_timeouts_total" "FHIR server did not answer in time"
    FhirUpstreamSilent<'e> {
        /// Route.
        route: &'e str,
    }
    /// Too many bodies are held to take another one.
    warn "orgate_fhir_overloaded_total" "too many request bodies at a time"
    FhirOverloaded<'e> {
        /// Route.
        route: &'e str,
    }
    /// The ledger is open.
    info "orgate_ledger_opened_total" "ledger opened"
    LedgerOpened {
        /// The last entry.
        seq: u64,
        /// What one small durable write takes on this disk, in microseconds; 0 = not measured.
        sync_us: u128,
    }
    /// A torn last line, left by a crash, was cut.
    warn "orgate_ledger_torn_total" "torn last line cut, as after a crash"
    LedgerTorn<'e> {
        /// Which file.
        file: &'e str,
        /// How many bytes.
        bytes: u64,
    }
    /// The ledger cannot write.
    error "orgate_ledger_down_total" "the ledger cannot write, look at its disk now"
    LedgerDown {
        /// What the system says.
        fault: std::io::ErrorKind,
    }
    /// The ledger can write again.
    warn "orgate_ledger_back_total" "the ledger writes again"
    LedgerBack {
        /// Entries that found no room meanwhile.
        lost: u64,
    }
    /// The register does not answer.
    error "orgate_register_down_total" "the register does not answer, cached privileges are used"
    RegisterDown<'e> {
        /// What it says, or what the system says.
        why: &'e str,
    }
    /// The register answers again.
    warn "orgate_register_back_total" "the register answers again"
    RegisterBack {}
    /// The register has a new version, now in force.
    info "orgate_register_changes_total" "register changed"
    RegisterChanged {
        /// Which.
        version: i64,
    }
    /// What changed the register cannot be read; it is tried again.
    warn "orgate_register_unentered_total" "the register's changes cannot be entered yet, they will be tried again"
    RegisterUnentered<'e> {
        /// Why.
        error: &'e dyn std::fmt::Display,
    }
    /// The case index cannot be written; what is entered waits in memory.
    warn "orgate_cases_unwritten_total" "the case index cannot be written, look at its database"
    CasesUnwritten<'e> {
        /// What the database says.
        error: &'e dyn std::fmt::Display,
    }
    /// The case index can be written again.
    info "orgate_cases_written_again_total" "the case index is written again"
    CasesWritten {}
    /// There is no room in memory for what waits for the case index; the ledger will be read again.
    warn "orgate_cases_left_out_total" "the case index is behind the ledger"
    CasesLeftOut {
        /// Documents of the entry that was left out.
        documents: usize,
    }
    /// The case index did not answer; the message was judged without its story.
    warn "orgate_cases_unanswered_total" "the case index does not answer, judged without the story"
    CasesUnanswered<'e> {
        /// What the database says.
        error: &'e dyn std::fmt::Display,
    }
    /// The case index has taken over what the ledger held.
    info "orgate_cases_caught_up_total" "case index caught up with the ledger"
    CasesCaughtUp {
        /// The last entry.
        seq: u64,
        /// Documents read.
        documents: u64,
    }
    /// The gate stops taking new work.
    info "orgate_drains_total" "draining"
    Draining {}
    /// The gate has stopped.
    info "orgate_stops_total" "stopped"
    Stopped {
        /// Connections that had to be cut.
        cut: usize,
    }
}

/// A gap's name for a log line.
pub struct GapName(pub Gap);

impl std::fmt::Display for GapName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.as_str())
    }
}
