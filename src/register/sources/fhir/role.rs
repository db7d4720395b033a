//! A PractitionerRole → the grants of a practitioner.

use serde_json::Value;

use crate::register::import::fault::say;
use crate::register::sources::fhir::extension::{Part, Parts, Shape, parts};
use crate::register::sources::fhir::facts::{Grant, Role};
use crate::register::sources::fhir::fault::Finder;
use crate::register::sources::fhir::reading::{Organization, Reading, referred};
use crate::register::sources::fhir::value::{Object, Term, flag, modified, objects, term, text_of};

/// The extension of PractitionerRole that is a grant.
pub const GRANT: &str = "urn:orgate:procedure-grant";

/// Its parts.
const PARTS: &[Part] = &[
    Part { name: "code", shape: Shape::Coding, many: false },
    Part { name: "grade", shape: Shape::Number, many: false },
    Part { name: "right", shape: Shape::Code, many: false },
    Part { name: "site", shape: Shape::Text, many: true },
    Part { name: "period", shape: Shape::Term, many: false },
    Part { name: "status", shape: Shape::Code, many: false },
    // Why it is suspended or revoked, for those who look at the server: the register has no column for it.
    Part { name: "reason", shape: Shape::Text, many: false },
    Part { name: "document", shape: Shape::Text, many: false },
    Part { name: "documentDate", shape: Shape::Day, many: false },
    Part { name: "evaluated", shape: Shape::Day, many: false },
    Part { name: "trained", shape: Shape::Day, many: false },
    Part { name: "supervision", shape: Shape::Code, many: false },
];

/// The names of its parts.
#[cfg(test)]
pub(super) fn part_names() -> Vec<&'static str> {
    PARTS.iter().map(|part| part.name).collect()
}

/// Reads one. Of a role that is not active, of another organization or without grants nothing is asked.
pub(super) fn role(object: &Object, reading: &Reading, finder: &mut Finder) -> Role {
    let active = flag(object, "active", finder).unwrap_or(true);
    let granted = objects(object, "extension", "", finder)
        .into_iter()
        .any(|own| own.get("url").and_then(Value::as_str) == Some(GRANT));
    let reference = object.get("practitioner").and_then(|own| own.get("reference"));
    let practitioner = reference
        .and_then(Value::as_str)
        .and_then(|reference| referred(reference, "Practitioner", &reading.base));
    let organization = object.get("organization").and_then(Value::as_object);
    if !active || !granted || !counts(organization, reading) {
        return Role { practitioner, ..Role::default() };
    }
    modified(object, finder);
    if practitioner.is_none() {
        finder.fault(
            "practitioner",
            say(
                "应为对本服务器 Practitioner 的引用：Practitioner/<id>",
                "must refer to a Practitioner of this server: Practitioner/<id>",
            ),
        );
    }
    let organization =
        organization.map(|own| text_of(own, "display", "organization", finder)).unwrap_or_default();
    let whole = match object.get("period").map(|period| term(period, &reading.zone)) {
        None => Term::default(),
        Some(Ok(term)) => term,
        Some(Err(wording)) => {
            finder.fault("period", wording);
            Term::default()
        }
    };
    let all = parts(object, GRANT, PARTS, &reading.zone, finder);
    let grants = all.iter().filter(|own| !own.faulty).filter_map(|own| grant(own, whole)).collect();
    Role { practitioner, organization, grants }
}

/// Whether the organization is one of those that the settings name.
fn counts(organization: Option<&Object>, reading: &Reading) -> bool {
    if reading.organizations.is_empty() {
        return true;
    }
    let Some(organization) = organization else { return false };
    let of = |object: &Object, key: &str| {
        object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let id = referred(&of(organization, "reference"), "Organization", &reading.base);
    let identifier = organization.get("identifier").and_then(Value::as_object);
    reading.organizations.iter().any(|wanted| match wanted {
        Organization::Id(own) => id.as_ref() == Some(own),
        Organization::Identifier(token) => identifier.is_some_and(|own| {
            of(own, "system") == token.system && of(own, "value") == token.value
        }),
    })
}

/// The cells of a grant, within the role's own time; none where the two never meet.
fn grant(own: &Parts, whole: Term) -> Option<Grant> {
    let term = own.term("period").unwrap_or_default().within(whole)?;
    let text = |name: &str| own.text(name).unwrap_or_default().to_owned();
    let sites: Vec<&str> = own.texts("site").collect();
    Some(Grant {
        nth: own.nth,
        code: text("code"),
        grade: text("grade"),
        right: text("right"),
        sites: sites.join(";"),
        valid_from: term.from.map(|day| day.to_string()).unwrap_or_default(),
        valid_to: term.to.map(|day| day.to_string()).unwrap_or_default(),
        status: text("status"),
        document_no: text("document"),
        document_on: text("documentDate"),
        evaluated_on: text("evaluated"),
        trained_on: text("trained"),
        supervision: text("supervision"),
    })
}
