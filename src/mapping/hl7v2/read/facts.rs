//! Everything else that a verdict needs: who, when, how urgent, which order.

use jiff::Timestamp;

use crate::domain::order::{Action, Attestation, Group as Built, Line, Order, Redacted, Urgency};
use crate::domain::procedure::Grade;
use crate::domain::surgeon::SurgeonId;
use crate::hl7::time;
use crate::mapping::hl7v2::model::DurationRule;
use crate::mapping::hl7v2::place::Place;
use crate::mapping::hl7v2::read::groups::Group;
use crate::mapping::hl7v2::read::lines::{Draft, Owner, Owners};
use crate::mapping::hl7v2::read::persons::{Named, assign};
use crate::mapping::hl7v2::read::take::part;
use crate::mapping::hl7v2::read::{Certain, Reader};
use crate::mapping::reading::Doubt;
use crate::mapping::terms::trim;

impl Reader<'_, '_> {
    /// The order without its groups.
    pub(super) fn frame(&self, strict: bool) -> Certain<Order> {
        let facts = &self.model.facts;
        let message_time = self.first(&facts.message_time, self.all(), false)?;
        if strict {
            self.one_patient()?;
        }
        let mut diagnoses = Vec::new();
        for place in &facts.diagnoses {
            for index in self.only(self.all(), place.segment) {
                for (text, _) in self.values(place, index, strict)? {
                    let code = Redacted::new(trim(&text));
                    diagnoses.extend(code.filter(|code| !diagnoses.contains(code)));
                    if self.too_many(diagnoses.len(), strict)? {
                        break;
                    }
                }
            }
        }
        Ok(Order {
            stage: self.rule.stage,
            message_time: message_time.and_then(|text| time::parse(&text, self.context.zone)),
            patient: self.first(&facts.patient, self.all(), strict)?.and_then(Redacted::new),
            encounter: self.first(&facts.encounter, self.all(), strict)?.and_then(Redacted::new),
            diagnoses,
            groups: Vec::new(),
        })
    }

    /// No two segments name different patients.
    fn one_patient(&self) -> Certain<()> {
        for place in &self.model.facts.patient {
            let mut first: Option<String> = None;
            for index in self.only(self.all(), place.segment) {
                let here = self.first(std::slice::from_ref(place), index..index + 1, true)?;
                let differs = first.is_some() && here.is_some() && here != first;
                self.unless(Doubt::Patients, differs)?;
                first = first.or(here);
            }
        }
        Ok(())
    }

    /// A group of the order, and whether a line of it was deleted.
    pub(super) fn group(&self, group: &Group, action: Action) -> Certain<(Built, bool)> {
        let strict = action.checked();
        let facts = &self.model.facts;
        let drafts = self.drafts(group, strict)?;
        let named = self.persons(group.indexes(), &drafts.owners, strict)?;
        let everyone = if group.extra {
            self.persons(self.all(), &drafts.owners, strict)?
        } else {
            Vec::new()
        };
        let mut built = Built {
            action,
            urgency: self.urgency(group),
            order_no: self.first(&facts.order_no, group.indexes(), strict)?.and_then(Redacted::new),
            department: self.first(&facts.department, group.indexes(), false)?,
            site: self.first(&facts.site, group.indexes(), false)?,
            ordering_doctor: self.ordering_doctor(group, strict)?,
            attestation: Attestation {
                reason: self.first(&facts.reason, group.indexes(), false)?.and_then(Redacted::new),
                by: self
                    .first(&facts.attested_by, group.indexes(), strict)?
                    .and_then(|text| SurgeonId::new(&text)),
            },
            discussion: self
                .first(&facts.discussion, group.indexes(), strict)?
                .and_then(Redacted::new),
            consent: match facts.consent.as_slice() {
                [] => None,
                places => Some(self.first(places, group.indexes(), false)?.is_some()),
            },
            lines: Vec::with_capacity(drafts.lines.len()),
            time_unreadable: false,
        };
        for draft in drafts.lines {
            let line = self.line(draft, &drafts.owners, group, (&named, &everyone), &mut built)?;
            built.lines.push(line);
        }
        Ok((built, drafts.deleted))
    }

    fn line(
        &self,
        draft: Draft,
        owners: &Owners,
        group: &Group,
        (named, everyone): (&[Named], &[Named]),
        built: &mut Built,
    ) -> Certain<Line> {
        let (primary, team) = assign(&draft, named, everyone);
        let own = group.indexes().filter(|i| match owners.of(*i) {
            Owner::Line(anchor) => draft.anchor == Some(anchor),
            Owner::Group => false,
            Owner::Deleted => false,
        });
        let shared = group.indexes().filter(|i| owners.of(*i) == Owner::Group);
        let around: Vec<usize> = own.chain(shared).collect();
        let strict = built.action.checked();
        let times = self.times(&around, strict, &mut built.time_unreadable)?;
        let grade = self.first(&self.model.stated_grade, around.iter().copied(), false)?;
        let first =
            draft.coded.iter().flat_map(|place| &place.codings).find_map(|c| c.display.clone());
        let place = match (draft.coded.first(), draft.anchor) {
            (Some(coded), _) => coded.place.clone(),
            (None, Some(anchor)) => self.place(anchor, self.code_field(anchor), 1, 0),
            (None, None) => None,
        };
        Ok(Line {
            coded: draft.coded,
            name: draft.name.or(first),
            primary,
            team,
            stated_grade: grade.and_then(|text| self.grade(&text)),
            duration_min: self.duration(&around, times.first().copied()),
            times,
            place,
        })
    }

    /// The field in which a code is missing.
    fn code_field(&self, anchor: usize) -> usize {
        let rule = self.model.procedures.iter().find(|rule| rule.each == self.id(anchor));
        rule.and_then(|rule| rule.codes.first()).map_or(0, |place| place.field)
    }

    fn ordering_doctor(
        &self,
        group: &Group,
        strict: bool,
    ) -> Certain<Option<crate::domain::order::Person>> {
        for place in &self.model.facts.ordering_doctor {
            for index in self.only(group.indexes(), place.segment) {
                let people = self.people(place, None, index, strict)?;
                if let Some(person) = people.into_iter().next() {
                    return Ok(Some(person));
                }
            }
        }
        Ok(None)
    }

    /// The gravest of all that is stated in the group and the common part.
    fn urgency(&self, group: &Group) -> Option<Urgency> {
        let mut gravest = None;
        for rule in &self.model.urgency {
            for place in &rule.at {
                for index in self.only(group.indexes(), place.segment) {
                    for (_, repetition) in self.repetitions(place, index) {
                        let text = part(&repetition, place).text();
                        let urgency = if rule.emergency.contains(&text) {
                            Some(Urgency::Emergency)
                        } else if rule.urgent.contains(&text) {
                            Some(Urgency::Urgent)
                        } else {
                            rule.elective.contains(&text).then_some(Urgency::Elective)
                        };
                        gravest = gravest.max(urgency);
                    }
                }
            }
        }
        gravest
    }

    /// All different starts; those of `fallback` only where there is no other.
    fn times(
        &self,
        around: &[usize],
        strict: bool,
        unreadable: &mut bool,
    ) -> Certain<Vec<Timestamp>> {
        let mut times = Vec::new();
        for places in [&self.model.starts, &self.model.fallback_starts] {
            for place in places {
                for index in self.only(around.iter().copied(), place.segment) {
                    let values = self.values(place, index, false).unwrap_or_default();
                    for (text, _) in values.iter().filter(|(text, _)| !trim(text).is_empty()) {
                        match time::parse(trim(text), self.context.zone) {
                            Some(time) if times.contains(&time) => {}
                            Some(time) => times.push(time),
                            None => *unreadable = true,
                        }
                        if self.too_many(times.len(), strict)? {
                            return Ok(times);
                        }
                    }
                }
            }
            if !times.is_empty() {
                break;
            }
        }
        Ok(times)
    }

    fn duration(&self, around: &[usize], start: Option<Timestamp>) -> Option<u32> {
        self.model.durations.iter().find_map(|rule| match rule {
            DurationRule::Length { at, unit } => {
                let index = self.only(around.iter().copied(), at.segment).next()?;
                let length = self.text_of(at, index)?.parse::<f64>().ok()?;
                let unit = unit.as_ref().and_then(|unit| self.text_of(unit, index));
                let minutes = match unit {
                    None => length,
                    Some(unit) if self.model.minute_units.contains(&unit) => length,
                    Some(unit) if self.model.hour_units.contains(&unit) => length * 60.0,
                    Some(_) => return None,
                };
                whole_minutes(minutes)
            }
            DurationRule::End(place) => {
                let index = self.only(around.iter().copied(), place.segment).next()?;
                let end = time::parse(&self.text_of(place, index)?, self.context.zone)?;
                let seconds = end.as_second() - start?.as_second();
                u32::try_from(seconds / 60).ok().filter(|minutes| *minutes > 0)
            }
        })
    }

    fn text_of(&self, place: &Place, index: usize) -> Option<String> {
        self.first(std::slice::from_ref(place), index..index + 1, false).ok().flatten()
    }

    fn grade(&self, text: &str) -> Option<Grade> {
        let found = self.model.grade_words.iter().find(|(_, words)| words.contains(text));
        found.map(|(grade, _)| *grade)
    }
}

/// A day has 1440 minutes; an operation that is said to last a month is a slip of the pen.
fn whole_minutes(minutes: f64) -> Option<u32> {
    let sound = minutes.is_finite() && minutes > 0.0 && minutes <= 43_200.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked above"
    )]
    sound.then_some(minutes.ceil() as u32)
}

/// The extra group has no begin of its own, so what it lacks is that of the others: the order
/// number and the department of the first, of the urgencies the mildest.
pub(super) fn complete(extra: &mut Built, others: &[Built]) {
    let mildest = others.iter().map(|g| g.urgency.unwrap_or(Urgency::Elective)).min();
    extra.urgency = extra.urgency.or(mildest.filter(|u| *u != Urgency::Elective));
    if let Some(other) = others.first() {
        extra.order_no = extra.order_no.take().or_else(|| other.order_no.clone());
        extra.department = extra.department.take().or_else(|| other.department.clone());
    }
}
