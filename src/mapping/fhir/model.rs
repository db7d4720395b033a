//! A FHIR mapping file, compiled: what the reader works with. Nothing here is parsed again per resource.

use crate::domain::order::{Action, Stage};
use crate::domain::procedure::Grade;
use crate::mapping::concepts::ConceptMap;
use crate::mapping::fhir::path::Path;
use crate::mapping::terms::Terms;

/// The compiled file.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) concepts: ConceptMap,
    /// Whose identifiers are staff numbers; none: the logical id is.
    pub(super) persons: Systems,
    pub(super) patients: Systems,
    pub(super) organizations: Systems,
    pub(super) resources: Vec<ResourceRule>,
}

/// Identifier systems that name somebody here; an empty one: no system is written.
#[derive(Debug, Default)]
pub(super) struct Systems(pub(super) Vec<Box<str>>);

/// One `[[resource]]`.
#[derive(Debug)]
pub(super) struct ResourceRule {
    pub(super) resource_type: Box<str>,
    pub(super) stage: Stage,
    /// Counted when no test is met.
    pub(super) scheduling: bool,
    /// The orders it carries out.
    pub(super) based_on: Vec<Path>,
    pub(super) action: ActionRule,
    pub(super) surgical: Surgical,
    pub(super) codes: Vec<Path>,
    pub(super) further: Vec<Path>,
    /// Without a known code of its own: those of the orders it is based on.
    pub(super) from_order: bool,
    pub(super) persons: Vec<PersonRule>,
    pub(super) facts: Facts,
    pub(super) urgency: Vec<UrgencyRule>,
    pub(super) starts: Vec<Path>,
    pub(super) fallback_starts: Vec<Path>,
    pub(super) minutes: Vec<Path>,
    pub(super) ends: Vec<Path>,
    pub(super) stated_grade: Vec<Path>,
    pub(super) grade_words: Vec<(Grade, Terms)>,
}

/// `[resource.action]`.
#[derive(Debug, Default)]
pub(super) struct ActionRule {
    pub(super) at: Option<Path>,
    /// Compared exactly; what is not listed goes by the interaction.
    pub(super) words: Vec<(Box<str>, Action)>,
    /// `true` there: not to be done.
    pub(super) not_a_case: Option<Path>,
}

/// `[resource.surgical]`.
#[derive(Debug, Default)]
pub(super) struct Surgical {
    pub(super) category: Vec<Path>,
    pub(super) any: Vec<Token>,
    pub(super) codes: bool,
    pub(super) order_no: bool,
    pub(super) based_on: bool,
}

/// A code, in one system or in any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) system: Option<Box<str>>,
    pub(super) code: Box<str>,
}

/// One `[[resource.person]]`.
#[derive(Debug)]
pub(super) struct PersonRule {
    pub(super) at: Path,
    /// The reference inside; `None`: what `at` leads to is the reference.
    pub(super) actor: Option<Path>,
    pub(super) standing: Standing,
    /// Types that stand in the same list and are no performers.
    pub(super) beside: Vec<Box<str>>,
}

/// How it is known what somebody does.
#[derive(Debug)]
pub(super) enum Standing {
    /// The place itself says so.
    Surgeon,
    /// The place itself says so.
    Team,
    /// A role says so.
    Role {
        /// From what `at` leads to.
        role: Path,
        surgeon: Vec<Token>,
        team: Vec<Token>,
        /// The only practitioner there is the surgeon.
        sole: bool,
        /// Beside a surgeon, everybody else is of the team.
        others: bool,
    },
}

/// `[resource.facts]`: for each the places, the first that is not empty counts.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) message_time: Vec<Path>,
    pub(super) patient: Vec<Path>,
    pub(super) encounter: Vec<Path>,
    /// All of them count.
    pub(super) diagnoses: Vec<Path>,
    pub(super) order_no: Vec<Path>,
    /// Shared by several orders, so it makes none of them surgical.
    pub(super) requisition: Vec<Path>,
    pub(super) department: Vec<Path>,
    pub(super) site: Vec<Path>,
    pub(super) ordering_doctor: Vec<Path>,
    pub(super) reason: Vec<Path>,
    pub(super) attested_by: Vec<Path>,
    pub(super) discussion: Vec<Path>,
    pub(super) consent: Vec<Path>,
}

/// `[resource.urgency]`.
#[derive(Debug)]
pub(super) struct UrgencyRule {
    pub(super) at: Vec<Path>,
    pub(super) emergency: Terms,
    pub(super) urgent: Terms,
    pub(super) elective: Terms,
}

impl Model {
    /// The rule of a resource type, in whatever case a careless server would take it.
    pub(super) fn rule(&self, resource_type: &str) -> Option<&ResourceRule> {
        let is = |rule: &&ResourceRule| rule.resource_type.eq_ignore_ascii_case(resource_type);
        self.resources.iter().find(is)
    }
}

impl Systems {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where `system` stands among them; earlier ones count before later ones.
    pub(super) fn rank(&self, system: Option<&str>) -> Option<usize> {
        let system = system.unwrap_or_default();
        self.0.iter().position(|known| **known == *system)
    }
}

impl Token {
    /// `system|code`, or a code in any system; `None` when no code is left.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (system, code) = match text.rsplit_once('|') {
            Some((system, code)) => (Some(system.trim()), code.trim()),
            None => (None, text.trim()),
        };
        (!code.is_empty()).then(|| Self { system: system.map(Into::into), code: code.into() })
    }

    /// Whether a coding says this. Case does not matter, since roles are written by hand.
    pub(super) fn is(&self, system: Option<&str>, code: &str) -> bool {
        code.trim().eq_ignore_ascii_case(&self.code)
            && self.system.as_deref().is_none_or(|wanted| system == Some(wanted))
    }
}
