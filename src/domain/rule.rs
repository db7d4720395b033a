//! The rules by name. A rule's id is a stable public name; what each demands stands in `rules/`.

use std::fmt;

macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident = $id:literal,)+) => {
        /// A rule of the regulations. In the order in which findings are listed (rules.md §3, §4).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $($(#[$doc])* $variant,)+
        }

        impl Rule {
            /// Every rule, in the order of rules.md.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The public id.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $id,)+
                }
            }

            /// The rule of a public id.
            pub fn from_id(id: &str) -> Option<Self> {
                match id {
                    $($id => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

rules! {
    /// On a prohibited list in force, with the diagnosis that the list names, if it names any.
    TechniqueProhibited = "technique-prohibited",
    /// Prohibited for certain diagnoses, and the message carries none.
    TechniqueIndicationMissing = "technique-indication-missing",
    /// Catalogue item or dossier suspended or stopped, or the filing cancelled.
    TechniqueStopped = "technique-stopped",
    /// No code resolves to a catalogue item in force.
    TechniqueNotInCatalogue = "technique-not-in-catalogue",
    /// A surgical message without any procedure code.
    ProcedureMissing = "procedure-missing",
    /// First use here, and not admitted yet.
    TechniqueNotAdmitted = "technique-not-admitted",
    /// Ethics approval is needed and there is none.
    EthicsApprovalMissing = "ethics-approval-missing",
    /// Restricted, and no self-assessment is recorded.
    SelfAssessmentMissing = "self-assessment-missing",
    /// Restricted, not filed, and the fifteen working days are over.
    FilingOverdue = "filing-overdue",
    /// Restricted, not filed, and the fifteen working days still run.
    FilingDue = "filing-due",
    /// Restricted: managed as grade 4, each case reported.
    TechniqueRestricted = "technique-restricted",
    /// On the watch list of the city or the institution.
    TechniqueMonitored = "technique-monitored",
    /// Other law applies besides.
    SpecialRegime = "special-regime",
    /// The message states a lower grade than the effective one.
    GradeUnderstated = "grade-understated",
    /// The item's 诊疗科目 is not registered here.
    SpecialtyMismatch = "specialty-mismatch",
    /// Nobody who could operate is named.
    SurgeonMissing = "surgeon-missing",
    /// Persons are named, none can be told to be the primary surgeon.
    SurgeonUnclear = "surgeon-unclear",
    /// The id or name is not in the register.
    SurgeonUnknown = "surgeon-unknown",
    /// Only a name, and several bear it.
    SurgeonAmbiguous = "surgeon-ambiguous",
    /// Id and name belong to different people.
    SurgeonNameMismatch = "surgeon-name-mismatch",
    /// Suspended, left, or licence not in force.
    SurgeonNotLicensed = "surgeon-not-licensed",
    /// No grant covers the procedure.
    GrantMissing = "grant-missing",
    /// Grade 3 or 4 and only grade-wide grants.
    GrantLevelOnly = "grant-level-only",
    /// The covering grant has not begun, or has ended.
    GrantNotInForce = "grant-not-in-force",
    /// The covering grant is suspended.
    GrantSuspended = "grant-suspended",
    /// The covering grant is revoked.
    GrantRevoked = "grant-revoked",
    /// The covering grant has no document number.
    GrantUndocumented = "grant-undocumented",
    /// Granted for other sites only.
    GrantOtherSite = "grant-other-site",
    /// Valid only under supervision, and no supervisor is on the team.
    SupervisionMissing = "supervision-missing",
    /// Restricted technique, and the grant records no training.
    TrainingMissing = "training-missing",
    /// Grade 4, evaluation older than a year or absent.
    EvaluationOverdue = "evaluation-overdue",
    /// Order rights are in use, and the ordering doctor holds none for the procedure.
    OrderRightMissing = "order-right-missing",
    /// A notice of another order books the surgeon at an overlapping time.
    SurgeonDoubleBooked = "surgeon-double-booked",
    /// Grade 4, and no multidisciplinary discussion before the operation.
    DiscussionMissing = "discussion-missing",
    /// The discussion lacks disciplines, contents, or a conclusion in favour.
    DiscussionIncomplete = "discussion-incomplete",
    /// The feed maps a consent reference and it is empty.
    ConsentMissing = "consent-missing",
    /// The stated operating time is long past.
    OperatingTimePast = "operating-time-past",
    /// The urgency is emergency.
    EmergencySurgery = "emergency-surgery",
    /// Another surgeon than in the document before.
    OperatorChanged = "operator-changed",
    /// Another procedure than in the document before.
    ProcedureChanged = "procedure-changed",
    /// No checked order precedes the notice or record.
    OrderNotFound = "order-not-found",
    /// The order it belongs to was refused.
    OrderRefused = "order-refused",
    /// Elective before and emergency now, or the reverse.
    UrgencyChanged = "urgency-changed",
    /// The case passes as an emergency override.
    EmergencyOverride = "emergency-override",
    /// The override carries no full attestation.
    OverrideUnattested = "override-unattested",
    /// Somebody on site holds a grant that would pass.
    PrivilegedSurgeonOnSite = "privileged-surgeon-on-site",
    /// The surgeon's overrides of the last 30 days exceed the setting.
    OverrideFrequent = "override-frequent",
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
