//! A verdict derived again from its ledger entry (invariant 8): the facts it holds, judged anew.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::catalogue::Catalogue;
use crate::domain::order::Order;
use crate::domain::procedure::Procedure;
use crate::domain::verdict::{Stance, Verdict};
use crate::gate::entry::{PolicyJson, setting_word};
use crate::gate::facts::FactsJson;
use crate::gate::ruling::Bench;
use crate::gate::stance::RouteStance;
use crate::gate::verdict_json::VerdictJson;
use crate::rules::effects::Effects;
use crate::rules::table::Setting;
use crate::rules::{People, Policy, Surroundings};

/// Why a verdict cannot be derived again.
#[derive(Debug, thiserror::Error)]
pub enum RederiveError {
    /// The body is not that of a decision with facts.
    #[error(
        "the entry holds no facts to judge by, choose a decision entry of a message that was read"
    )]
    NoFacts,
    /// A fact has a value that this version does not know.
    #[error("the entry's `{0}` cannot be understood by this version of the program")]
    Unknown(&'static str),
}

/// A verdict as recorded and as derived again.
#[derive(Debug)]
pub struct Rederived {
    /// As the entry holds it, canonical JSON.
    pub recorded: String,
    /// As judged now from the entry's facts, canonical JSON.
    pub derived: String,
    /// The verdict derived.
    pub verdict: Verdict,
    /// The orders as read then, to be judged by other facts.
    pub orders: Vec<Order>,
    /// What the route did with verdicts then.
    pub stance: RouteStance,
    /// Who sent it, where it was sent by mutual TLS.
    pub sender: Option<Sender>,
}

/// Who sent a message, as its entry tells.
#[derive(Clone, Debug, Deserialize)]
pub struct Sender {
    /// SHA-256 of the certificate that was shown.
    pub certificate: String,
    /// The name in it.
    pub name: String,
}

impl Rederived {
    /// Whether both are the same, to the letter.
    pub fn same(&self) -> bool {
        self.recorded == self.derived
    }
}

#[derive(Deserialize)]
struct Body<'b> {
    facts: Option<FactsJson>,
    policy: PolicyJson,
    sender: Option<Sender>,
    #[serde(borrow)]
    verdict: &'b RawValue,
}

/// Judges the facts of a decision entry's `body` again. `entry` is its id.
///
/// # Errors
/// When the entry holds no facts, or facts this version does not understand.
pub fn rederive(body: &str, entry: &str) -> Result<Rederived, RederiveError> {
    let body: Body<'_> = serde_json::from_str(body).map_err(|_| RederiveError::NoFacts)?;
    let facts = body.facts.ok_or(RederiveError::NoFacts)?;
    let zone = TimeZone::get(&facts.zone).map_err(|_| RederiveError::Unknown("zone"))?;
    let (stance, policy) = restore_policy(&body.policy)?;
    let items: Option<Vec<Procedure>> = facts.catalogue.iter().map(|p| p.restore()).collect();
    let items = items.ok_or(RederiveError::Unknown("catalogue"))?;
    let catalogue = Catalogue::new(facts.catalogue_version, items);
    let mut people = People::default();
    for person in &facts.people {
        person.restore(&mut people).ok_or(RederiveError::Unknown("people"))?;
    }
    let orders: Option<Vec<Order>> = facts.orders.iter().map(|order| order.restore()).collect();
    let orders = orders.ok_or(RederiveError::Unknown("orders"))?;
    let around: Option<Vec<Surroundings>> = facts.around.iter().map(|a| a.restore()).collect();
    let mut around = around.ok_or(RederiveError::Unknown("around"))?;
    around.resize_with(orders.len(), Surroundings::default);
    let now = facts.judged_at;
    let (catalogue, people) = (&catalogue, &people);
    let bench = Bench { now, zone: &zone, catalogue, people, policy: &policy, stance: &stance };
    let verdict = bench.rule(&orders, &around);
    let written = VerdictJson::new(&verdict, &zone, Some(entry));
    let derived = serde_json::to_string(&written).unwrap_or_default();
    let (recorded, sender) = (body.verdict.get().to_owned(), body.sender);
    Ok(Rederived { recorded, derived, verdict, orders, stance, sender })
}

fn restore_policy(written: &PolicyJson) -> Result<(RouteStance, Policy), RederiveError> {
    let stance = Stance::from_name(&written.stance);
    let stance = stance.ok_or(RederiveError::Unknown("stance"))?;
    let stance = RouteStance { stance, departments: written.departments.clone() };
    let policy = Policy {
        effects: restore_effects(&written.effects)?,
        require_attestation: written.require_attestation,
        override_deadline_h: written.override_deadline_h,
        specialties: written.specialties.clone(),
        override_alarm_count: written.override_alarm_count,
    };
    Ok((stance, policy))
}

fn restore_effects(written: &BTreeMap<String, [String; 3]>) -> Result<Effects, RederiveError> {
    let mut effects = Effects::default();
    for (rule, words) in written {
        let setting = |word: &String| {
            let all = [Setting::Block, Setting::Flag, Setting::Off];
            all.into_iter().find(|setting| setting_word(*setting) == word)
        };
        let [order, notice, record] = words;
        let (Some(order), Some(notice), Some(record)) =
            (setting(order), setting(notice), setting(record))
        else {
            return Err(RederiveError::Unknown("effects"));
        };
        effects
            .set(rule, [order, notice, record])
            .map_err(|_| RederiveError::Unknown("effects"))?;
    }
    Ok(effects)
}
