//! What a resource says of surgeons and grants, read out of it and kept: the form in which pulls are compared.
//!
//! Cells are texts here, as in a register file; `import` looks at them as it looks at a file's.

use serde::{Deserialize, Serialize};

/// Which resources are pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A person.
    Practitioner,
    /// What a person may do, for an organization.
    Role,
}

impl Kind {
    /// Both, in the order in which they are pulled: roles refer to persons.
    pub const ALL: [Self; 2] = [Self::Practitioner, Self::Role];

    /// The resource type.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Practitioner => "Practitioner",
            Self::Role => "PractitionerRole",
        }
    }

    /// The kind of a resource type.
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A Practitioner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The staff number; none: nobody of this house, of whom nothing else is kept.
    pub staff: Option<String>,
    /// In one text.
    pub name: String,
    /// Column `department`.
    pub department: String,
    /// Column `status`.
    pub status: String,
    /// Column `base`.
    pub base: String,
    /// What is said of the licence.
    pub licence: Licence,
}

/// Until when somebody is licensed, as the qualifications have it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Licence {
    /// The qualification that is the licence is named in the settings, and is not there.
    Missing,
    /// Several ends, and nothing says which of the qualifications is the licence: the first end.
    Unclear(String),
    /// No end is said.
    #[default]
    Open,
    /// Until this day.
    Ends(String),
}

/// A PractitionerRole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// The logical id of whose it is; none where no grant is stated and nothing can be said.
    pub practitioner: Option<String>,
    /// How the organization is shown.
    pub organization: String,
    /// What is granted; none in a role that does not count.
    pub grants: Vec<Grant>,
}

/// A grant: the cells of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Which of the role's extensions, from 0.
    pub nth: usize,
    /// Column `code`.
    pub code: String,
    /// Column `grade`.
    pub grade: String,
    /// Column `right`.
    pub right: String,
    /// Column `sites`.
    pub sites: String,
    /// Column `valid_from`.
    pub valid_from: String,
    /// Column `valid_to`.
    pub valid_to: String,
    /// Column `status`.
    pub status: String,
    /// Column `document_no`.
    pub document_no: String,
    /// Column `document_on`.
    pub document_on: String,
    /// Column `evaluated_on`.
    pub evaluated_on: String,
    /// Column `trained_on`.
    pub trained_on: String,
    /// Column `supervision`.
    pub supervision: String,
}

/// What a resource says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Facts {
    /// Of a person.
    Person(Person),
    /// Of a role.
    Role(Role),
}

/// A resource, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its logical id.
    pub id: String,
    /// What it says.
    pub facts: Facts,
}

impl Resource {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self.facts {
            Facts::Person(_) => Kind::Practitioner,
            Facts::Role(_) => Kind::Role,
        }
    }

    /// Whose it is: a person's own id, or the one that a role names.
    pub fn practitioner(&self) -> &str {
        match &self.facts {
            Facts::Person(_) => &self.id,
            Facts::Role(role) => role.practitioner.as_deref().unwrap_or_default(),
        }
    }

    /// A person's staff number, else nothing.
    pub fn staff(&self) -> &str {
        match &self.facts {
            Facts::Person(person) => person.staff.as_deref().unwrap_or_default(),
            Facts::Role(_) => "",
        }
    }

    /// As it is kept.
    pub fn written(&self) -> String {
        let written = match &self.facts {
            Facts::Person(person) => serde_json::to_string(person),
            Facts::Role(role) => serde_json::to_string(role),
        };
        written.unwrap_or_default()
    }

    /// As it was kept; none where it was written by another hand.
    pub fn kept(kind: Kind, id: &str, text: &str) -> Option<Self> {
        let facts = match kind {
            Kind::Practitioner => Facts::Person(serde_json::from_str(text).ok()?),
            Kind::Role => Facts::Role(serde_json::from_str(text).ok()?),
        };
        Some(Self { id: id.to_owned(), facts })
    }
}
