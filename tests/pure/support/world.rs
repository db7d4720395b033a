//! One situation that the gate can be in: register, message, settings, moment. And judging it.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use orgate::domain::catalogue::Catalogue;
use orgate::domain::order::Order;
use orgate::domain::procedure::Procedure;
use orgate::domain::surgeon::{Lookup, PersonKey, Surgeon, fold_name};
use orgate::domain::verdict::Verdict;
use orgate::rules::{Facts, People, Policy, judge, persons, team};

/// On whom the route acts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Enforced {
    /// Stance enforce.
    Everybody,
    /// Stance observe.
    Nobody,
    /// Stance enforce, limited to these departments.
    Departments(Vec<String>),
}

impl Enforced {
    /// Whether the route acts on a group of `department`.
    pub(crate) fn holds(&self, department: Option<&str>) -> bool {
        match self {
            Self::Everybody => true,
            Self::Nobody => false,
            Self::Departments(listed) => {
                department.is_some_and(|name| listed.iter().any(|one| one == name))
            }
        }
    }
}

/// Register, message, settings, moment.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// The catalogue.
    pub(crate) items: Vec<Procedure>,
    /// The surgeons with their grants.
    pub(crate) surgeons: Vec<Surgeon>,
    /// Questions that the register cannot answer now.
    pub(crate) away: Vec<PersonKey>,
    /// The message.
    pub(crate) order: Order,
    /// The moment of judging.
    pub(crate) now: Timestamp,
    /// The hospital's time zone.
    pub(crate) zone: TimeZone,
    /// What the institution has set.
    pub(crate) policy: Policy,
    /// The route's stance.
    pub(crate) enforced: Enforced,
}

impl World {
    /// What the register answers.
    pub(crate) fn lookup(&self, key: &PersonKey) -> Lookup {
        if self.away.contains(key) {
            return Lookup::Unavailable;
        }
        let mut found = self.surgeons.iter().filter(|surgeon| match key {
            PersonKey::Id(id) => surgeon.id == *id,
            PersonKey::Name(name) => fold_name(&surgeon.name) == *name,
        });
        match (found.next(), found.next()) {
            (None, _) => Lookup::Nobody,
            (Some(one), None) => Lookup::Found(Arc::new(one.clone())),
            (Some(_), Some(_)) => Lookup::Several,
        }
    }

    /// Asks the register as the gate does: the primary surgeons, then the team where it matters.
    pub(crate) fn people(&self) -> People {
        let mut people = People::default();
        for key in persons(&self.order) {
            let answer = self.lookup(&key);
            people.insert(key, answer);
        }
        let rest: Vec<PersonKey> = team(&self.order, &people).collect();
        for key in rest {
            let answer = self.lookup(&key);
            people.insert(key, answer);
        }
        people
    }

    /// Judges the message.
    pub(crate) fn judge(&self) -> Verdict {
        let catalogue = Catalogue::new(1, self.items.clone());
        let people = self.people();
        let facts = Facts {
            order: &self.order,
            now: self.now,
            zone: &self.zone,
            catalogue: &catalogue,
            people: &people,
        };
        judge(&facts, &self.policy, &|department| self.enforced.holds(department))
    }
}
