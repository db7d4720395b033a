//! Which practitioners a pull is about, each with everything that is known of them once it is in.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::AnyConnection;

use crate::register::error::RegisterError;
use crate::register::sources::fhir::apply::Pull;
use crate::register::sources::fhir::facts::{Facts, Kind, Resource};
use crate::register::sources::fhir::keep;
use crate::register::sources::fhir::unit::Unit;

/// Practitioners, by logical id.
#[derive(Debug, Default)]
pub(super) struct Units {
    units: BTreeMap<String, Vec<Resource>>,
}

impl Units {
    /// Whoever a changed resource is about, or was about; or everybody.
    pub(super) async fn affected(
        connection: &mut AnyConnection,
        pull: &Pull,
        everybody: bool,
    ) -> Result<Self, RegisterError> {
        let mut about: BTreeSet<String> =
            pull.changed.iter().map(|own| own.practitioner().to_owned()).collect();
        let changed = pull.changed.iter().map(|own| (own.kind(), own.id.as_str()));
        let gone = pull.gone.iter().map(|(kind, id)| (*kind, id.as_str()));
        let touched: BTreeSet<(Kind, &str)> = changed.chain(gone).collect();
        for (kind, id) in &touched {
            about.extend(keep::practitioner_of(connection, *kind, id).await?);
        }
        if everybody {
            about.extend(keep::practitioners(connection).await?);
        }
        about.remove("");
        let mut units = Self::default();
        for practitioner in about {
            for kept in keep::resources_of(connection, &practitioner).await? {
                if !touched.contains(&(kept.kind(), kept.id.as_str())) {
                    units.put(kept);
                }
            }
            units.units.entry(practitioner).or_default();
        }
        for own in pull.changed.iter().filter(|own| !own.practitioner().is_empty()) {
            units.put(own.clone());
        }
        Ok(units)
    }

    fn put(&mut self, resource: Resource) {
        self.units.entry(resource.practitioner().to_owned()).or_default().push(resource);
    }

    /// Their logical ids.
    pub(super) fn practitioners(&self) -> impl Iterator<Item = &str> {
        self.units.keys().map(String::as_str)
    }

    /// Everything of one of them.
    ///
    /// # Errors
    /// What is kept was written by another hand.
    pub(super) fn unit(&self, practitioner: &str) -> Result<Unit, RegisterError> {
        let mut unit = Unit::default();
        for resource in self.units.get(practitioner).into_iter().flatten() {
            match resource.facts() {
                Some(Facts::Person(person)) => unit.person = Some(person),
                Some(Facts::Role(role)) => {
                    unit.roles.insert(resource.id.clone(), role);
                }
                None => {
                    return Err(RegisterError::Row { table: "fhir_resources", column: "facts" });
                }
            }
        }
        Ok(unit)
    }

    /// Whether somebody is among them.
    pub(super) fn contains(&self, practitioner: &str) -> bool {
        self.units.contains_key(practitioner)
    }
}
