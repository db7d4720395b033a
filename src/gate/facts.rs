//! The facts of a verdict as an entry holds them, so that the verdict can be derived again from it.
//!
//! Domain types are not serialisable; these are their shapes in the ledger. Fields stand in
//! alphabetical order (canonical JSON). Only what a verdict can depend on is kept: the catalogue
//! items the message names, the persons it names, and of their grants those that speak of these items.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::catalogue::Catalogue;
use crate::domain::grant::{Grant, GrantStatus, Right, Scope, Supervision};
use crate::domain::order::Order;
use crate::domain::procedure::{
    Admission, Ethics, Grade, Procedure, ProcedureCode, ProcedureStatus,
};
use crate::domain::surgeon::{Base, Lookup, PersonKey, Surgeon, SurgeonId, SurgeonStatus};
use crate::gate::around_facts::AroundFacts;
use crate::gate::order_facts::OrderFacts;
use crate::rules::People;

/// Everything one judging went by.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactsJson {
    /// What surrounded each order, in the order of `orders`; absent before there were such rules.
    #[serde(default)]
    pub around: Vec<AroundFacts>,
    /// The catalogue items that the message's codes resolve to.
    pub catalogue: Vec<ProcedureFacts>,
    /// The register version of the catalogue.
    pub catalogue_version: i64,
    /// The moment of judging.
    pub judged_at: Timestamp,
    /// The orders as read; one, or several of a batch.
    pub orders: Vec<OrderFacts>,
    /// What the register said of each person.
    pub people: Vec<PersonFacts>,
    /// The hospital's time zone.
    pub zone: String,
}

/// One register answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonFacts {
    /// How old the answer was, in seconds.
    pub age_s: u64,
    /// By `id` or by `name`.
    pub by: String,
    /// The id or folded name asked for.
    pub key: String,
    /// `found`, `nobody`, `several` or `unavailable`.
    pub lookup: String,
    /// The surgeon, when found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surgeon: Option<SurgeonFacts>,
}

/// A surgeon with the grants that matter.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SurgeonFacts {
    base: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    department: Option<String>,
    grants: Vec<GrantFacts>,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    licence_to: Option<Date>,
    name: String,
    status: String,
}

/// A grant.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantFacts {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    document_no: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    document_on: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    evaluated_on: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    grade: Option<u8>,
    right: String,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    sites: Vec<String>,
    status: String,
    supervision: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    trained_on: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    valid_from: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    valid_to: Option<Date>,
}

/// A catalogue item.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcedureFacts {
    admission: String,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    aliases: Vec<String>,
    code: String,
    ethics: String,
    grade: u8,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    specialty: Option<String>,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    status_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    valid_from: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    valid_to: Option<Date>,
}

/// The catalogue items that any code of the orders resolves to, each once.
pub(super) fn named_procedures(orders: &[Order], catalogue: &Catalogue) -> Vec<Arc<Procedure>> {
    let mut out: Vec<Arc<Procedure>> = Vec::new();
    let lines = orders.iter().flat_map(|o| &o.groups).flat_map(|g| &g.lines);
    for coding in lines.flat_map(|line| &line.coded).flat_map(|place| &place.codings) {
        if let Some(procedure) = catalogue.resolve(&coding.code)
            && !out.iter().any(|known| known.code == procedure.code)
        {
            out.push(Arc::clone(procedure));
        }
    }
    out
}

impl PersonFacts {
    /// What the register said, with the grants that speak of `procedures`.
    pub(super) fn new(
        key: &PersonKey,
        lookup: &Lookup,
        age_s: u64,
        procedures: &[Arc<Procedure>],
    ) -> Self {
        let (by, asked) = match key {
            PersonKey::Id(id) => ("id", id.to_string()),
            PersonKey::Name(name) => ("name", name.clone()),
        };
        let (lookup, surgeon) = match lookup {
            Lookup::Found(surgeon) => ("found", Some(SurgeonFacts::new(surgeon, procedures))),
            Lookup::Nobody => ("nobody", None),
            Lookup::Several => ("several", None),
            Lookup::Unavailable => ("unavailable", None),
        };
        Self { age_s, by: by.to_owned(), key: asked, lookup: lookup.to_owned(), surgeon }
    }

    /// Puts the answer back; `None` when the entry does not make sense.
    pub(super) fn restore(&self, people: &mut People) -> Option<()> {
        let key = match self.by.as_str() {
            "id" => PersonKey::Id(SurgeonId::new(&self.key)?),
            "name" => PersonKey::Name(self.key.clone()),
            _ => return None,
        };
        let lookup = match (self.lookup.as_str(), &self.surgeon) {
            ("found", Some(surgeon)) => Lookup::Found(Arc::new(surgeon.restore()?)),
            ("nobody", None) => Lookup::Nobody,
            ("several", None) => Lookup::Several,
            ("unavailable", None) => Lookup::Unavailable,
            _ => return None,
        };
        people.insert(key, lookup);
        Some(())
    }
}

impl SurgeonFacts {
    pub(super) fn new(surgeon: &Surgeon, procedures: &[Arc<Procedure>]) -> Self {
        let speaks = |grant: &&Grant| match &grant.scope {
            Scope::GradeWide(_) => true,
            Scope::Item(code) => {
                procedures.iter().any(|p| p.code == *code || p.aliases.contains(code))
            }
        };
        Self {
            base: word(surgeon.base, BASES),
            department: surgeon.department.clone(),
            grants: surgeon.grants.iter().filter(speaks).map(GrantFacts::new).collect(),
            id: surgeon.id.to_string(),
            licence_to: surgeon.licence_to,
            name: surgeon.name.clone(),
            status: word(surgeon.status, SURGEON_STATUSES),
        }
    }

    pub(super) fn restore(&self) -> Option<Surgeon> {
        Some(Surgeon {
            id: SurgeonId::new(&self.id)?,
            name: self.name.clone(),
            department: self.department.clone(),
            status: value(&self.status, SURGEON_STATUSES)?,
            licence_to: self.licence_to,
            base: value(&self.base, BASES)?,
            grants: self.grants.iter().map(GrantFacts::restore).collect::<Option<_>>()?,
        })
    }
}

impl GrantFacts {
    fn new(grant: &Grant) -> Self {
        let (code, grade) = match &grant.scope {
            Scope::Item(code) => (Some(code.to_string()), None),
            Scope::GradeWide(grade) => (None, Some(grade.number())),
        };
        Self {
            code,
            document_no: grant.document_no.clone(),
            document_on: grant.document_on,
            evaluated_on: grant.evaluated_on,
            grade,
            right: word(grant.right, RIGHTS),
            sites: grant.sites.clone(),
            status: word(grant.status, GRANT_STATUSES),
            supervision: word(grant.supervision, SUPERVISIONS),
            trained_on: grant.trained_on,
            valid_from: grant.valid_from,
            valid_to: grant.valid_to,
        }
    }

    fn restore(&self) -> Option<Grant> {
        let scope = match (&self.code, self.grade) {
            (Some(code), None) => Scope::Item(ProcedureCode::new(code)?),
            (None, Some(grade)) => Scope::GradeWide(Grade::from_number(grade)?),
            _ => return None,
        };
        Some(Grant {
            scope,
            right: value(&self.right, RIGHTS)?,
            sites: self.sites.clone(),
            valid_from: self.valid_from,
            valid_to: self.valid_to,
            status: value(&self.status, GRANT_STATUSES)?,
            document_no: self.document_no.clone(),
            document_on: self.document_on,
            evaluated_on: self.evaluated_on,
            trained_on: self.trained_on,
            supervision: value(&self.supervision, SUPERVISIONS)?,
        })
    }
}

impl ProcedureFacts {
    pub(super) fn new(procedure: &Procedure) -> Self {
        Self {
            admission: word(procedure.admission, ADMISSIONS),
            aliases: procedure.aliases.iter().map(ToString::to_string).collect(),
            code: procedure.code.to_string(),
            ethics: word(procedure.ethics, ETHICS),
            grade: procedure.grade.number(),
            name: procedure.name.clone(),
            specialty: procedure.specialty.clone(),
            status: word(procedure.status, PROCEDURE_STATUSES),
            status_reason: procedure.status_reason.clone(),
            valid_from: procedure.valid_from,
            valid_to: procedure.valid_to,
        }
    }

    pub(super) fn restore(&self) -> Option<Procedure> {
        let aliases = self.aliases.iter().map(|a| ProcedureCode::new(a));
        Some(Procedure {
            code: ProcedureCode::new(&self.code)?,
            name: self.name.clone(),
            grade: Grade::from_number(self.grade)?,
            code_system: None,
            aliases: aliases.collect::<Option<_>>()?,
            reference_grade: None,
            grade_document: None,
            specialty: self.specialty.clone(),
            status: value(&self.status, PROCEDURE_STATUSES)?,
            status_reason: self.status_reason.clone(),
            admission: value(&self.admission, ADMISSIONS)?,
            ethics: value(&self.ethics, ETHICS)?,
            valid_from: self.valid_from,
            valid_to: self.valid_to,
        })
    }
}

/// Words of an enumeration as the register files write them (contract §3).
pub(super) type Words<T> = &'static [(T, &'static str)];

const BASES: Words<Base> = &[(Base::Primary, "primary"), (Base::MultiSite, "multi-site")];
const SURGEON_STATUSES: Words<SurgeonStatus> = &[
    (SurgeonStatus::Active, "active"),
    (SurgeonStatus::Suspended, "suspended"),
    (SurgeonStatus::Left, "left"),
];
const RIGHTS: Words<Right> = &[(Right::Perform, "perform"), (Right::Order, "order")];
const GRANT_STATUSES: Words<GrantStatus> = &[
    (GrantStatus::Active, "active"),
    (GrantStatus::Suspended, "suspended"),
    (GrantStatus::Revoked, "revoked"),
];
const SUPERVISIONS: Words<Supervision> =
    &[(Supervision::None, "none"), (Supervision::Required, "required")];
const PROCEDURE_STATUSES: Words<ProcedureStatus> = &[
    (ProcedureStatus::Active, "active"),
    (ProcedureStatus::Suspended, "suspended"),
    (ProcedureStatus::Stopped, "stopped"),
];
const ADMISSIONS: Words<Admission> = &[
    (Admission::Established, "established"),
    (Admission::Pending, "pending"),
    (Admission::Approved, "approved"),
];
const ETHICS: Words<Ethics> = &[
    (Ethics::NotRequired, "not-required"),
    (Ethics::Pending, "pending"),
    (Ethics::Approved, "approved"),
];

/// The word of a value.
pub(super) fn word<T: PartialEq>(wanted: T, words: Words<T>) -> String {
    let found = words.iter().find(|(value, _)| *value == wanted);
    found.map(|(_, word)| (*word).to_owned()).unwrap_or_default()
}

/// The value of a word.
pub(super) fn value<T: Copy>(wanted: &str, words: Words<T>) -> Option<T> {
    words.iter().find(|(_, word)| *word == wanted).map(|(value, _)| *value)
}
