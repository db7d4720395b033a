//! Who performs it: surgeons, team, and who cannot be told.

use serde_json::Value;

use crate::domain::order::{Person, Primary};
use crate::domain::surgeon::{SurgeonId, fold_name};
use crate::mapping::fhir::model::{PersonRule, Standing, Token};
use crate::mapping::fhir::path::Path;
use crate::mapping::fhir::read::references::{
    Reference, Target, is_absolute, literal, searched, seen_from, type_of,
};
use crate::mapping::fhir::read::{Certain, Reader};
use crate::mapping::reading::Doubt;

/// Whom a reference names.
pub(super) enum Who {
    Person(Person),
    /// A group, an organisation, a device: nobody who could be held to a grant.
    Other(Option<String>),
    Nobody,
}

/// What somebody does, as far as it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    Surgeon,
    Team,
    Open,
}

/// One in the list of a `[[resource.person]]`.
struct Entry<'v> {
    stand: Stand,
    actor: &'v Value,
    place: String,
}

/// What the entries of one or more lists come to.
#[derive(Default)]
struct Cast {
    surgeons: Vec<Person>,
    team: Vec<Person>,
    /// Somebody or something is named, and not who operates.
    unclear: Option<String>,
}

/// Names that are not in use any more, or never were on a badge.
const OTHER_NAMES: [&str; 4] = ["old", "maiden", "nickname", "anonymous"];

impl<'r> Reader<'r> {
    /// The primary surgeons and the team.
    pub(super) fn performers(&self) -> Certain<(Primary, Vec<Person>)> {
        let mut cast = Cast::default();
        for rule in &self.rule.persons {
            self.cast(rule, &mut cast)?;
        }
        let Cast { surgeons, mut team, unclear } = cast;
        team.retain(|person| !surgeons.iter().any(|surgeon| same(surgeon, person)));
        let primary = match (surgeons.is_empty(), unclear) {
            (false, _) => Primary::Named(surgeons),
            (true, Some(place)) => Primary::Unclear(Some(self.place(&place))),
            (true, None) => Primary::Missing,
        };
        Ok((primary, team))
    }

    fn cast(&self, rule: &PersonRule, cast: &mut Cast) -> Certain<()> {
        let entries = self.entries(rule)?;
        let (sole, others) = match rule.standing {
            Standing::Role { sole, others, .. } => (sole, others),
            Standing::Surgeon | Standing::Team => (false, false),
        };
        let has_surgeon = entries.iter().any(|entry| entry.stand == Stand::Surgeon);
        let (mut open, mut team, mut group) = (Vec::new(), Vec::new(), None);
        let before = cast.surgeons.len();
        for entry in entries {
            if has_surgeon && entry.stand == Stand::Open && !others {
                continue;
            }
            // In a list that holds rooms and patients too, a bare text need not be a person.
            let by_name = entry.stand != Stand::Open || rule.beside.is_empty();
            let who = self.who(entry.actor, &entry.place, by_name);
            match who.map_err(self.at(&entry.place))? {
                Who::Person(person) => match entry.stand {
                    Stand::Surgeon => enter(&mut cast.surgeons, person),
                    Stand::Team => enter(&mut team, person),
                    Stand::Open => enter(&mut open, person),
                },
                Who::Other(kind) => {
                    let beside = kind.is_some_and(|kind| rule.beside.iter().any(|b| **b == *kind));
                    if entry.stand != Stand::Team && !beside {
                        group = group.or(Some(entry.place));
                    }
                }
                Who::Nobody => {}
            }
        }
        let mut named = cast.surgeons.len() > before;
        if !named && !has_surgeon && sole && team.is_empty() && open.len() == 1 {
            open.drain(..).for_each(|person| enter(&mut cast.surgeons, person));
            named = true;
        }
        if !named {
            let first = open.first().and_then(|person| place_of(person, self.subject.path));
            cast.unclear = cast.unclear.take().or(first).or(group);
        }
        if named && others {
            open.drain(..).for_each(|person| enter(&mut team, person));
        }
        team.into_iter().for_each(|person| enter(&mut cast.team, person));
        Ok(())
    }

    fn entries(&self, rule: &PersonRule) -> Certain<Vec<Entry<'r>>> {
        let mut entries = Vec::new();
        for node in self.own_nodes(&rule.at, true)? {
            let stand = match &rule.standing {
                Standing::Surgeon => Stand::Surgeon,
                Standing::Team => Stand::Team,
                Standing::Role { role, surgeon, team, .. } => {
                    self.stand(role, node.value, surgeon, team).map_err(self.at(&node.place))?
                }
            };
            let actor = match &rule.actor {
                None => Some(node),
                Some(path) => {
                    let inner = self.nodes(path, node.value, true).map_err(self.at(&node.place))?;
                    let inner = inner.into_iter().next();
                    inner.map(|mut inner| {
                        inner.place.insert_str(0, &node.place);
                        inner
                    })
                }
            };
            if let Some(actor) = actor {
                entries.push(Entry { stand, actor: actor.value, place: actor.place });
            }
            if self.too_many(entries.len())? {
                break;
            }
        }
        Ok(entries)
    }

    fn stand(&self, role: &Path, of: &Value, surgeon: &[Token], team: &[Token]) -> Certain<Stand> {
        let mut stand = Stand::Open;
        for node in self.objects(role, of, false)? {
            for coding in self.concept(node.value)?.codings {
                let is = |tokens: &[Token]| tokens.iter().any(|t| t.is(coding.system, coding.code));
                if is(surgeon) {
                    return Ok(Stand::Surgeon);
                }
                if is(team) {
                    stand = Stand::Team;
                }
            }
        }
        Ok(stand)
    }

    /// Whom a Reference names. `by_name`: a text beside nothing else is a name.
    pub(super) fn who(&self, value: &Value, place: &str, by_name: bool) -> Certain<Who> {
        let Some(reference) = self.reference(value)? else { return Ok(Who::Nobody) };
        self.referred(&reference, reference.text, place, by_name, true)
    }

    fn referred(
        &self,
        reference: &Reference<'_>,
        text: Option<&str>,
        place: &str,
        by_name: bool,
        roles: bool,
    ) -> Certain<Who> {
        let person = |id: Option<&str>, name: Vec<String>| {
            let id = id.and_then(SurgeonId::new);
            Who::Person(Person { id, name, place: Some(self.place(place)) })
        };
        if let Some(kind) = reference.kind.filter(|kind| !is_person(kind)) {
            return Ok(Who::Other(Some(kind.to_owned())));
        }
        let systems = &self.model.persons;
        let Some(text) = text else {
            let Some(identifier) = reference.identifier else {
                return Ok(match reference.display.filter(|_| by_name) {
                    Some(name) => person(None, vec![name.to_owned()]),
                    None => Who::Other(None),
                });
            };
            let ours = systems.is_empty() || systems.rank(identifier.system).is_some();
            let foreign = || format!("{}|{}", identifier.system.unwrap_or(""), identifier.value);
            let id = if ours { identifier.value.to_owned() } else { foreign() };
            return Ok(person(Some(&id), Vec::new()));
        };
        if let Some((_, system, value)) = searched(text) {
            let ours = systems.is_empty() || systems.rank(Some(&system)).is_some();
            return Ok(person(Some(if ours { &value } else { text }), Vec::new()));
        }
        let here = literal(text).filter(|(kind, _)| *kind == "Practitioner" && !is_absolute(text));
        let direct = here.filter(|_| systems.is_empty()).map(|(_, id)| id);
        let Target::Resource(resource) = self.target(text, direct.is_none())? else {
            return Ok(person(Some(direct.unwrap_or(text)), Vec::new()));
        };
        self.not_another(reference, &resource)?;
        match type_of(&resource) {
            Some("Practitioner") => {
                let (id, name) = self.practitioner(reference, text, &resource)?;
                let nameless = name.iter().all(|part| part.trim().is_empty());
                let id = id.or_else(|| nameless.then(|| text.to_owned()));
                Ok(person(id.as_deref(), name))
            }
            Some("PractitionerRole") if roles => {
                let Some(inner) = self.member(&resource, "practitioner")? else {
                    return Ok(Who::Other(None));
                };
                let Some(inner) = self.reference(inner)? else { return Ok(Who::Other(None)) };
                let seen = inner.text.map(|inner| seen_from(text, inner));
                let who = self.referred(&inner, seen.as_deref(), place, true, false)?;
                if let Who::Person(person) = &who {
                    self.agrees(reference, person)?;
                }
                Ok(who)
            }
            other => Ok(Who::Other(other.map(str::to_owned))),
        }
    }

    /// The staff number beside a reference is that of whom it leads to.
    fn agrees(&self, reference: &Reference<'_>, person: &Person) -> Certain<()> {
        let systems = &self.model.persons;
        let beside = reference.identifier.filter(|i| systems.rank(i.system).is_some());
        let differs = beside
            .is_some_and(|beside| person.id.as_ref().is_some_and(|id| id.as_str() != beside.value));
        let known = person.id.as_ref().is_some_and(|id| !id.as_str().contains('/'));
        let doubtful = differs && known && self.strict();
        if doubtful { Err(self.doubt(Doubt::Persons, None)) } else { Ok(()) }
    }

    /// The staff number and the name of a Practitioner.
    fn practitioner(
        &self,
        reference: &Reference<'_>,
        text: &str,
        resource: &Value,
    ) -> Certain<(Option<String>, Vec<String>)> {
        let systems = &self.model.persons;
        let beside = reference.identifier.filter(|i| systems.rank(i.system).is_some());
        let id = match self.identified(resource, systems)? {
            Some(id) => Some(id),
            None => match (beside, literal(text)) {
                (Some(beside), _) => Some(beside.value.to_owned()),
                (None, Some((_, id))) => Some(id.to_owned()),
                (None, None) => None,
            },
        };
        Ok((id, self.name(resource)?))
    }

    /// Family and given names, else the text; of the first name that is in use.
    fn name(&self, resource: &Value) -> Certain<Vec<String>> {
        for name in self.array_in(resource, "name")? {
            if self.text_in(name, "use")?.is_some_and(|word| OTHER_NAMES.contains(&word)) {
                continue;
            }
            let mut parts = Vec::new();
            parts.extend(self.text_in(name, "family")?.map(str::to_owned));
            for given in self.array_in(name, "given")?.iter().filter(|given| !given.is_null()) {
                parts.extend(self.text(given)?.map(str::to_owned));
            }
            if parts.is_empty() {
                parts.extend(self.text_in(name, "text")?.map(str::to_owned));
            }
            if !parts.is_empty() {
                return Ok(parts);
            }
        }
        Ok(Vec::new())
    }
}

fn is_person(kind: &str) -> bool {
    matches!(kind, "Practitioner" | "PractitionerRole")
}

fn place_of(person: &Person, path: &str) -> Option<String> {
    match &person.place {
        Some(crate::domain::order::Place::FhirPath(place)) => {
            place.strip_prefix(path).map(str::to_owned)
        }
        _ => None,
    }
}

/// Adds a person once; where only one mention has a name or the names agree they are one.
fn enter(people: &mut Vec<Person>, person: Person) {
    match people.iter_mut().find(|known| same(known, &person)) {
        None => people.push(person),
        Some(known) if known.name.is_empty() => known.name = person.name,
        Some(_) => {}
    }
}

/// One person: the same id, and no two different names.
fn same(a: &Person, b: &Person) -> bool {
    let name = |person: &Person| person.full_name().map(|name| fold_name(&name));
    match (&a.id, &b.id) {
        (Some(a_id), Some(b_id)) if a_id != b_id => false,
        (Some(_), Some(_)) => a.name == b.name || name(a).zip(name(b)).is_none_or(|(a, b)| a == b),
        (None, None) => name(a) == name(b),
        _ => false,
    }
}
