//! What a resource wants done, its codes, the orders it is based on, and whether it is surgical.

use serde_json::Value;

use crate::domain::order::{Action, CodedPlace, Place, Stage};
use crate::domain::procedure::ProcedureCode;
use crate::mapping::fhir::model::ResourceRule;
use crate::mapping::fhir::path::Path;
use crate::mapping::fhir::read::references::{Held, Target, literal, type_of};
use crate::mapping::fhir::read::values::Concept;
use crate::mapping::fhir::read::{Certain, LISTED_MAX, Reader, Wanted};
use crate::mapping::reading::Doubt;

/// The codes of a procedure.
#[derive(Default)]
pub(super) struct Codes {
    /// Every place with a code; those that name the procedure first.
    pub(super) places: Vec<CodedPlace>,
    /// What the resource calls the procedure.
    pub(super) name: Option<String>,
    /// Where the procedure stands, with or without a code.
    pub(super) place: Option<Place>,
}

/// An order that the resource carries out.
pub(super) struct Basis<'v> {
    /// `ServiceRequest/id`, where the reference says so.
    pub(super) key: Option<String>,
    /// The number beside the reference.
    pub(super) number: Option<String>,
    /// As written.
    pub(super) text: Option<String>,
    pub(super) resource: Option<Held<'v>>,
    place: Place,
}

impl<'r> Reader<'r> {
    /// What is wanted: the status's word, else what the interaction says.
    pub(super) fn action(&self) -> Certain<Wanted> {
        let rule = &self.rule.action;
        let mut action = self.subject.action;
        if let Some(path) = &rule.at {
            let mut said = None;
            for node in self.own_nodes(path, true)? {
                let Value::String(word) = node.value else {
                    if self.strict() {
                        return Err(self.doubt(Doubt::MemberType, Some(&node.place)));
                    }
                    continue;
                };
                if self.strict() && said.is_some_and(|said| said != word) {
                    return Err(self.doubt(Doubt::Action, Some(&node.place)));
                }
                said = Some(word);
            }
            let listed = rule.words.iter().find(|(word, _)| said.is_some_and(|s| **word == **s));
            if let Some((_, listed)) = listed
                && action != Action::Withdraw
            {
                action = *listed;
            }
        }
        let mut called_off = false;
        if let Some(path) = &rule.not_a_case
            && action.checked()
            && self.flag(path)?
        {
            (action, called_off) = (Action::Withdraw, true);
        }
        Ok(Wanted { action, called_off })
    }

    /// The codes of the resource itself.
    pub(super) fn codes(&self) -> Certain<Codes> {
        let (mut codes, own) = (Codes::default(), self.subject.resource);
        for path in &self.rule.codes {
            for node in self.objects(path, own, true)? {
                let concept = self.concept(node.value).map_err(self.at(&node.place))?;
                let place = self.place(&format!("{}{}", node.place, concept.inside));
                codes.name = codes.name.take().or_else(|| concept.text.map(str::to_owned));
                codes.place.get_or_insert_with(|| place.clone());
                self.enter(&concept, place, &mut codes.places);
                if self.too_many(codes.places.len())? {
                    return Ok(codes);
                }
            }
        }
        for path in &self.rule.further {
            for node in self.objects(path, own, true)? {
                let concept = self.concept(node.value).map_err(self.at(&node.place))?;
                let place = self.place(&format!("{}{}", node.place, concept.inside));
                self.enter(&concept, place, &mut codes.places);
                if self.too_many(codes.places.len())? {
                    return Ok(codes);
                }
            }
        }
        Ok(codes)
    }

    fn enter(&self, concept: &Concept<'_>, place: Place, places: &mut Vec<CodedPlace>) {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let codings = concept.codings.iter().take(LISTED_MAX + 1).flat_map(|coding| {
            let (display, system) = (text(coding.display), text(coding.system));
            self.model.concepts.codings(coding.code, display, system)
        });
        let codings: Vec<_> = codings.collect();
        if !codings.is_empty() {
            places.push(CodedPlace { codings, place: Some(place) });
        }
    }

    /// The orders that the resource is based on.
    pub(super) fn orders(&self) -> Certain<Vec<Basis<'r>>> {
        let mut orders = Vec::new();
        for path in &self.rule.based_on {
            for node in self.own_nodes(path, true)? {
                let reference = self.reference(node.value).map_err(self.at(&node.place))?;
                let Some(reference) = reference else { continue };
                if reference.kind.is_some_and(|kind| self.order_rule(kind).is_none()) {
                    continue;
                }
                let here = reference.text.and_then(literal);
                let resource = match reference.text {
                    Some(text) => match self.target(text, false)? {
                        Target::Resource(resource) => Some(resource),
                        Target::Unknown => None,
                    },
                    None => None,
                };
                let other = |r: &Held<'_>| type_of(r).and_then(|t| self.order_rule(t)).is_none();
                if resource.as_ref().is_some_and(other) {
                    continue;
                }
                orders.push(Basis {
                    key: here.map(|(kind, id)| format!("{kind}/{id}")),
                    number: reference.identifier.map(|identifier| identifier.value.to_owned()),
                    text: reference.text.map(str::to_owned),
                    resource,
                    place: self.place(&node.place),
                });
                if self.too_many(orders.len())? {
                    return Ok(orders);
                }
            }
        }
        Ok(orders)
    }

    fn order_rule(&self, resource_type: &str) -> Option<&'r ResourceRule> {
        self.model.rule(resource_type).filter(|rule| rule.stage == Stage::Order)
    }

    /// The rule by which the order itself is read.
    pub(super) fn rule_of(&self, order: &Value) -> Option<&'r ResourceRule> {
        type_of(order).and_then(|kind| self.order_rule(kind))
    }

    /// Asks for an order that nobody has looked up.
    pub(super) fn ask_for(&self, order: &Basis<'_>) -> Certain<()> {
        if let (None, Some(text)) = (&order.resource, &order.text) {
            self.target(text, true)?;
        }
        Ok(())
    }

    /// The numbers an order goes by: its own, its requisition's, its logical id.
    pub(super) fn numbers(&self, order: &Basis<'_>) -> Certain<Vec<String>> {
        let mut numbers = Vec::new();
        if let Some(resource) = &order.resource
            && let Some(rule) = self.rule_of(resource)
        {
            let take = |value| self.text_or_identifier(value);
            let facts = &rule.facts;
            for places in [&facts.order_no, &facts.requisition] {
                numbers.extend(self.first_object(places, resource, take)?.map(str::to_owned));
            }
        }
        numbers.extend(order.number.iter().cloned());
        numbers.extend(order.key.iter().cloned());
        Ok(numbers)
    }

    pub(super) fn is_surgical(&self, codes: &Codes, orders: &[Basis<'_>]) -> Certain<bool> {
        let tests = &self.rule.surgical;
        if self.context.all_surgical || self.of_category(&tests.category, self.subject.resource)? {
            return Ok(true);
        }
        if tests.codes && self.any_known(&codes.places) {
            return Ok(true);
        }
        if tests.order_no && self.continues_checked_order()? {
            return Ok(true);
        }
        for order in orders.iter().filter(|_| tests.based_on) {
            if self.numbers(order)?.iter().any(|number| (self.context.checked_order)(number)) {
                return Ok(true);
            }
        }
        if !self.takes_codes_of_orders(codes) {
            return Ok(false);
        }
        for order in orders {
            self.ask_for(order)?;
            let Some(resource) = &order.resource else { continue };
            let Some(rule) = self.rule_of(resource) else { continue };
            if self.of_category(&rule.surgical.category, resource)?
                || self.any_known(&self.codes_of(order)?)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the order's codes count: where the resource has none of its own that is known.
    pub(super) fn takes_codes_of_orders(&self, codes: &Codes) -> bool {
        self.rule.from_order && !self.any_known(&codes.places)
    }

    /// The codes of an order, as if they stood where it is referred to.
    pub(super) fn codes_of(&self, order: &Basis<'_>) -> Certain<Vec<CodedPlace>> {
        let mut places = Vec::new();
        let Some(resource) = &order.resource else { return Ok(places) };
        let Some(rule) = self.rule_of(resource) else { return Ok(places) };
        for path in rule.codes.iter().chain(&rule.further) {
            for node in self.objects(path, resource, false)? {
                let concept = self.concept(node.value)?;
                self.enter(&concept, order.place.clone(), &mut places);
                if self.too_many(places.len())? {
                    return Ok(places);
                }
            }
        }
        Ok(places)
    }

    /// What an order calls its procedure.
    pub(super) fn name_of(&self, order: &Basis<'_>) -> Certain<Option<String>> {
        let Some(resource) = &order.resource else { return Ok(None) };
        let Some(rule) = self.rule_of(resource) else { return Ok(None) };
        let name = |value| Ok(self.concept(value)?.text);
        Ok(self.first_object(&rule.codes, resource, name)?.map(str::to_owned))
    }

    fn of_category(&self, places: &[Path], root: &Value) -> Certain<bool> {
        let any = &self.rule.surgical.any;
        for path in places {
            for node in self.objects(path, root, false)? {
                let codings = self.concept(node.value)?.codings;
                let is = |coding: &super::values::Coding<'_>| {
                    any.iter().any(|token| token.is(coding.system, coding.code))
                };
                if codings.iter().any(is) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn any_known(&self, places: &[CodedPlace]) -> bool {
        let known = |code: &ProcedureCode| {
            self.context.catalogue.resolve(code).is_some() || (self.context.listed)(code)
        };
        places.iter().flat_map(|place| &place.codings).any(|coding| known(&coding.code))
    }

    fn continues_checked_order(&self) -> Certain<bool> {
        let checked = self.context.checked_order;
        if self.subject.identity.is_some_and(checked) {
            return Ok(true);
        }
        for path in &self.rule.facts.order_no {
            for node in self.objects(path, self.subject.resource, false)? {
                if self.text_or_identifier(node.value)?.is_some_and(checked) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}
