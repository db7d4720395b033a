//! The order as an entry holds it: what was read of the message, without the places it stood in.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::order::{
    Action, Attestation, CodedPlace, Coding, Group, Line, Order, Person, Primary, Redacted, Stage,
    Urgency,
};
use crate::domain::procedure::{Grade, ProcedureCode};
use crate::domain::surgeon::SurgeonId;
use crate::gate::facts::{value, word};

/// An order as written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderFacts {
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    diagnoses: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    encounter: Option<String>,
    groups: Vec<GroupFacts>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    message_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    patient: Option<String>,
    stage: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupFacts {
    action: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    attested_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    attested_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    consent: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    department: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    discussion: Option<String>,
    lines: Vec<LineFacts>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    order_no: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    ordering_doctor: Option<NamedFacts>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    site: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    time_unreadable: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    urgency: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LineFacts {
    coded: Vec<Vec<CodingFacts>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    duration_min: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    name: Option<String>,
    primary: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    stated_grade: Option<u8>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    surgeons: Vec<NamedFacts>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    team: Vec<NamedFacts>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    times: Vec<Timestamp>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CodingFacts {
    code: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    display: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    system: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedFacts {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    name: Vec<String>,
}

pub(super) const STAGES: &[(Stage, &str)] =
    &[(Stage::Order, "order"), (Stage::Notice, "notice"), (Stage::Record, "record")];
const ACTIONS: &[(Action, &str)] = &[
    (Action::New, "new"),
    (Action::Change, "change"),
    (Action::Withdraw, "withdraw"),
    (Action::Other, "other"),
];
pub(super) const URGENCIES: &[(Urgency, &str)] = &[
    (Urgency::Elective, "elective"),
    (Urgency::Urgent, "urgent"),
    (Urgency::Emergency, "emergency"),
];

impl OrderFacts {
    pub(super) fn new(order: &Order) -> Self {
        Self {
            diagnoses: order.diagnoses.iter().map(|d| d.reveal().to_owned()).collect(),
            encounter: reveal(order.encounter.as_ref()),
            groups: order.groups.iter().map(GroupFacts::new).collect(),
            message_time: order.message_time,
            patient: reveal(order.patient.as_ref()),
            stage: word(order.stage, STAGES),
        }
    }

    /// Whether it is of the order stage.
    pub fn is_order(&self) -> bool {
        self.stage == "order"
    }

    /// The order numbers of the groups.
    pub fn order_numbers(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().filter_map(|group| group.order_no.as_deref())
    }

    pub(super) fn restore(&self) -> Option<Order> {
        Some(Order {
            stage: value(&self.stage, STAGES)?,
            message_time: self.message_time,
            patient: conceal(self.patient.as_ref()),
            encounter: conceal(self.encounter.as_ref()),
            diagnoses: self.diagnoses.iter().filter_map(Redacted::new).collect(),
            groups: self.groups.iter().map(GroupFacts::restore).collect::<Option<_>>()?,
        })
    }
}

impl GroupFacts {
    fn new(group: &Group) -> Self {
        Self {
            action: word(group.action, ACTIONS),
            attested_by: group.attestation.by.as_ref().map(ToString::to_string),
            attested_reason: reveal(group.attestation.reason.as_ref()),
            consent: group.consent,
            department: group.department.clone(),
            discussion: reveal(group.discussion.as_ref()),
            lines: group.lines.iter().map(LineFacts::new).collect(),
            order_no: reveal(group.order_no.as_ref()),
            ordering_doctor: group.ordering_doctor.as_ref().map(NamedFacts::new),
            site: group.site.clone(),
            time_unreadable: group.time_unreadable,
            urgency: group.urgency.map(|urgency| word(urgency, URGENCIES)),
        }
    }

    fn restore(&self) -> Option<Group> {
        let urgency = match &self.urgency {
            Some(urgency) => Some(value(urgency, URGENCIES)?),
            None => None,
        };
        Some(Group {
            action: value(&self.action, ACTIONS)?,
            urgency,
            order_no: conceal(self.order_no.as_ref()),
            department: self.department.clone(),
            site: self.site.clone(),
            ordering_doctor: self.ordering_doctor.as_ref().map(NamedFacts::restore),
            attestation: Attestation {
                reason: conceal(self.attested_reason.as_ref()),
                by: self.attested_by.as_deref().and_then(SurgeonId::new),
            },
            discussion: conceal(self.discussion.as_ref()),
            consent: self.consent,
            lines: self.lines.iter().map(LineFacts::restore).collect::<Option<_>>()?,
            time_unreadable: self.time_unreadable,
        })
    }
}

impl LineFacts {
    fn new(line: &Line) -> Self {
        let coding = |c: &Coding| CodingFacts {
            code: c.code.to_string(),
            display: c.display.clone(),
            system: c.system.clone(),
        };
        let (primary, surgeons): (_, &[Person]) = match &line.primary {
            Primary::Named(persons) => ("named", persons),
            Primary::Missing => ("missing", &[]),
            Primary::Unclear(_) => ("unclear", &[]),
        };
        Self {
            coded: line.coded.iter().map(|p| p.codings.iter().map(coding).collect()).collect(),
            duration_min: line.duration_min,
            name: line.name.clone(),
            primary: primary.to_owned(),
            stated_grade: line.stated_grade.map(Grade::number),
            surgeons: surgeons.iter().map(NamedFacts::new).collect(),
            team: line.team.iter().map(NamedFacts::new).collect(),
            times: line.times.clone(),
        }
    }

    fn restore(&self) -> Option<Line> {
        let surgeons = self.surgeons.iter().map(NamedFacts::restore).collect();
        let coded = self.coded.iter().map(|codings| {
            let codings = codings.iter().map(CodingFacts::restore).collect::<Option<_>>()?;
            Some(CodedPlace { codings, place: None })
        });
        Some(Line {
            coded: coded.collect::<Option<_>>()?,
            name: self.name.clone(),
            primary: match self.primary.as_str() {
                "named" => Primary::Named(surgeons),
                "missing" => Primary::Missing,
                "unclear" => Primary::Unclear(None),
                _ => return None,
            },
            team: self.team.iter().map(NamedFacts::restore).collect(),
            stated_grade: self.stated_grade.and_then(Grade::from_number),
            times: self.times.clone(),
            duration_min: self.duration_min,
            place: None,
        })
    }
}

impl CodingFacts {
    fn restore(&self) -> Option<Coding> {
        Some(Coding {
            code: ProcedureCode::new(&self.code)?,
            system: self.system.clone(),
            display: self.display.clone(),
        })
    }
}

impl NamedFacts {
    fn new(person: &Person) -> Self {
        Self { id: person.id.as_ref().map(ToString::to_string), name: person.name.clone() }
    }

    fn restore(&self) -> Person {
        Person {
            id: self.id.as_deref().and_then(SurgeonId::new),
            name: self.name.clone(),
            place: None,
        }
    }
}

fn reveal(text: Option<&Redacted>) -> Option<String> {
    text.map(|text| text.reveal().to_owned())
}

fn conceal(text: Option<&String>) -> Option<Redacted> {
    text.and_then(Redacted::new)
}
