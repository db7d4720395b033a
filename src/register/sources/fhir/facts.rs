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
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Column `department`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub department: String,
    /// Column `status`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// Column `base`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
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
    #[serde(default, skip_serializing_if = "String::is_empty")]
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
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub code: String,
    /// Column `grade`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub grade: String,
    /// Column `right`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub right: String,
    /// Column `sites`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sites: String,
    /// Column `valid_from`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub valid_from: String,
    /// Column `valid_to`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub valid_to: String,
    /// Column `status`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// Column `document_no`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub document_no: String,
    /// Column `document_on`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub document_on: String,
    /// Column `evaluated_on`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub evaluated_on: String,
    /// Column `trained_on`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trained_on: String,
    /// Column `supervision`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
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

/// A resource, read. What it says is kept as text: of a million grants, the memory of a pull is mostly this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its logical id.
    pub id: String,
    kind: Kind,
    practitioner: String,
    staff: String,
    grants: bool,
    written: String,
}

impl Resource {
    /// Of what it says.
    pub fn of(id: &str, facts: &Facts) -> Self {
        let (kind, practitioner, staff, grants, written) = match facts {
            Facts::Person(person) => {
                let staff = person.staff.clone().unwrap_or_default();
                let written = serde_json::to_string(person);
                (Kind::Practitioner, id.to_owned(), staff, false, written)
            }
            Facts::Role(role) => {
                let practitioner = role.practitioner.clone().unwrap_or_default();
                let grants = !role.grants.is_empty();
                (Kind::Role, practitioner, String::new(), grants, serde_json::to_string(role))
            }
        };
        let written = written.unwrap_or_default();
        Self { id: id.to_owned(), kind, practitioner, staff, grants, written }
    }

    /// As it was kept; none where it was written by another hand.
    pub fn kept(kind: Kind, id: &str, text: &str) -> Option<Self> {
        read(kind, text).map(|facts| Self::of(id, &facts))
    }

    /// What it says.
    pub fn facts(&self) -> Option<Facts> {
        read(self.kind, &self.written)
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whose it is: a person's own id, or the one that a role names.
    pub fn practitioner(&self) -> &str {
        &self.practitioner
    }

    /// A person's staff number, else nothing.
    pub fn staff(&self) -> &str {
        &self.staff
    }

    /// Whether it is a role that grants anything.
    pub fn grants(&self) -> bool {
        self.grants
    }

    /// As it is kept.
    pub fn written(&self) -> &str {
        &self.written
    }
}

fn read(kind: Kind, text: &str) -> Option<Facts> {
    match kind {
        Kind::Practitioner => serde_json::from_str(text).ok().map(Facts::Person),
        Kind::Role => serde_json::from_str(text).ok().map(Facts::Role),
    }
}
