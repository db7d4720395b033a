//! FHIR resource → order, as a mapping file of `mappings/fhir/` says.
//!
//! | file | what belongs there |
//! |---|---|
//! | `file` | TOML → `model` |
//! | `path` | JSONPath, compiled |
//! | `model` | the compiled file |
//! | `read` | a resource through the model → [`Reading`] |
//! | `example` | the file's own examples, run and compared |

mod example;
mod file;
mod model;
mod path;
mod read;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::domain::catalogue::Catalogue;
use crate::domain::order::Action;
use crate::domain::procedure::ProcedureCode;
use crate::mapping::fault::{ExampleFault, MappingFault, compiled, differences};
use crate::mapping::fhir::example::Example;
use crate::mapping::fhir::model::Model;
use crate::mapping::reading::Reading;

/// A compiled FHIR mapping file. Immutable; one for each route.
#[derive(Debug)]
pub struct FhirMapping {
    file: String,
    name: String,
    model: Model,
    examples: Vec<Example>,
}

/// A resource to be read.
#[derive(Clone, Copy)]
pub struct Subject<'s> {
    /// The resource itself.
    pub resource: &'s Value,
    /// FHIRPath of it in the body, for places: `ServiceRequest`, `Bundle.entry[2].resource`.
    pub path: &'s str,
    /// What the interaction wants done; statuses may make it a withdrawal.
    pub action: Action,
    /// `Type/id` of it, where the path of the request or the entry says so (PUT, PATCH).
    pub identity: Option<&'s str>,
}

/// What is known of a reference when a resource is read.
#[derive(Clone, Debug)]
pub enum Found {
    /// The resource it points at.
    Resource(Arc<Value>),
    /// It points at nothing that can be had: nobody.
    Nothing,
    /// Nobody has looked yet.
    NotAsked,
}

/// Where references lead. `reference` is as written (`Practitioner/1`, `urn:uuid:…`, an absolute URL); contained ones
/// (`#x`) are looked up by the mapping itself.
pub trait References {
    /// What `reference` points at, as far as is known.
    fn find(&self, reference: &str) -> Found;
}

/// What reading needs beside the resource and the mapping.
pub struct FhirContext<'c> {
    /// The institution's catalogue: a code that resolves in it is surgical.
    pub catalogue: &'c Catalogue,
    /// Whether a code is on a technique list.
    pub listed: &'c dyn Fn(&ProcedureCode) -> bool,
    /// Whether an order of this number, or `ServiceRequest/id`, was checked before.
    pub checked_order: &'c dyn Fn(&str) -> bool,
    /// The route says `surgical = "all"`.
    pub all_surgical: bool,
    /// For times without an offset.
    pub zone: &'c TimeZone,
    /// Where references lead.
    pub references: &'c dyn References,
}

/// A resource, read as far as its references are known.
#[derive(Debug)]
pub struct FhirReading {
    /// What came out; references that were not asked for count as pointing at nobody.
    pub reading: Reading,
    /// The references that would have to be looked up to read it in full, in order, each once.
    pub unresolved: Vec<String>,
}

impl FhirMapping {
    /// Compiles the text of a FHIR mapping file; like `Mapping::parse`.
    ///
    /// # Errors
    /// All faults of the file and of its concept maps, by line.
    pub fn parse(
        file_name: &str,
        text: &str,
        concept_maps: &dyn Fn(&str) -> std::io::Result<String>,
    ) -> Result<Self, Vec<MappingFault>> {
        let file::Parsed { name, model, examples } =
            compiled(file_name, text, |document, faults| {
                file::parse(document, concept_maps, faults)
            })?;
        Ok(Self { file: file_name.to_owned(), name, model, examples })
    }

    /// Reads one ServiceRequest, Appointment or Procedure.
    pub fn read(&self, subject: Subject<'_>, context: &FhirContext<'_>) -> FhirReading {
        read::read(&self.model, subject, context)
    }

    /// The systems whose identifiers are staff numbers; none: the logical id is.
    pub fn person_systems(&self) -> &[Box<str>] {
        &self.model.persons.0
    }

    /// The systems whose identifiers are patients' numbers; none: the logical id is.
    pub fn patient_systems(&self) -> &[Box<str>] {
        &self.model.patients.0
    }

    /// Runs the file's own examples: what differs from what it says.
    pub fn run_examples(&self) -> Vec<ExampleFault> {
        let run = |example: &Example| {
            differences(&self.file, &example.name, example.run(&self.model)).collect::<Vec<_>>()
        };
        self.examples.iter().flat_map(run).collect()
    }

    /// How many examples it carries.
    pub fn example_count(&self) -> usize {
        self.examples.len()
    }

    /// The name it gives itself.
    pub fn name(&self) -> &str {
        &self.name
    }
}
