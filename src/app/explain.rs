//! How each route reads a message that somebody asks about (`POST /v1/explain`).

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use crate::domain::order::{Action, Stage};
use crate::fhir::bundle;
use crate::fhir::document::{Document, Limits};
use crate::gate::{Gate, Subject};
use crate::hl7::frame;
use crate::inbound::cds_hooks;
use crate::inbound::cds_hooks::references::Known;
use crate::inbound::console::bounds::BODY_BYTES_MAX;
use crate::inbound::decision_api::explain::{By, Explained, Explainer, Form};
use crate::inbound::fhir;
use crate::inbound::live::Live;
use crate::inbound::mllp;
use crate::inbound::mllp::intake::{self, Intake};
use crate::mapping::Reading;
use crate::mapping::fhir::{FhirContext, Subject as Resource};
use crate::register::InForce;

/// What FHIR bodies are read with.
const LIMITS: Limits = Limits { bytes: BODY_BYTES_MAX, depth: 64 };

/// An HL7 v2 route.
pub(super) fn hl7(live: &Live<mllp::Config>, gate: &Arc<Gate>) -> Explainer {
    let (live, gate) = (live.clone(), Arc::clone(gate));
    Explainer {
        route: Arc::clone(&live.now().config.name),
        form: Form::Hl7,
        read: Arc::new(move |message| read_hl7(&live, &gate, message)),
    }
}

fn read_hl7(live: &Live<mllp::Config>, gate: &Gate, message: &Bytes) -> Explained {
    let now = live.now();
    let config = &*now.config;
    let by =
        By { mapping: config.mapping.name().into(), stance: config.stance.now(), terms: now.terms };
    let payload = frame::payload(message);
    match intake::read(config, gate, payload) {
        Intake::Short { .. } => Explained::NotSurgical,
        Intake::Checked { read, doubted, .. } => Explained::Judged {
            subject: read,
            control_id: mllp::respond::control_id(payload),
            doubt: doubted.map(|doubted| (doubted.why.chinese(), doubted.why.english())),
            by,
        },
    }
}

/// A FHIR route. What it would look up leads to nobody here.
pub(super) fn fhir(live: &Live<fhir::Config>, gate: &Arc<Gate>) -> Explainer {
    let (live, gate) = (live.clone(), Arc::clone(gate));
    Explainer {
        route: Arc::clone(&live.now().config.name),
        form: Form::Fhir,
        read: Arc::new(move |message| {
            let now = live.now();
            let route = &now.config;
            let InForce { catalogue, lists, usable } = gate.register().in_force();
            let reader = fhir::reader::Reader {
                config: route,
                catalogue: &catalogue,
                lists: &lists,
                all_surgical: route.all_surgical || !usable,
                zone: gate.zone(),
                checked_order: &|number| gate.memory().knows_order(number),
                order_at: &|address| gate.memory().order_at(address),
            };
            let explained = fhir::explain::read(&reader, message);
            match explained.subject {
                None => Explained::NotSurgical,
                Some(subject) => Explained::Judged {
                    subject,
                    control_id: explained.id,
                    doubt: explained.doubt,
                    by: By {
                        mapping: route.mapping.name().into(),
                        stance: route.stance.now(),
                        terms: now.terms,
                    },
                },
            }
        }),
    }
}

/// FHIR resources, as ordering screens send them.
pub(super) fn drafts(live: &Live<cds_hooks::Config>, gate: &Arc<Gate>) -> Explainer {
    let (live, gate) = (live.clone(), Arc::clone(gate));
    Explainer {
        route: "cds-hooks".into(),
        form: Form::Fhir,
        read: Arc::new(move |message| read_fhir(&live, &gate, message)),
    }
}

/// Every order, appointment and procedure of a body, as one unit.
fn read_fhir(live: &Live<cds_hooks::Config>, gate: &Gate, message: &Bytes) -> Explained {
    let now = live.now();
    let config = &*now.config;
    let by = || By {
        mapping: config.mapping.name().into(),
        stance: Arc::clone(&config.stance),
        terms: Arc::clone(&now.terms),
    };
    let document = match Document::read(message, LIMITS) {
        Ok(document) => document,
        Err(unsound) => {
            let doubt = Some((unsound.chinese(), unsound.english()));
            return unreadable((unsound.as_str(), None), String::new(), doubt, by());
        }
    };
    let root = document.root();
    let control_id = root.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let body = [("body".to_owned(), root.clone())].into_iter().collect();
    let known = Known::new(Some(&body), None);
    let InForce { catalogue, lists, usable } = gate.register().in_force();
    let context = FhirContext {
        catalogue: &catalogue,
        listed: &|code| lists.mention(code),
        checked_order: &|number| gate.memory().knows_order(number),
        all_surgical: !usable,
        zone: gate.zone(),
        references: &known,
    };
    let mut orders = Vec::new();
    for found in bundle::contained(root) {
        let (path, action, identity) = (found.path.as_str(), Action::New, None);
        let resource = Resource { resource: found.resource, path, action, identity };
        match config.mapping.read(resource, &context).reading {
            Reading::NotSurgical { .. } => {}
            Reading::Surgical(order) if order.action() == Action::Other => {}
            Reading::Surgical(order) => orders.push(order),
            Reading::Unreadable(doubted) => {
                let doubt = Some((doubted.why.chinese(), doubted.why.english()));
                return unreadable((doubted.why.as_str(), doubted.stage), control_id, doubt, by());
            }
        }
    }
    if orders.is_empty() {
        return Explained::NotSurgical;
    }
    let subject = Subject::Orders(orders);
    Explained::Judged { subject, control_id, doubt: None, by: by() }
}

fn unreadable(
    (why, stage): (&'static str, Option<Stage>),
    control_id: String,
    doubt: Option<(&'static str, &'static str)>,
    by: By,
) -> Explained {
    Explained::Judged { subject: Subject::Unreadable { why, stage }, control_id, doubt, by }
}
