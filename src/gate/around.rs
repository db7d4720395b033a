//! What surrounds a message besides catalogue and persons: fetched before judging, each question bounded
//! in time, and asked only where a rule could need the answer.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cases::Cases;
use crate::domain::catalogue::Catalogue;
use crate::domain::discussion::Discussion;
use crate::domain::order::{Line, Order, Stage, Urgency};
use crate::domain::procedure::{Grade, Procedure, ProcedureCode};
use crate::domain::rule::Rule;
use crate::domain::surgeon::{Lookup, PersonKey, Surgeon};
use crate::domain::technique::ListKind;
use crate::domain::verdict::{Effect, Verdict};
use crate::gate::case_facts;
use crate::register::source::Sought;
use crate::register::{Patience, Register};
use crate::rules::{People, Surroundings};

/// The refusals whose sentence names who may operate instead.
const GRANT_RULES: &[Rule] = &[
    Rule::GrantMissing,
    Rule::GrantLevelOnly,
    Rule::GrantNotInForce,
    Rule::GrantSuspended,
    Rule::GrantRevoked,
    Rule::GrantUndocumented,
    Rule::GrantOtherSite,
    Rule::SupervisionMissing,
    Rule::TrainingMissing,
];
/// How many of the surgeons on site are looked at; SG 21 asks for one.
const ON_SITE_MAX: usize = 40;

/// Where the answers come from.
#[derive(Clone, Copy)]
pub(super) struct Sources<'s> {
    pub(super) register: &'s Register,
    /// Whether it was usable all along, from before the message was read.
    pub(super) register_known: bool,
    pub(super) cases: Option<&'s Cases>,
    pub(super) zone: &'s TimeZone,
    pub(super) now: Timestamp,
}

impl Sources<'_> {
    /// Everything that judging `order` could need.
    pub(super) async fn around(
        self,
        order: &Order,
        people: &People,
        catalogue: &Catalogue,
    ) -> Surroundings {
        let patience = patience(order);
        let mut around = Surroundings {
            lists: self.register.lists(),
            calendar: self.register.calendar(),
            order_rights_in_use: self.register.order_rights_in_use(),
            register_unknown: !self.register_known,
            ..Surroundings::default()
        };
        if self.discussed(order, catalogue, &around) {
            match self.discussions(order, patience).await {
                Some(found) => around.discussions = found,
                None => around.discussions_unknown = true,
            }
        }
        if let Some(cases) = self.cases {
            let known =
                case_facts::fetch(cases, order, people, catalogue, self.zone, self.now).await;
            around.stories = known.stories;
            around.bookings = known.bookings;
            around.overrides = known.overrides;
        }
        if order.urgency() == Urgency::Emergency && order.stage != Stage::Record {
            around.on_site = self.on_site(order).await;
        }
        around
    }

    /// Whether anything in the order is, or may count as, grade 4.
    fn discussed(self, order: &Order, catalogue: &Catalogue, around: &Surroundings) -> bool {
        codes(order).any(|code| {
            catalogue.resolve(code).is_some_and(|p| p.grade == Grade::Four)
                || around.lists.mention(code)
                || catalogue
                    .resolve(code)
                    .is_some_and(|p| p.aliases.iter().any(|alias| around.lists.mention(alias)))
        })
    }

    async fn discussions(self, order: &Order, patience: Patience) -> Option<Vec<Discussion>> {
        let patient = order.patient.as_ref().map(|p| p.reveal());
        let mut found = Vec::new();
        for group in order.groups.iter().filter(|group| group.action.checked()) {
            let number = group.discussion.as_ref().map(|d| d.reveal());
            let order_no = group.order_no.as_ref().map(|n| n.reveal());
            let some = self.register.discussions(patient, number, order_no, patience).await?;
            for discussion in some {
                if !found.contains(&discussion) {
                    found.push(discussion);
                }
            }
        }
        Some(found)
    }

    /// The surgeons whom the roster shows on site now, with their grants as far as memory or a local
    /// register has them.
    async fn on_site(self, order: &Order) -> Vec<Arc<Surgeon>> {
        let site = order.groups.iter().find_map(|group| group.site.as_deref());
        let roster = self.register.roster();
        let mut out = Vec::new();
        for id in roster.on_site(self.now, site).take(ON_SITE_MAX) {
            let key = PersonKey::Id(id.clone());
            let answer = self.register.surgeon(&key, Patience::Emergency).await;
            if let Lookup::Found(surgeon) = answer.lookup {
                out.push(surgeon);
            }
        }
        out
    }

    /// Whom the refusals of `verdict` could name: up to three of the department who hold the grant. Asked
    /// only after a refusal, and only for its sentence.
    pub(super) async fn colleagues(
        self,
        verdict: &Verdict,
        order: &Order,
        catalogue: &Catalogue,
        around: &mut Surroundings,
    ) -> bool {
        for case in &verdict.cases {
            let refused = case
                .findings
                .iter()
                .any(|f| f.effect == Effect::Block && GRANT_RULES.contains(&f.rule));
            let item = case.procedure.as_ref().and_then(|code| catalogue.resolve(code));
            let (true, Some(item)) = (refused, item) else { continue };
            if around.colleagues.contains_key(&item.code) {
                continue;
            }
            let sought = self.sought(item, order, case.group, around);
            let some = self.register.colleagues(sought, patience(order)).await;
            around.colleagues.insert(item.code.clone(), some);
        }
        around.colleagues.values().any(|some| !some.is_empty())
    }

    fn sought(
        self,
        item: &Procedure,
        order: &Order,
        group: usize,
        around: &Surroundings,
    ) -> Sought {
        let group = order.groups.get(group);
        let time = group.and_then(|g| g.lines.iter().find_map(|line| line.times.first()).copied());
        let day = self.zone.to_datetime(time.unwrap_or(self.now).max(self.now)).date();
        let codes: Vec<ProcedureCode> =
            std::iter::once(&item.code).chain(&item.aliases).cloned().collect();
        let restricted = around.lists.about(&codes, day).any(|t| t.kind == ListKind::Restricted);
        Sought {
            codes,
            department: group.and_then(|g| g.department.clone()),
            site: group.and_then(|g| g.site.clone()),
            day,
            trained: restricted,
        }
    }
}

fn patience(order: &Order) -> Patience {
    if order.urgency() == Urgency::Emergency { Patience::Emergency } else { Patience::Elective }
}

fn codes(order: &Order) -> impl Iterator<Item = &ProcedureCode> {
    order.groups.iter().flat_map(|group| &group.lines).flat_map(codes_of)
}

fn codes_of(line: &Line) -> impl Iterator<Item = &ProcedureCode> {
    line.coded.iter().flat_map(|place| &place.codings).map(|coding| &coding.code)
}
