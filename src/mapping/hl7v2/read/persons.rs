//! Who performs a procedure: the primary surgeons, the team, or that it cannot be told.

use crate::domain::order::{Person, Place as Stood, Primary};
use crate::domain::surgeon::{SurgeonId, fold_name};
use crate::hl7::message::Span;
use crate::mapping::hl7v2::model::{PersonRule, Standing};
use crate::mapping::hl7v2::place::Place;
use crate::mapping::hl7v2::read::groups::Group;
use crate::mapping::hl7v2::read::lines::{Draft, Owner, Owners};
use crate::mapping::hl7v2::read::take::components;
use crate::mapping::hl7v2::read::{Certain, Reader, VALUES_MAX};
use crate::mapping::reading::Doubt;
use crate::mapping::terms::trim;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standard {
    Surgeon,
    Team,
    /// The role is blank.
    NoRole,
    /// The role is not listed.
    UnknownRole,
}

/// A person of a group.
#[derive(Debug)]
pub(super) struct Named {
    person: Person,
    standing: Standard,
    owner: Owner,
    /// Number of the `[[person]]`.
    rule: usize,
}

impl Reader<'_, '_> {
    /// Whether anybody in the group bears a surgeon's role or stands in a surgeon's place.
    pub(super) fn names_surgeon(&self, group: &Group) -> bool {
        group.indexes().any(|index| {
            let id = self.id(index);
            self.model.persons.iter().filter(|rule| rule.at.segment == id).any(|rule| {
                self.is_filled(rule, index)
                    && !self.exactly(&rule.deleted, index)
                    && self.standing(rule, index) == Standard::Surgeon
            })
        })
    }

    /// Everybody whom the group names. Deleted lines and persons are not among them.
    pub(super) fn persons(
        &self,
        indexes: impl Iterator<Item = usize>,
        owners: &Owners,
        strict: bool,
    ) -> Certain<Vec<Named>> {
        let mut named = Vec::with_capacity(8);
        for index in indexes {
            let (id, owner) = (self.id(index), owners.of(index));
            if owner == Owner::Deleted {
                continue;
            }
            for (number, rule) in self.model.persons.iter().enumerate() {
                let absent = rule.at.segment != id || !self.is_filled(rule, index);
                if absent || self.exactly(&rule.deleted, index) {
                    continue;
                }
                let standing = self.standing(rule, index);
                let people = self.people(&rule.at, rule.name.as_ref(), index, strict)?;
                if self.too_many(named.len() + people.len(), strict)? {
                    break;
                }
                named.extend(people.into_iter().map(|person| Named {
                    person,
                    standing,
                    owner,
                    rule: number,
                }));
            }
        }
        self.settle_sole(&mut named);
        Ok(named)
    }

    /// Somebody may stand there, by id or by a name in another field.
    fn is_filled(&self, rule: &PersonRule, index: usize) -> bool {
        rule.name.is_some() || self.repetitions(&rule.at, index).next().is_some()
    }

    /// A sole person without role is the surgeon, where the file says so and nobody else is.
    fn settle_sole(&self, named: &mut [Named]) {
        if named.iter().any(|n| n.standing == Standard::Surgeon) {
            return;
        }
        for (number, rule) in self.model.persons.iter().enumerate() {
            if !matches!(rule.standing, Standing::Role { sole: true, .. }) {
                continue;
            }
            let mut of_rule = named.iter_mut().filter(|n| n.rule == number);
            if let (Some(only), None) = (of_rule.next(), of_rule.next())
                && only.standing == Standard::NoRole
            {
                only.standing = Standard::Surgeon;
            }
        }
    }

    fn standing(&self, rule: &PersonRule, index: usize) -> Standard {
        let place = match &rule.standing {
            Standing::Surgeon => return Standard::Surgeon,
            Standing::Team => return Standard::Team,
            Standing::Role { place, .. } => place,
        };
        let mut standing = Standard::NoRole;
        for (_, repetition) in self.repetitions(place, index) {
            let components: &[usize] = match &place.component {
                0 => &[1, 2],
                _ => std::slice::from_ref(&place.component),
            };
            for component in components {
                let span = repetition.component(*component);
                let text = span.text();
                if self.model.surgeon_roles.contains(&text) {
                    return Standard::Surgeon;
                }
                if self.model.team_roles.contains(&text) {
                    standing = Standard::Team;
                } else if standing == Standard::NoRole
                    && !span.is_empty()
                    && !trim(&text).is_empty()
                {
                    standing = Standard::UnknownRole;
                }
            }
        }
        standing
    }

    /// The persons in one place: one for each repetition, or for each part where it is split.
    pub(super) fn people(
        &self,
        place: &Place,
        name: Option<&Place>,
        index: usize,
        strict: bool,
    ) -> Certain<Vec<Person>> {
        if place.whole_field() && name.is_none() {
            self.not_too_repeated(place, index, strict)?;
            let repetitions = self.repetitions(place, index).take(VALUES_MAX);
            let people =
                repetitions.map(|(number, span)| self.xcn(place, index, number, &span, strict));
            return people.filter_map(Result::transpose).collect();
        }
        let ids = self.values(place, index, strict)?;
        let names = match name {
            Some(name) => self.values(name, index, false)?,
            None => Vec::new(),
        };
        let mut people = Vec::new();
        for at in 0..ids.len().max(names.len()) {
            let id = ids.get(at).and_then(|(text, _)| SurgeonId::new(trim(text)));
            let name = names.get(at).map(|(text, _)| trim(text)).filter(|text| !text.is_empty());
            if id.is_none() && name.is_none() {
                continue;
            }
            let number = ids.get(at).map_or(1, |(_, number)| *number);
            let place = self.place(index, place.field, number, place.component);
            people.push(Person { id, name: name.map(str::to_owned).into_iter().collect(), place });
        }
        Ok(people)
    }

    /// Id, family name, given name: components 1 to 3.
    fn xcn(
        &self,
        place: &Place,
        index: usize,
        number: usize,
        span: &Span<'_>,
        strict: bool,
    ) -> Certain<Option<Person>> {
        let [id, family, given] = components(span);
        if strict && id.is_some_and(|id| id.has_subcomponents()) {
            return Err(self.doubt_at(Doubt::Subcomponents, index, place, number));
        }
        let id = id.and_then(|id| SurgeonId::new(trim(&id.text())));
        let mut name = Vec::new();
        for part in [family, given].into_iter().flatten() {
            // Family names may have sub-components (own name, prefix); the first is the name.
            let text = part.subcomponent(1).text();
            if !trim(&text).is_empty() {
                name.push(trim(&text).to_owned());
            }
        }
        let place = self.place(index, place.field, number, 0);
        Ok((id.is_some() || !name.is_empty()).then_some(Person { id, name, place }))
    }
}

/// The primary surgeon and the team of a line.
pub(super) fn assign(line: &Draft, named: &[Named], everyone: &[Named]) -> (Primary, Vec<Person>) {
    let own = |n: &&Named| match (n.owner, line.anchor) {
        (Owner::Line(owner), Some(anchor)) => owner == anchor,
        _ => false,
    };
    let of_group = |n: &&Named| n.owner == Owner::Group;
    let surgeon = |n: &&Named| n.standing == Standard::Surgeon;
    let mut surgeons: Vec<&Named> = named.iter().filter(own).filter(surgeon).collect();
    let of_some_line = |n: &&Named| {
        let mut others = named.iter().filter(|o| matches!(o.owner, Owner::Line(_)));
        others.any(|o| surgeon(&o) && same(&o.person, &n.person))
    };
    let has_own = !surgeons.is_empty();
    // A surgeon whom the group names beside those of its lines operates on every line.
    let shared = named.iter().filter(of_group).filter(surgeon);
    surgeons.extend(shared.filter(|n| !has_own || !of_some_line(n)));
    if line.anchor.is_none() {
        surgeons.extend(named.iter().filter(surgeon));
    }
    if surgeons.is_empty() {
        surgeons.extend(everyone.iter().filter(surgeon));
    }
    let mut primary: Vec<Person> = Vec::new();
    surgeons.iter().for_each(|n| enter(&mut primary, &n.person));
    let mut team = Vec::new();
    for other in named.iter().filter(|n| own(n) || of_group(n)) {
        if !primary.iter().any(|p| same(p, &other.person)) {
            enter(&mut team, &other.person);
        }
    }
    if !primary.is_empty() {
        return (Primary::Named(primary), team);
    }
    let mut around = named.iter().filter(|n| own(n) || of_group(n));
    let unclear = around.find(|n| n.standing != Standard::Team);
    let primary = match unclear {
        Some(n) => Primary::Unclear(unclear_place(n)),
        None => Primary::Missing,
    };
    (primary, team)
}

fn unclear_place(named: &Named) -> Option<Stood> {
    named.person.place.clone()
}

/// Adds a person once; where only one mention has a name or the names agree they are one.
fn enter(people: &mut Vec<Person>, person: &Person) {
    let Some(known) = people.iter_mut().find(|known| same(known, person)) else {
        people.push(person.clone());
        return;
    };
    if known.name.is_empty() {
        known.name.clone_from(&person.name);
    }
}

/// One person: the same id, and no two different names.
fn same(a: &Person, b: &Person) -> bool {
    let name = |person: &Person| person.full_name().map(|name| fold_name(&name));
    match (&a.id, &b.id) {
        (Some(a_id), Some(b_id)) if a_id != b_id => false,
        (Some(_), Some(_)) if a.name == b.name => true,
        (Some(_), Some(_)) => match (name(a), name(b)) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        },
        (None, None) => name(a) == name(b),
        _ => false,
    }
}
