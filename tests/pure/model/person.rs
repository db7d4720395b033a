//! The rules about the surgeon as a person in the second reading: the first half of §3.2.

use std::collections::BTreeSet;

use jiff::civil::Date;
use orgate::domain::order::{Person, Primary};
use orgate::domain::rule::Rule;
use orgate::domain::surgeon::{Lookup, Surgeon, SurgeonStatus};

use crate::model::reading::{Pair, days, within};

/// §3.2 as far as the person goes; and whether the register could not be asked (§5).
pub(super) fn rules(pair: &Pair<'_>, rules: &mut BTreeSet<Rule>) -> (Option<Surgeon>, bool) {
    let key = pair.person.and_then(Person::key);
    let (Some(person), Some(key)) = (pair.person, key) else {
        rules.insert(match pair.line.primary {
            Primary::Unclear(_) => Rule::SurgeonUnclear,
            Primary::Named(_) | Primary::Missing => Rule::SurgeonMissing,
        });
        return (None, false);
    };
    let surgeon = match pair.world.lookup(&key) {
        Lookup::Nobody => {
            rules.insert(Rule::SurgeonUnknown);
            return (None, false);
        }
        Lookup::Several => {
            rules.insert(Rule::SurgeonAmbiguous);
            return (None, false);
        }
        Lookup::Unavailable => return (None, true),
        Lookup::Found(surgeon) => Surgeon::clone(&surgeon),
    };
    if person.id.is_some() && !person.name.is_empty() && !person.may_be_called(&surgeon.name) {
        rules.insert(Rule::SurgeonNameMismatch);
    }
    if !days(pair.world, pair.line).into_iter().all(|day| licensed(&surgeon, day)) {
        rules.insert(Rule::SurgeonNotLicensed);
    }
    (Some(surgeon), false)
}

/// §3.2 `surgeon-not-licensed`, turned round.
pub(super) fn licensed(surgeon: &Surgeon, day: Date) -> bool {
    surgeon.status == SurgeonStatus::Active && within(day, None, surgeon.licence_to)
}
