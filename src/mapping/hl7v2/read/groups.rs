//! Where the orders of a message begin and end, and what each wants done.

use std::ops::Range;

use crate::domain::order::Action;
use crate::mapping::hl7v2::model::ActionRule;
use crate::mapping::hl7v2::read::{Certain, PAIRS_MAX, Reader};
use crate::mapping::reading::{Doubt, Unreadable};

/// The segments of one order; those before the first group are common to all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) own: Range<usize>,
    pub(super) common: Range<usize>,
    /// The common part itself, since it holds a procedure.
    pub(super) extra: bool,
}

impl Group {
    /// Own segments first.
    pub(super) fn indexes(&self) -> impl Iterator<Item = usize> + Clone + use<> {
        self.own.clone().chain(self.common.clone())
    }
}

impl Reader<'_, '_> {
    pub(super) fn groups(&self) -> Certain<Vec<Group>> {
        let rule = self.rule;
        let whole = || vec![Group { own: self.all(), common: 0..0, extra: false }];
        let Some(start) = rule.group_by.iter().find(|start| self.has(**start)) else {
            return Ok(whole());
        };
        // Orders that each say what is wanted stay apart: the first must not call off the others.
        let own_action =
            matches!(&rule.action, ActionRule::Field { place, .. } if place.segment == *start);
        if !own_action && self.has_any(&rule.whole_with) {
            return Ok(whole());
        }
        let count = self.ids.iter().filter(|id| *id == start).count();
        if count.saturating_mul(self.ids.len()) > PAIRS_MAX {
            self.unless(Doubt::Size, self.named && self.may_be_checked())?;
            return Ok(whole());
        }
        let mut groups: Vec<Group> = Vec::new();
        let mut common = 0..0;
        for (index, id) in self.ids.iter().enumerate() {
            if id != start {
                continue;
            }
            match groups.last_mut() {
                Some(last) => last.own.end = index,
                None => common = 0..index,
            }
            groups.push(Group { own: index..self.ids.len(), common: common.clone(), extra: false });
        }
        let procedure =
            |index: usize| self.model.procedures.iter().any(|rule| rule.each == self.id(index));
        let live: Vec<Group> = groups.iter().filter(|g| !self.hollow(g)).cloned().collect();
        if live.is_empty() {
            return Ok(whole());
        }
        let mut groups = live;
        if common.clone().any(procedure) {
            // A procedure before the only order belongs to it; before several it is one by itself.
            if groups.len() == 1 {
                return Ok(whole());
            }
            groups.push(Group { own: common, common: 0..0, extra: true });
        }
        Ok(groups)
    }

    /// A group without procedure and person (some senders write all RGS first). Where its begin
    /// says what is wanted, as ORC does, it is an order all the same.
    fn hollow(&self, group: &Group) -> bool {
        let mut rest = group.own.clone().skip(1);
        matches!(self.rule.action, ActionRule::Fixed(_))
            && rest.all(|index| {
                let id = self.id(index);
                let persons = self.model.persons.iter().any(|rule| rule.at.segment == id);
                !persons && !self.model.procedures.iter().any(|rule| rule.each == id)
            })
    }

    /// What the group wants done; the field of the action must have one value only.
    pub(super) fn action(&self, group: &Group) -> Certain<Action> {
        let (place, codes) = match &self.rule.action {
            ActionRule::Fixed(action) => return Ok(*action),
            ActionRule::Field { place, codes } => (place, codes),
        };
        for index in self.only(group.indexes(), place.segment) {
            let Some(segment) = self.message.segment_at(index) else { continue };
            let field = segment.field(place.field);
            let several = field.repetition_count() > 1
                || place.component == 0 && field.component_count() > 1
                || field.has_subcomponents();
            if several {
                return Err(self.doubt_at(Doubt::Action, index, place, 1));
            }
            let value = field.component(place.component.max(1));
            if value.is_empty() {
                continue;
            }
            let known = codes.iter().find(|(code, _)| code.as_bytes() == value.bytes());
            return Ok(known.map_or(Action::New, |(_, action)| *action));
        }
        Ok(Action::New)
    }

    /// What the extra group wants done: it has no begin of its own, so what all others agree on.
    pub(super) fn shared_action(&self, groups: &[Group]) -> Action {
        let mut actions = groups.iter().filter(|g| !g.extra).map(|g| self.action(g).ok());
        let first = actions.next().flatten();
        let same = actions.all(|action| action == first);
        first.filter(|_| same).unwrap_or(Action::New)
    }

    /// A doubt about one place.
    pub(super) fn doubt_at(
        &self,
        why: Doubt,
        index: usize,
        place: &crate::mapping::hl7v2::place::Place,
        repetition: usize,
    ) -> Unreadable {
        let at = self.place(index, place.field, repetition, place.component);
        Unreadable { why, place: at, stage: None }
    }
}
