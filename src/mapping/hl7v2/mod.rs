//! HL7 v2 message → order, as a mapping file of `mappings/hl7v2/` says.
//!
//! | file | what belongs there |
//! |---|---|
//! | `file` | TOML → `model` |
//! | `place` | the place syntax, compiled |
//! | `model` | the compiled file |
//! | `read` | a message through the model → [`Reading`] |
//! | `example` | the file's own examples, run and compared |

mod example;
mod file;
mod model;
mod place;
mod read;

#[cfg(test)]
mod tests;

use crate::hl7::message::Message;
use crate::mapping::fault::{ExampleFault, MappingFault, compiled, differences};
use crate::mapping::hl7v2::example::Example;
use crate::mapping::hl7v2::model::Model;
use crate::mapping::reading::{Context, Reading};

/// A compiled mapping file. Immutable; one for each route.
#[derive(Debug)]
pub struct Mapping {
    file: String,
    name: String,
    model: Model,
    examples: Vec<Example>,
}

impl Mapping {
    /// Compiles the text of a mapping file. `concept_maps` gives the text of a concept map, whose
    /// path is written as seen from the mapping file.
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

    /// Reads one message.
    pub fn read_hl7(&self, message: &Message<'_>, context: &Context<'_>) -> Reading {
        read::read(&self.model, message, context)
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
