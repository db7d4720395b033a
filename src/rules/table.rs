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

macro_rules! rows {
    ($($rule:ident [$order:ident $notice:ident $record:ident] $lift:ident
        [$($article:ident)+] $title:literal;)+) => {
        /// The row of `rule`.
        pub fn row(rule: Rule) -> Row {
            match rule {
                $(Rule::$rule => Row {
                    rule,
                    defaults: [setting::$order, setting::$notice, setting::$record],
                    lift: Lift::$lift,
                    cites: const { &[$(article::$article),+] },
                    title: $title,
                },)+
            }
        }
    };
}

/// The letters of rules.md: block, flag, not judged.
mod setting {
    use super::Setting;

    pub(super) const B: Setting = Setting::Block;
    pub(super) const F: Setting = Setting::Flag;
    pub(super) const X: Setting = Setting::Off;
}

rows! {
    TechniqueProhibited [B B B] Never [MT_5 MT_9 MT_25_1 MT_43_2] "technique prohibited";
    TechniqueIndicationMissing [F B F] Yes [MT_9] "diagnosis missing for a prohibited use";
    TechniqueStopped [B B B] Never [SG_28 MT_22 MT_25] "technique suspended or stopped";
    TechniqueNotInCatalogue [B B F] Yes [SG_6 MT_18] "procedure not in the catalogue";
    ProcedureMissing [B B F] Yes [SG_6] "no procedure code";
    TechniqueNotAdmitted [B B B] Never [SG_18 MT_21 HN_4_1] "first use not admitted";
    EthicsApprovalMissing [B B B] Never [MT_13] "ethics approval missing";
    SelfAssessmentMissing [B B B] Never [MT_11 HN_2_2_1] "self-assessment missing";
    FilingOverdue [B B F] Yes [MT_11_FILING] "filing overdue";
    FilingDue [F F F] Nothing [MT_11_FILING] "filing due";
    TechniqueRestricted [F F F] Nothing [SG_20 MT_37 HN_3] "restricted technique";
    TechniqueMonitored [F F F] Nothing [SG_29_WATCH SZ_5] "monitored technique";
    SpecialRegime [F F F] Nothing [SG_32 MT_47] "special regime";
    GradeUnderstated [F F F] Nothing [SG_11] "grade understated";
    SpecialtyMismatch [B B F] Yes [MQ_16_SCOPE MT_17 MT_43_1] "specialty not registered";
    SurgeonMissing [F B F] Yes [SG_33] "no surgeon named";
    SurgeonUnclear [B B F] Yes [SG_33] "primary surgeon unclear";
    SurgeonUnknown [B B F] Yes [SG_16] "surgeon not in the register";
    SurgeonAmbiguous [B B F] Yes [SG_16] "surgeon name not unique";
    SurgeonNameMismatch [F F F] Nothing [SG_29] "surgeon id and name differ";
    SurgeonNotLicensed [B B B] Never [MQ_16] "surgeon not licensed";
    GrantMissing [B B F] Yes [SG_16] "no grant for the procedure";
    GrantLevelOnly [B B F] Yes [SG_16_2] "grade-wide grant only";
    GrantNotInForce [B B F] Yes [SG_9_3 SG_17] "grant not in force";
    GrantSuspended [B B F] Yes [SG_17 SG_28] "grant suspended";
    GrantRevoked [B B F] Yes [SG_17 SG_28] "grant revoked";
    GrantUndocumented [B B F] Yes [SG_17_2] "grant without document";
    GrantOtherSite [B B F] Yes [SG_16] "grant for another site";
    SupervisionMissing [B B F] Yes [SG_16] "supervisor missing";
    TrainingMissing [B B F] Yes [MT_26] "training missing";
    EvaluationOverdue [F F F] Nothing [SG_17_3] "evaluation overdue";
    OrderRightMissing [X X X] Yes [ZLHIS] "no right to order";
    SurgeonDoubleBooked [X F X] Nothing [SG_29] "surgeon booked twice";
    DiscussionMissing [F B F] Yes [SG_22] "discussion missing";
    DiscussionIncomplete [F B F] Yes [SG_22_CONTENTS] "discussion incomplete";
    ConsentMissing [X F X] Nothing [MQ_24 MT_45_3] "consent missing";
    OperatingTimePast [F F X] Nothing [SG_29] "operating time past";
    EmergencySurgery [F F F] Nothing [SG_29] "emergency surgery";
    OperatorChanged [X F F] Nothing [SG_29 SG_33] "surgeon changed";
    ProcedureChanged [X F F] Nothing [SG_29] "procedure changed";
    OrderNotFound [X F F] Nothing [SG_29] "order not found";
    OrderRefused [X F F] Nothing [SG_29] "order was refused";
    UrgencyChanged [X F F] Nothing [SG_29] "urgency changed";
    EmergencyOverride [F F X] Nothing [SG_21 MQ_45_2] "emergency override";
    OverrideUnattested [F F X] Nothing [SG_21 MQ_45_2] "override not attested";
    PrivilegedSurgeonOnSite [F F X] Nothing [SG_21] "privileged surgeon on site";
    OverrideFrequent [F F X] Nothing [SG_21_SYSTEM] "overrides frequent";
}
