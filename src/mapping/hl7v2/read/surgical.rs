//! Whether a group is surgical: the tests of `[surgical]`, cheapest first.

use crate::domain::procedure::ProcedureCode;
use crate::hl7::message::Span;
use crate::mapping::hl7v2::place::Place;
use crate::mapping::hl7v2::read::Reader;
use crate::mapping::hl7v2::read::groups::Group;
use crate::mapping::hl7v2::read::take::{components, part};
use crate::mapping::terms::trim;

impl Reader<'_, '_> {
    pub(super) fn is_surgical(&self, group: &Group) -> bool {
        let tests = &self.model.surgical;
        if self.named && self.context.all_surgical {
            return true;
        }
        if self.has_any(&tests.segments)
            && self.own_indexes(group).any(|index| tests.segments.contains(&self.id(index)))
        {
            return true;
        }
        if self.any_code_resolves(group) {
            return true;
        }
        // A type that the mapping does not name is judged by its procedures only.
        if !self.named {
            return false;
        }
        let value = tests.values.iter().any(|test| {
            let mut indexes = self.only(group.indexes(), test.place.segment);
            indexes.any(|index| self.matches(test, index))
        });
        value
            || tests.surgeon && self.names_surgeon(group)
            || tests.order_no && self.continues_checked_order(group)
    }

    /// Procedures in the common part are a group of their own, and do not make others surgical.
    fn own_indexes(&self, group: &Group) -> impl Iterator<Item = usize> {
        let procedure = |index: &usize| {
            let id = self.id(*index);
            self.model.procedures.iter().any(|rule| rule.each == id)
        };
        let common = group.common.clone().filter(move |index| !procedure(index));
        group.own.clone().chain(common)
    }

    fn any_code_resolves(&self, group: &Group) -> bool {
        self.model.surgical.codes.iter().any(|place| {
            let mut indexes = self.only(self.own_indexes(group), place.segment);
            indexes.any(|index| self.code_resolves(place, index))
        })
    }

    fn code_resolves(&self, place: &Place, index: usize) -> bool {
        if place.whole_field() {
            let mut repetitions = self.repetitions(place, index);
            return repetitions.any(|(_, repetition)| {
                // Components 1 and 4 hold a code, 3 and 6 its system.
                let [a, _, c, d, _, f] = components(&repetition);
                let resolves = |code: Option<Span<'_>>, system| {
                    code.is_some_and(|code| self.span_resolves(&code, system))
                };
                resolves(a, c) || resolves(d, f)
            });
        }
        let values = self.values(place, index, false).unwrap_or_default();
        values.iter().any(|(text, _)| self.resolves(text, None))
    }

    fn span_resolves(&self, code: &Span<'_>, system: Option<Span<'_>>) -> bool {
        // Where another reader takes the first sub-component only, that alone makes it surgical.
        let system = system.map(|s| s.text());
        self.resolves(&code.text(), system.as_deref())
            || code.has_subcomponents()
                && self.resolves(&code.subcomponent(1).text(), system.as_deref())
    }

    fn resolves(&self, text: &str, system: Option<&str>) -> bool {
        let Some(code) = ProcedureCode::new(text) else { return false };
        self.code_known(&code)
            || self.model.concepts.find(&code, system).is_some_and(|code| self.code_known(code))
    }

    /// In the catalogue or on a list.
    pub(super) fn code_known(&self, code: &ProcedureCode) -> bool {
        self.context.catalogue.resolve(code).is_some() || (self.context.listed)(code)
    }

    fn continues_checked_order(&self, group: &Group) -> bool {
        for place in &self.model.facts.order_no {
            for index in self.only(group.indexes(), place.segment) {
                let Some((_, repetition)) = self.repetitions(place, index).next() else { continue };
                let text = part(&repetition, place).text();
                let text = trim(&text);
                if !text.is_empty() {
                    return (self.context.checked_order)(text);
                }
            }
        }
        false
    }
}
