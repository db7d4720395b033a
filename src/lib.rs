//! orgate (术闸): a gate in a hospital's order flow that checks the surgeon's grant for every surgical order.
//!
//! # Code map
//!
//! A file uses its own folder and lower floors only; folders on one floor do not know each other
//! (`tests/pure/architecture.rs` holds this). From the top:
//!
//! | floor | folder | what belongs there |
//! |---|---|---|
//! | 9 | `cli` | one file per command |
//! | 8 | `app` | settings → running program → drain |
//! | 7 | `config` | as written → checked settings, all faults at once, before anything binds |
//! | 6 | `inbound` | what listens: `mllp`, `fhir`, and on the console port `console`, `cds_hooks`, `decision_api`; each with its own `respond.rs` |
//! | 5 | `gate`, `feed` | the one path: facts → judge → ledger → passage · who is told |
//! | 4 | `register`, `ledger`, `cases`, `overrides`, `accounts`, `search` | who may · what happened · the story of each case · override files · who uses the console · entries found again |
//! | 3 | `clock`, `telemetry`, `net`, `background` | time · named events, the only logs and metrics · outgoing HTTP, TLS · threads that give way to routes |
//! | 2 | `rules`, `mapping` | what regulations demand · message → order, as a file says; pure |
//! | 1 | `hl7`, `fhir` | codecs: bytes and text, no sockets |
//! | 0 | `domain` | nouns: procedure, surgeon, grant, order, verdict, article |
//!
//! # The life of an order
//!
//! ```text
//! bytes ─► inbound ─► hl7 ─► mapping ─► gate ─┬─► register   facts + their age      (await, bounded)
//!                                             ├─► rules      judge(facts) → verdict (pure)
//!                                             └─► ledger     append → Receipt       (await)
//! answer ◄── inbound/respond ◄── Passage(Receipt) ◄──────────┘
//! ```
//!
//! # What must always hold
//!
//! 1. A refused message never reaches the downstream system. Not a byte of it, on no path, under no fault.
//! 2. Nothing moves unrecorded. A checked message is forwarded or answered only with a
//!    `ledger::Receipt` in hand; the only other way is the named, counted, alarmed
//!    `Passage::unrecorded`, for emergencies and withdrawals when the ledger is down.
//! 3. What is forwarded is what came in: the same bytes. The reply likewise.
//! 4. What the gate read is what the downstream system will read. Where two readers could disagree,
//!    the gate does not choose: it refuses as unreadable.
//! 5. An emergency is never delayed by paperwork: no network call stands between it and its verdict.
//! 6. Not knowing is said. A gap, never a silent pass or silent refusal.
//! 7. No invented positive acknowledgement. An AA is the downstream system's own.
//! 8. A verdict can be derived again from its ledger entry.
//! 9. Judging is pure: facts in, verdict out; no I/O, no clock, no log.
//! 10. Everything has a limit, named, with its reason; at the limit we say so and behave as written.
//! 11. Patient data does not print: not in logs, metrics, errors, `Debug`.

pub mod accounts;
pub mod app;
pub mod background;
pub mod cases;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod feed;
pub mod fhir;
pub mod gate;
pub mod hl7;
pub mod inbound;
pub mod ledger;
pub mod mapping;
pub mod net;
pub mod overrides;
pub mod register;
pub mod rules;
pub mod search;
pub mod telemetry;
