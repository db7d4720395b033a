//! A message taken apart into its cases, and the rules about a case as such (rules.md §1, §3.3).

use std::sync::Arc;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::domain::order::{CodedPlace, Coding, Group, Line, Person, Place, Primary, Stage};
use crate::domain::procedure::{Grade, Procedure, ProcedureCode};
use crate::domain::rule::Rule;
use crate::domain::surgeon::{Lookup, SurgeonId};
use crate::domain::technique::{ListKind, Technique as Listed};
use crate::domain::verdict::Subject;
use crate::rules::judge::{Facts, People};
use crate::rules::wording::{Told, told};

/// An operating time further back than this is told (rules.md §3.3 `operating-time-past`).
const PAST: SignedDuration = SignedDuration::from_hours(24);

/// The line of a group that has none: no procedure, no surgeon.
static NOTHING: Line = Line {
    coded: Vec::new(),
    name: None,
    primary: Primary::Missing,
    team: Vec::new(),
    stated_grade: None,
    times: Vec::new(),
    duration_min: None,
    place: None,
};

/// What the codes of a line came to.
#[derive(Clone, Copy)]
pub(super) enum Technique<'f> {
    /// No code at all.
    NoCode,
    /// Codes, but none of an item in force.
    Unresolved(&'f Coding),
    /// This item of the catalogue.
    Known(&'f Arc<Procedure>),
}

/// Who operates.
pub(super) enum Who<'f> {
    /// Nobody named.
    Missing,
    /// Somebody named, nobody told to be the primary.
    Unclear(Option<&'f Place>),
    /// This person, and what the register says of them.
    Person(&'f Person, Lookup),
}

/// One (surgeon, procedure) pair with everything that judging it needs.
pub(super) struct Case<'f> {
    pub(super) facts: &'f Facts<'f>,
    pub(super) group_index: usize,
    pub(super) group: &'f Group,
    pub(super) line: &'f Line,
    pub(super) technique: Technique<'f>,
    pub(super) technique_place: Option<&'f Place>,
    pub(super) who: Who<'f>,
    /// Operating times as judged: never before now at order and notice, never empty.
    pub(super) times: Vec<Timestamp>,
    /// Their days in the hospital's zone.
    pub(super) days: Vec<Date>,
    /// The techniques of the lists, in force or not, that a code of the line or of the item means.
    pub(super) listed: Vec<&'f Listed>,
}

impl<'f> Case<'f> {
    /// The effective grade: 4 for what a national or provincial list restricts (SG 20), else the
    /// catalogue's, where the procedure resolved.
    pub(super) fn grade(&self) -> Option<Grade> {
        if self.in_force(ListKind::Restricted).any(Listed::raises_grade) {
            return Some(Grade::Four);
        }
        self.item().map(|item| item.grade)
    }

    /// The item of the catalogue, where the procedure resolved.
    pub(super) fn item(&self) -> Option<&'f Arc<Procedure>> {
        match self.technique {
            Technique::Known(item) => Some(item),
            Technique::NoCode | Technique::Unresolved(_) => None,
        }
    }

    /// The techniques of lists of one kind that are in force at an operating time.
    pub(super) fn in_force(&self, kind: ListKind) -> impl Iterator<Item = &'f Listed> {
        let listed = self.listed.iter().copied().filter(move |technique| technique.kind == kind);
        listed.filter(|technique| self.days.iter().any(|day| technique.in_force(*day)))
    }

    /// Whether any list restricts the technique at an operating time (rules.md §7: lists of any level).
    pub(super) fn restricted(&self) -> bool {
        self.in_force(ListKind::Restricted).next().is_some()
    }

    /// The codes that name the procedure of this case, whoever wrote them: those of the item, else
    /// those of the line.
    pub(super) fn names(&self) -> impl Iterator<Item = &'f ProcedureCode> {
        let item = self.item().into_iter();
        let own = item.flat_map(|item| std::iter::once(&item.code).chain(&item.aliases));
        let written = self.item().is_none().then(|| written(self.line));
        own.chain(written.into_iter().flatten())
    }

    /// The surgeon's number: the register's where found, else the message's.
    pub(super) fn surgeon_id(&self) -> Option<&SurgeonId> {
        match &self.who {
            Who::Missing | Who::Unclear(_) => None,
            Who::Person(_, Lookup::Found(known)) => Some(&known.id),
            Who::Person(person, _) => person.id.as_ref(),
        }
    }

    /// The item's code, else the message's first.
    pub(super) fn procedure_code(&self) -> Option<&'f ProcedureCode> {
        match self.technique {
            Technique::NoCode => None,
            Technique::Unresolved(coding) => Some(&coding.code),
            Technique::Known(item) => Some(&item.code),
        }
    }

    /// The moment of judging as a day in the hospital's zone.
    pub(super) fn today(&self) -> Date {
        self.facts.zone.to_datetime(self.facts.now).date()
    }
}

/// Every code of a line, all places and all codings.
fn written(line: &Line) -> impl Iterator<Item = &ProcedureCode> {
    line.coded.iter().flat_map(|place| &place.codings).map(|coding| &coding.code)
}

/// All cases of the checked groups, in the order of the message.
pub(super) fn cases<'f>(facts: &'f Facts<'f>) -> Vec<Case<'f>> {
    let mut out = Vec::new();
    for (group_index, group) in facts.order.groups.iter().enumerate() {
        if !group.action.checked() {
            continue;
        }
        // A group that was found surgical but names nothing is still a case: nothing passes unjudged.
        let lines =
            if group.lines.is_empty() { std::slice::from_ref(&NOTHING) } else { &group.lines };
        for line in lines {
            let times = operating_times(facts, line);
            let mut days: Vec<Date> =
                times.iter().map(|time| facts.zone.to_datetime(*time).date()).collect();
            days.dedup();
            for (technique, technique_place) in techniques(facts, line, &days) {
                let listed = listed(facts, line, technique);
                for who in surgeons(line, facts.people) {
                    out.push(Case {
                        facts,
                        group_index,
                        group,
                        line,
                        technique,
                        technique_place,
                        who,
                        times: times.clone(),
                        days: days.clone(),
                        listed: listed.clone(),
                    });
                }
            }
        }
    }
    out
}

/// What the lists say of a line's codes and of all codes of the item: a technique is not evaded by
/// another code or another name of the same (rules.md §2, §7; SZ 8).
fn listed<'f>(facts: &'f Facts<'f>, line: &Line, technique: Technique<'f>) -> Vec<&'f Listed> {
    let own = match technique {
        Technique::Known(item) => Some(std::iter::once(&item.code).chain(&item.aliases)),
        Technique::NoCode | Technique::Unresolved(_) => None,
    };
    facts.around.lists.meaning(written(line).chain(own.into_iter().flatten()))
}

/// Stated starts, else the message's time, else now; at order and notice never before now.
fn operating_times(facts: &Facts<'_>, line: &Line) -> Vec<Timestamp> {
    let mut times = if line.times.is_empty() {
        vec![facts.order.message_time.unwrap_or(facts.now)]
    } else {
        line.times.clone()
    };
    if facts.order.stage != Stage::Record {
        for time in &mut times {
            *time = (*time).max(facts.now);
        }
    }
    times.dedup();
    times
}

/// The catalogue items a line names: the first coding of each place that resolves decides; different
/// items in different places are different cases (rules.md §2).
fn techniques<'f>(
    facts: &'f Facts<'f>,
    line: &'f Line,
    days: &[Date],
) -> Vec<(Technique<'f>, Option<&'f Place>)> {
    let in_force = |procedure: &Procedure| days.iter().all(|day| procedure.in_force(*day));
    let resolve = |place: &'f CodedPlace| {
        let mut found = place.codings.iter().filter_map(|c| facts.catalogue.resolve(&c.code));
        found.find(|procedure| in_force(procedure))
    };
    let mut out: Vec<(Technique<'f>, Option<&'f Place>)> = Vec::new();
    let mut seen: Vec<&Arc<Procedure>> = Vec::new();
    for place in &line.coded {
        if let Some(procedure) = resolve(place)
            && !seen.iter().any(|known| known.code == procedure.code)
        {
            seen.push(procedure);
            out.push((Technique::Known(procedure), place.place.as_ref()));
        }
    }
    if out.is_empty() {
        let coded = line.coded.iter().find(|place| !place.codings.is_empty());
        let first = coded.and_then(|place| place.codings.first().map(|c| (c, place)));
        out.push(match first {
            Some((coding, place)) => (Technique::Unresolved(coding), place.place.as_ref()),
            None => (Technique::NoCode, line.place.as_ref()),
        });
    }
    out
}

fn surgeons<'f>(line: &'f Line, people: &People) -> Vec<Who<'f>> {
    match &line.primary {
        Primary::Named(persons) if persons.is_empty() => vec![Who::Missing],
        Primary::Missing => vec![Who::Missing],
        Primary::Unclear(place) => vec![Who::Unclear(place.as_ref())],
        Primary::Named(persons) => persons
            .iter()
            .map(|person| match person.key() {
                Some(key) => Who::Person(person, people.lookup(&key)),
                None => Who::Unclear(person.place.as_ref()),
            })
            .collect(),
    }
}

/// `operating-time-past`: an order or notice states a time more than 24 h ago; it is judged as of now (SG 29).
pub(super) fn operating_time_past(case: &Case<'_>) -> Option<Told> {
    let facts = case.facts;
    let past = case.line.times.iter().any(|time| facts.now.duration_since(*time) > PAST);
    (facts.order.stage != Stage::Record && past).then(|| {
        told(
            Rule::OperatingTimePast,
            Subject::Time,
            "所填手术时间已过去24小时以上，按当前时间核查；请核对手术时间。".to_owned(),
            "the stated operating time is more than 24 hours ago and was judged as of now; check the time"
                .to_owned(),
        )
    })
}
