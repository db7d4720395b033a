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
    /// Catalogue item suspended or stopped.
    TechniqueStopped = "technique-stopped",
    /// No code resolves to a catalogue item in force.
    TechniqueNotInCatalogue = "technique-not-in-catalogue",
    /// A surgical message without any procedure code.
    ProcedureMissing = "procedure-missing",
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
    /// Grade 4, evaluation older than a year or absent.
    EvaluationOverdue = "evaluation-overdue",
    /// The stated operating time is long past.
    OperatingTimePast = "operating-time-past",
    /// The urgency is emergency.
    EmergencySurgery = "emergency-surgery",
    /// The case passes as an emergency override.
    EmergencyOverride = "emergency-override",
    /// The override carries no full attestation.
    OverrideUnattested = "override-unattested",
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
