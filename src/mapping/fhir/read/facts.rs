//! Everything else that a verdict needs: who, when, how urgent, which order.

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::order::{
    Action, Attestation, Group, Line, Order, Person, Redacted, Stage, Urgency,
};
use crate::domain::procedure::Grade;
use crate::domain::surgeon::SurgeonId;
use crate::hl7::time;
use crate::mapping::fhir::model::{ResourceRule, Systems};
use crate::mapping::fhir::read::persons::Who;
use crate::mapping::fhir::read::references::{Target, literal, type_of};
use crate::mapping::fhir::read::surgical::{Basis, Codes};
use crate::mapping::fhir::read::{Certain, Reader};

/// A month has 43 200 minutes; an operation that is said to last longer is a slip of the pen.
const MINUTES_MAX: u64 = 43_200;

impl<'r> Reader<'r> {
    pub(super) fn order(
        &self,
        action: Action,
        called_off: bool,
        codes: Codes,
        orders: &[Basis<'r>],
    ) -> Certain<Order> {
        let facts = &self.rule.facts;
        let own = self.subject.resource;
        let text = |value| self.text(value);
        let said = self.first(&facts.message_time, own, text)?;
        let mut time_unreadable = false;
        let lines = match called_off {
            true => Vec::new(),
            false => vec![self.line(codes, orders, &mut time_unreadable)?],
        };
        let group = Group {
            action,
            urgency: self.urgency()?,
            order_no: self.order_no(orders)?.and_then(Redacted::new),
            department: self.department(orders)?,
            site: self.first_object(&facts.site, own, |v| self.name_in(v, &NO_SYSTEMS))?,
            ordering_doctor: self.ordering_doctor()?,
            attestation: Attestation {
                reason: self.first(&facts.reason, own, text)?.and_then(Redacted::new),
                by: self.first(&facts.attested_by, own, |value| self.attested_by(value))?,
            },
            discussion: self
                .first_object(&facts.discussion, own, |value| self.discussion(value))?
                .and_then(Redacted::new),
            consent: self.consent()?,
            lines,
            time_unreadable,
        };
        Ok(Order {
            stage: self.rule.stage,
            message_time: said.and_then(|said| self.moment(said)),
            patient: self.patient()?.and_then(Redacted::new),
            encounter: self
                .first_object(&facts.encounter, own, |value| self.name_in(value, &NO_SYSTEMS))?
                .and_then(Redacted::new),
            diagnoses: self.diagnoses()?,
            groups: vec![group],
        })
    }

    fn line(&self, codes: Codes, orders: &[Basis<'r>], unreadable: &mut bool) -> Certain<Line> {
        let from_orders = self.takes_codes_of_orders(&codes);
        let Codes { mut places, mut name, place } = codes;
        for order in orders.iter().filter(|_| from_orders) {
            self.ask_for(order)?;
            places.append(&mut self.codes_of(order)?);
            if name.is_none() {
                name = self.name_of(order)?;
            }
            self.too_many(places.len())?;
        }
        let (primary, team) = self.performers()?;
        let times = self.times(unreadable)?;
        let take = |value| self.text(value);
        let grade = self.first(&self.rule.stated_grade, self.subject.resource, take)?;
        Ok(Line {
            place: places.first().and_then(|coded| coded.place.clone()).or(place),
            coded: places,
            name,
            primary,
            team,
            stated_grade: grade.and_then(|text| self.grade(text)),
            duration_min: self.duration(times.first().copied())?,
            times,
        })
    }

    /// Its own number, its requisition's or its logical id; else that of the order it is based on.
    fn order_no(&self, orders: &[Basis<'_>]) -> Certain<Option<String>> {
        let facts = &self.rule.facts;
        for places in [&facts.order_no, &facts.requisition] {
            let take = |value| self.text_or_identifier(value);
            if let Some(number) = self.first_object(places, self.subject.resource, take)? {
                return Ok(Some(number.to_owned()));
            }
        }
        if self.rule.stage == Stage::Order {
            return Ok(self.subject.identity.map(str::to_owned));
        }
        let Some(order) = orders.first() else { return Ok(None) };
        // One that was checked is known by its reference too; another must be asked for its number.
        if !order.key.as_deref().is_some_and(self.context.checked_order) {
            self.ask_for(order)?;
        }
        Ok(self.numbers(order)?.into_iter().next())
    }

    /// The organisation of whoever asks for it or performs it; else that of the order.
    fn department(&self, orders: &[Basis<'_>]) -> Certain<Option<String>> {
        let places = &self.rule.facts.department;
        let own =
            self.first_object(places, self.subject.resource, |value| self.organization(value))?;
        if own.is_some() {
            return Ok(own);
        }
        for order in orders {
            let Some(resource) = &order.resource else { continue };
            let Some(rule) = self.rule_of(resource) else { continue };
            let take = |value: &Value| self.organization(value);
            let found = self.first_object(&rule.facts.department, resource, take)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn organization(&self, value: &Value) -> Certain<Option<String>> {
        if value.is_string() {
            return Ok(self.text(value)?.map(str::to_owned));
        }
        let Some(reference) = self.reference(value)? else { return Ok(None) };
        let systems = &self.model.organizations;
        match (reference.kind, reference.text) {
            (Some("Organization"), _) => self.called(&reference, systems),
            (None | Some("PractitionerRole"), Some(text)) => {
                let Target::Resource(resource) = self.target(text, false)? else {
                    return Ok(None);
                };
                match type_of(&resource) {
                    Some("Organization") => self.called(&reference, systems),
                    Some("PractitionerRole") => {
                        let Some(inner) = self.member(&resource, "organization")? else {
                            return Ok(None);
                        };
                        let Some(inner) = self.reference(inner)? else { return Ok(None) };
                        self.called(&inner, systems)
                    }
                    _ => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }

    /// A text, or what a Reference is called.
    fn name_in(&self, value: &Value, systems: &Systems) -> Certain<Option<String>> {
        if value.is_string() {
            return Ok(self.text(value)?.map(str::to_owned));
        }
        match self.reference(value)? {
            Some(reference) => self.called(&reference, systems),
            None => Ok(None),
        }
    }

    fn patient(&self) -> Certain<Option<String>> {
        for path in &self.rule.facts.patient {
            for node in self.objects(path, self.subject.resource, false)? {
                if node.value.is_object() && !self.is_patient(node.value, path.many)? {
                    continue;
                }
                let found = self.name_in(node.value, &self.model.patients)?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }

    /// Whether a Reference leads to a patient; from a list only what is known to.
    fn is_patient(&self, value: &Value, listed: bool) -> Certain<bool> {
        let Some(reference) = self.reference(value)? else { return Ok(false) };
        if let Some(kind) = reference.kind {
            return Ok(kind == "Patient");
        }
        let Some(text) = reference.text else {
            return Ok(!listed && reference.identifier.is_some());
        };
        Ok(match self.target(text, false)? {
            Target::Resource(resource) => type_of(&resource) == Some("Patient"),
            Target::Unknown => !listed,
        })
    }

    fn ordering_doctor(&self) -> Certain<Option<Person>> {
        for path in &self.rule.facts.ordering_doctor {
            for node in self.own_nodes(path, true)? {
                if let Who::Person(person) = self.who(node.value, &node.place, true)? {
                    return Ok(Some(person));
                }
            }
        }
        Ok(None)
    }

    fn attested_by(&self, value: &Value) -> Certain<Option<SurgeonId>> {
        let is_identifier = value.get("value").is_some() && value.get("reference").is_none();
        if value.is_string() || is_identifier {
            return Ok(self.text_or_identifier(value)?.and_then(SurgeonId::new));
        }
        match self.who(value, "", true)? {
            Who::Person(person) => {
                Ok(person.id.clone().or_else(|| SurgeonId::new(&person.full_name()?)))
            }
            Who::Other(_) | Who::Nobody => Ok(None),
        }
    }

    /// A text, an Identifier, or the identifier of a Reference.
    fn discussion(&self, value: &Value) -> Certain<Option<String>> {
        let is_reference = ["reference", "identifier", "display"].map(|name| value.get(name));
        if is_reference.iter().all(Option::is_none) {
            return Ok(self.text_or_identifier(value)?.map(str::to_owned));
        }
        let reference = self.reference(value)?;
        let identifier = reference.and_then(|reference| reference.identifier);
        Ok(identifier.map(|identifier| identifier.value.to_owned()))
    }

    /// Whether a consent is referred to; `None` where the file does not say where it would be.
    fn consent(&self) -> Certain<Option<bool>> {
        let places = &self.rule.facts.consent;
        if places.is_empty() {
            return Ok(None);
        }
        for path in places {
            for node in self.own_nodes(path, false)? {
                let given = if node.value.is_string() {
                    self.text(node.value)?.is_some()
                } else {
                    self.reference(node.value)?.is_some_and(|reference| match reference.kind {
                        Some(kind) => kind == "Consent",
                        None => !path.many,
                    })
                };
                if given {
                    return Ok(Some(true));
                }
            }
        }
        Ok(Some(false))
    }

    fn diagnoses(&self) -> Certain<Vec<Redacted>> {
        let mut diagnoses: Vec<Redacted> = Vec::new();
        for path in &self.rule.facts.diagnoses {
            for node in self.objects(path, self.subject.resource, false)? {
                for code in self.diagnosis(node.value)? {
                    let code = Redacted::new(code);
                    diagnoses.extend(code.filter(|code| !diagnoses.contains(code)));
                    if self.too_many(diagnoses.len())? {
                        return Ok(diagnoses);
                    }
                }
            }
        }
        Ok(diagnoses)
    }

    /// The codes of a diagnosis, or of the Condition a Reference leads to, as far as it is at hand.
    fn diagnosis(&self, value: &Value) -> Certain<Vec<String>> {
        let codes = |concept: super::values::Concept<'_>| {
            concept.codings.iter().map(|coding| coding.code.to_owned()).collect()
        };
        if value.is_object() && value.get("reference").is_some() {
            let Some(reference) = self.reference(value)? else { return Ok(Vec::new()) };
            let Some(text) = reference.text else { return Ok(Vec::new()) };
            // A list that names diagnoses cannot be tested without them.
            let wanted = literal(text).is_some_and(|(k, _)| k == "Condition");
            let Target::Resource(resource) = self.target(text, wanted)? else {
                return Ok(Vec::new());
            };
            let coded = type_of(&resource) == Some("Condition");
            let code = if coded { self.member(&resource, "code")? } else { None };
            return code.map_or(Ok(Vec::new()), |code| self.concept(code).map(codes));
        }
        self.concept(value).map(codes)
    }

    /// The gravest that is stated.
    fn urgency(&self) -> Certain<Option<Urgency>> {
        let mut gravest = None;
        for rule in &self.rule.urgency {
            for path in &rule.at {
                for node in self.own_nodes(path, false)? {
                    for coding in self.concept(node.value)?.codings {
                        let urgency = if rule.emergency.contains(coding.code) {
                            Some(Urgency::Emergency)
                        } else if rule.urgent.contains(coding.code) {
                            Some(Urgency::Urgent)
                        } else {
                            rule.elective.contains(coding.code).then_some(Urgency::Elective)
                        };
                        gravest = gravest.max(urgency);
                    }
                }
            }
        }
        Ok(gravest)
    }

    /// All different starts; those of `fallback` only where there is no other.
    fn times(&self, unreadable: &mut bool) -> Certain<Vec<Timestamp>> {
        let mut times = Vec::new();
        let ResourceRule { starts, fallback_starts, .. } = self.rule;
        for places in [starts, fallback_starts] {
            for path in places {
                for node in self.own_nodes(path, false)? {
                    let Some(text) = self.text(node.value)? else { continue };
                    match self.moment(text) {
                        Some(time) if times.contains(&time) => {}
                        Some(time) => times.push(time),
                        None => *unreadable = true,
                    }
                    if self.too_many(times.len())? {
                        return Ok(times);
                    }
                }
            }
            if !times.is_empty() {
                break;
            }
        }
        Ok(times)
    }

    /// A FHIR date, dateTime or instant; a year or a month alone is no moment.
    fn moment(&self, text: &str) -> Option<Timestamp> {
        let dated = matches!(text.as_bytes(), [_, _, _, _, b'-', _, _, b'-', _, _, ..]);
        dated.then(|| time::parse(text, self.context.zone)).flatten()
    }

    fn duration(&self, start: Option<Timestamp>) -> Certain<Option<u32>> {
        let own = self.subject.resource;
        let stated = self.first(&self.rule.minutes, own, |value| match value {
            Value::Number(number) => Ok(number.as_u64()),
            _ => self.wrong(),
        })?;
        let stated = stated.filter(|minutes| (1..=MINUTES_MAX).contains(minutes));
        if let Some(minutes) = stated.and_then(|minutes| u32::try_from(minutes).ok()) {
            return Ok(Some(minutes));
        }
        let end = self.first(&self.rule.ends, own, |value| self.text(value))?;
        let seconds = end.and_then(|end| self.moment(end)).zip(start);
        let seconds = seconds.map(|(end, start)| end.as_second() - start.as_second());
        let minutes = seconds.and_then(|seconds| u32::try_from(seconds / 60).ok());
        Ok(minutes.filter(|minutes| *minutes > 0))
    }

    fn grade(&self, text: &str) -> Option<Grade> {
        let found = self.rule.grade_words.iter().find(|(_, words)| words.contains(text));
        found.map(|(grade, _)| *grade)
    }
}

/// Called by their logical ids.
static NO_SYSTEMS: Systems = Systems(Vec::new());
