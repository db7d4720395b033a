//! A practitioner with their roles → rows of the register, with the resource that each comes from.

use std::collections::BTreeMap;

use crate::register::import::fault::say;
use crate::register::sources::fhir::facts::{Grant, Licence, Person, Role};
use crate::register::sources::fhir::fault::{Fault, Finder};
use crate::register::sources::fhir::page::orphan;

/// The columns of a surgeon, in the order of [`Row::cells`].
pub(super) const SURGEON: &[&str] =
    &["surgeon_id", "name", "department", "status", "licence_to", "base"];
/// The same of a grant.
pub(super) const GRANT: &[&str] = &[
    "surgeon_id",
    "code",
    "grade",
    "right",
    "sites",
    "valid_from",
    "valid_to",
    "status",
    "document_no",
    "document_on",
    "evaluated_on",
    "trained_on",
    "supervision",
];

/// A row, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// `PractitionerRole/12`
    pub(super) resource: String,
    /// What is put before the column in a fault.
    pub(super) place: String,
    /// In the order of the columns.
    pub(super) cells: Vec<String>,
}

/// Everything of one practitioner.
#[derive(Clone, Debug, Default)]
pub(super) struct Unit {
    /// Absent: no such resource.
    pub(super) person: Option<Person>,
    /// By logical id.
    pub(super) roles: BTreeMap<String, Role>,
}

/// The rows of a unit.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rows {
    /// Of table `surgeons`.
    pub(super) surgeons: Vec<Row>,
    /// Of table `grants`.
    pub(super) grants: Vec<Row>,
    /// What is wrong with the unit.
    pub(super) faults: Vec<Fault>,
}

impl Unit {
    /// Its rows.
    pub(super) fn rows(&self, id: &str) -> Rows {
        let mut rows = Rows::default();
        let granting = || self.roles.iter().filter(|(_, role)| !role.grants.is_empty());
        let named = self.person.as_ref().and_then(|person| Some((person, person.staff.as_ref()?)));
        let Some((person, staff)) = named else {
            rows.faults = granting().flat_map(|(role, _)| orphan(role)).collect();
            return rows;
        };
        let mut finder = Finder::new("Practitioner", id);
        let licence = licence(&person.licence, granting().next().is_some(), &mut finder);
        rows.faults = finder.into_faults();
        let organization = granting().map(|(_, role)| &role.organization).find(|o| !o.is_empty());
        let department = if person.department.is_empty() {
            organization.cloned().unwrap_or_default()
        } else {
            person.department.clone()
        };
        rows.surgeons.push(Row {
            resource: format!("Practitioner/{id}"),
            place: String::new(),
            cells: vec![
                staff.clone(),
                person.name.clone(),
                department,
                person.status.clone(),
                licence,
                person.base.clone(),
            ],
        });
        for (role, own) in granting() {
            let of = |grant: &Grant| Row {
                resource: format!("PractitionerRole/{role}"),
                place: format!("{}[{}]", crate::register::sources::fhir::role::GRANT, grant.nth),
                cells: cells(staff, grant),
            };
            rows.grants.extend(own.grants.iter().map(of));
        }
        rows
    }
}

fn licence(licence: &Licence, grants: bool, finder: &mut Finder) -> String {
    match licence {
        Licence::Open => String::new(),
        Licence::Ends(day) => day.clone(),
        // Of whoever holds no grant it says nothing.
        Licence::Missing | Licence::Unclear(_) if !grants => String::new(),
        Licence::Missing => {
            finder.fault(
                "qualification",
                say(
                    "有手术授权但没有 [register.fhir] licence 所指的执业资格",
                    "holds grants, and no qualification that `licence` in [register.fhir] names",
                ),
            );
            String::new()
        }
        Licence::Unclear(first) => {
            finder.fault(
                "qualification",
                say(
                    "有多个到期日不同的资格：请在 [register.fhir] 用 licence 指明哪一个是执业证",
                    "has qualifications that end on different days; name the licence by `licence` in [register.fhir]",
                ),
            );
            first.clone()
        }
    }
}

fn cells(staff: &str, grant: &Grant) -> Vec<String> {
    let Grant { code, grade, right, sites, valid_from, valid_to, status, .. } = grant;
    let Grant { document_no, document_on, evaluated_on, trained_on, supervision, .. } = grant;
    let cells = [
        staff,
        code,
        grade,
        right,
        sites,
        valid_from,
        valid_to,
        status,
        document_no,
        document_on,
        evaluated_on,
        trained_on,
        supervision,
    ];
    cells.map(str::to_owned).to_vec()
}
