//! Drafts read by the mapping, and who is meant by what a call says of its user and its patient.

use serde_json::{Value, json};

use crate::domain::order::{Action, Order, Primary, Redacted, Urgency};
use crate::fhir::document::Document;
use crate::gate::Gate;
use crate::inbound::cds_hooks::references::Known;
use crate::inbound::cds_hooks::request::Draft;
use crate::mapping::fhir::{FhirContext, FhirMapping, FhirReading, Subject};
use crate::mapping::{Reading, Unreadable};
use crate::register::InForce;

/// Why a draft is not judged whose surgeon is a reference that leads nowhere, as its entry says it.
pub(super) const UNRESOLVED: &str = "unresolved-surgeon";

/// Reads what came with one call.
pub(super) struct Reader<'r> {
    pub(super) mapping: &'r FhirMapping,
    pub(super) gate: &'r Gate,
    pub(super) known: &'r Known,
}

/// What a draft comes to.
pub(super) enum Read {
    NotSurgical,
    Order(Order),
    /// These references to surgeons lead nowhere.
    Unresolved(Vec<String>),
    Unreadable(Unreadable),
}

impl Reader<'_> {
    pub(super) fn read(&self, document: &Document, draft: &Draft<'_>) -> Read {
        let resource = Subject {
            resource: document.root(),
            path: &draft.path,
            action: Action::New,
            identity: None,
        };
        let FhirReading { reading, unresolved } = self.mapped(resource, false);
        match reading {
            Reading::NotSurgical { .. } => Read::NotSurgical,
            Reading::Unreadable(unreadable) => Read::Unreadable(unreadable),
            Reading::Surgical(order) if order.action() == Action::Other => Read::NotSurgical,
            Reading::Surgical(order) => {
                let nowhere = unresolved_surgeons(&order, &unresolved);
                if nowhere.is_empty() || order.urgency() == Urgency::Emergency {
                    Read::Order(order)
                } else {
                    Read::Unresolved(nowhere)
                }
            }
        }
    }

    fn mapped(&self, resource: Subject<'_>, all_surgical: bool) -> FhirReading {
        let InForce { catalogue, lists, usable } = self.gate.register().in_force();
        let context = FhirContext {
            catalogue: &catalogue,
            listed: &|code| lists.mention(code),
            checked_order: &|number| self.gate.memory().knows_order(number),
            all_surgical: all_surgical || !usable,
            zone: self.gate.zone(),
            references: self.known,
        };
        self.mapping.read(resource, &context)
    }

    /// The staff number of the person before the screen, as the mapping would read them as a surgeon. `None` where
    /// the reference leads to none: a logical id is no staff number where the mapping names systems of those.
    pub(super) fn user(&self, reference: &str) -> Option<String> {
        let performer = json!([{ "reference": reference }]);
        let order = self.asked("context.userId", "performer", performer)?;
        let lines = order.groups.iter().flat_map(|group| &group.lines);
        let mut persons = lines.flat_map(|line| match &line.primary {
            Primary::Named(persons) => persons.as_slice(),
            Primary::Missing | Primary::Unclear(_) => &[],
        });
        let number = persons.find_map(|person| person.id.as_ref())?.to_string();
        let systems = self.mapping.person_systems();
        let numbered = systems.is_empty() || self.known.bears("Practitioner", systems, &number);
        (numbered && number != reference).then_some(number)
    }

    /// The patient of the call, for drafts that name none; by the same measure.
    pub(super) fn patient(&self, reference: &str) -> Option<Redacted> {
        let (_, id) = reference.rsplit_once('/').unwrap_or(("", reference));
        let systems = self.mapping.patient_systems();
        if systems.is_empty() {
            return Redacted::new(id);
        }
        let subject = json!({ "reference": format!("Patient/{id}") });
        let patient = self.asked("context.patientId", "subject", subject)?.patient?;
        self.known.bears("Patient", systems, patient.reveal().trim()).then_some(patient)
    }

    /// An order that says no more than this; `None` where it leads nowhere.
    fn asked(&self, path: &str, member: &str, value: Value) -> Option<Order> {
        let mut resource = json!({
            "resourceType": "ServiceRequest",
            "status": "active",
            "intent": "order",
            "code": { "text": "asked" },
        });
        resource.as_object_mut()?.insert(member.to_owned(), value);
        let subject = Subject { resource: &resource, path, action: Action::New, identity: None };
        let FhirReading { reading, unresolved } = self.mapped(subject, true);
        match reading {
            Reading::Surgical(order) if unresolved.is_empty() => Some(order),
            Reading::Surgical(_) | Reading::NotSurgical { .. } | Reading::Unreadable(_) => None,
        }
    }
}

/// References to surgeons that nobody could look up: the mapping then gives them as they are written.
fn unresolved_surgeons(order: &Order, unresolved: &[String]) -> Vec<String> {
    let lines = order.groups.iter().flat_map(|group| &group.lines);
    let persons = lines.flat_map(|line| match &line.primary {
        Primary::Named(persons) => persons.as_slice(),
        Primary::Missing | Primary::Unclear(_) => &[],
    });
    let ids: Vec<&str> =
        persons.filter_map(|person| person.id.as_ref()).map(|id| id.as_str()).collect();
    unresolved.iter().filter(|reference| ids.contains(&reference.trim())).cloned().collect()
}
