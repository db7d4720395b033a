//! The examples a mapping file carries: a message and what must be read from it.

use crate::domain::catalogue::Catalogue;
use crate::domain::order::Order;
use crate::domain::procedure::ProcedureCode;
use crate::hl7::charset::{Charset, CharsetSetting};
use crate::hl7::message::Message;
use crate::mapping::expected::{self, Expected};
use crate::mapping::hl7v2::model::Model;
use crate::mapping::hl7v2::read;
use crate::mapping::reading::{Context, Reading};

/// One `[[example]]`.
#[derive(Debug)]
pub(super) struct Example {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) payload: Vec<u8>,
    pub(super) charset: Option<Charset>,
    pub(super) catalogue: Vec<ProcedureCode>,
    pub(super) checked_orders: Vec<String>,
    pub(super) all_surgical: bool,
    /// `order`, `notice`, `record`, `not-surgical`, `scheduling`, `reply`, `unreadable: WHY`.
    pub(super) expect: String,
    pub(super) facts: Vec<Expected>,
    pub(super) groups: Vec<ExpectedGroup>,
}

/// One `[[example.group]]`.
#[derive(Debug)]
pub(super) struct ExpectedGroup {
    pub(super) line: usize,
    pub(super) facts: Vec<Expected>,
}

impl Example {
    /// Line and text of everything that is read otherwise than expected.
    pub(super) fn run(&self, model: &Model) -> Vec<(usize, String)> {
        let setting = self.charset.map_or(CharsetSetting::Auto, CharsetSetting::Fixed);
        let message = match Message::read(&self.payload, &setting) {
            Ok(message) => message,
            Err(error) => return vec![(self.line, error.to_string())],
        };
        let catalogue = expected::catalogue(&self.catalogue);
        let zone = expected::zone();
        let context = Context {
            catalogue: &catalogue,
            listed: &|_| false,
            checked_order: &|number| self.checked_orders.iter().any(|known| known == number),
            all_surgical: self.all_surgical,
            compare_bytes: false,
            zone: &zone,
        };
        let reading = read::read(model, &message, &context);
        let read = expected::kind(&reading);
        if read != self.expect {
            return vec![(self.line, format!("expected `{}`, read `{read}`", self.expect))];
        }
        match reading {
            Reading::Surgical(order) => self.compare(&order, &catalogue),
            Reading::NotSurgical { .. } | Reading::Unreadable(_) => Vec::new(),
        }
    }

    fn compare(&self, order: &Order, catalogue: &Catalogue) -> Vec<(usize, String)> {
        let mut differences = expected::compare_order(&self.facts, order);
        for (expected, group) in self.groups.iter().zip(&order.groups) {
            differences.append(&mut expected::compare_group(&expected.facts, group, catalogue));
        }
        if self.groups.len() != order.groups.len() {
            let line = self.groups.last().map_or(self.line, |group| group.line);
            let (expected, read) = (self.groups.len(), order.groups.len());
            let what =
                format!("expected {expected} [[example.group]], read {read} surgical groups");
            differences.push((line, what));
        }
        differences
    }
}
