//! The table of rules: articles, default effects, and whether an emergency lifts each (rules.md §3, §4).

use crate::domain::article::{self, Article};
use crate::domain::rule::Rule;

/// What a rule does at a checkpoint, as written in rules.md and in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Refuses.
    Block,
    /// Forwards, records, alerts.
    Flag,
    /// Not judged.
    Off,
}

/// What an emergency does to a rule's block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lift {
    /// Lifts it.
    Yes,
    /// Never; and the configuration cannot weaken the rule either.
    Never,
    /// The rule only flags, so there is nothing to lift.
    Nothing,
}

/// One row of rules.md.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Which rule.
    pub rule: Rule,
    /// Defaults at order, notice, record.
    pub defaults: [Setting; 3],
    /// What an emergency does.
    pub lift: Lift,
    /// The articles.
    pub cites: &'static [Article],
    /// A short ASCII title, for fields that cannot hold Chinese.
    pub title: &'static str,
}

/// The row of `rule`.
pub fn row(rule: Rule) -> Row {
    use Lift::{Never, Nothing, Yes};
    use Setting::{Block as B, Flag as F, Off as X};
    use article as a;
    let (defaults, lift, cites, title): (_, _, &'static [Article], _) = match rule {
        Rule::TechniqueStopped => {
            ([B, B, B], Never, &[a::SG_28, a::MT_22, a::MT_25], "technique suspended or stopped")
        }
        Rule::TechniqueNotInCatalogue => {
            ([B, B, F], Yes, &[a::SG_6, a::MT_18], "procedure not in the catalogue")
        }
        Rule::ProcedureMissing => ([B, B, F], Yes, &[a::SG_6], "no procedure code"),
        Rule::SurgeonMissing => ([F, B, F], Yes, &[a::SG_33], "no surgeon named"),
        Rule::SurgeonUnclear => ([B, B, F], Yes, &[a::SG_33], "primary surgeon unclear"),
        Rule::SurgeonUnknown => ([B, B, F], Yes, &[a::SG_16], "surgeon not in the register"),
        Rule::SurgeonAmbiguous => ([B, B, F], Yes, &[a::SG_16], "surgeon name not unique"),
        Rule::SurgeonNameMismatch => {
            ([F, F, F], Nothing, &[a::SG_29], "surgeon id and name differ")
        }
        Rule::SurgeonNotLicensed => ([B, B, B], Never, &[a::MQ_16], "surgeon not licensed"),
        Rule::GrantMissing => ([B, B, F], Yes, &[a::SG_16], "no grant for the procedure"),
        Rule::GrantLevelOnly => ([B, B, F], Yes, &[a::SG_16_2], "grade-wide grant only"),
        Rule::GrantNotInForce => ([B, B, F], Yes, &[a::SG_9_3, a::SG_17], "grant not in force"),
        Rule::GrantSuspended => ([B, B, F], Yes, &[a::SG_17, a::SG_28], "grant suspended"),
        Rule::GrantRevoked => ([B, B, F], Yes, &[a::SG_17, a::SG_28], "grant revoked"),
        Rule::GrantUndocumented => ([B, B, F], Yes, &[a::SG_17_2], "grant without document"),
        Rule::GrantOtherSite => ([B, B, F], Yes, &[a::SG_16], "grant for another site"),
        Rule::SupervisionMissing => ([B, B, F], Yes, &[a::SG_16], "supervisor missing"),
        Rule::EvaluationOverdue => ([F, F, F], Nothing, &[a::SG_17_3], "evaluation overdue"),
        Rule::OperatingTimePast => ([F, F, X], Nothing, &[a::SG_29], "operating time past"),
        Rule::EmergencySurgery => ([F, F, F], Nothing, &[a::SG_29], "emergency surgery"),
        Rule::EmergencyOverride => {
            ([F, F, X], Nothing, &[a::SG_21, a::MQ_45_2], "emergency override")
        }
        Rule::OverrideUnattested => {
            ([F, F, X], Nothing, &[a::SG_21, a::MQ_45_2], "override not attested")
        }
    };
    Row { rule, defaults, lift, cites, title }
}
