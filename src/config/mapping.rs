//! Mapping files that routes name: read, compiled, and their examples run.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rust_embed::Embed;

use crate::config::fault::Fault;
use crate::config::reader::Section;
use crate::mapping::fhir::FhirMapping;
use crate::mapping::{ExampleFault, Mapping, MappingFault};

/// Gives the text of a concept map.
type ConceptMaps<'m> = &'m dyn Fn(&str) -> io::Result<String>;

/// A kind of mapping file.
pub(super) trait MappingFile: Sized {
    /// Compiles the text of a file; every fault of it.
    fn compiled(file: &str, text: &str, maps: ConceptMaps<'_>) -> Result<Self, Vec<MappingFault>>;

    /// The examples that come out otherwise.
    fn failing(&self) -> Vec<ExampleFault>;
}

impl MappingFile for Mapping {
    fn compiled(file: &str, text: &str, maps: ConceptMaps<'_>) -> Result<Self, Vec<MappingFault>> {
        Self::parse(file, text, maps)
    }

    fn failing(&self) -> Vec<ExampleFault> {
        self.run_examples()
    }
}

impl MappingFile for FhirMapping {
    fn compiled(file: &str, text: &str, maps: ConceptMaps<'_>) -> Result<Self, Vec<MappingFault>> {
        Self::parse(file, text, maps)
    }

    fn failing(&self) -> Vec<ExampleFault> {
        self.run_examples()
    }
}

/// The mapping that a route names under `mapping`. Faults of the file go to `foreign`.
pub(super) fn load<M: MappingFile>(
    section: &Section<'_>,
    foreign: &mut Vec<Fault>,
) -> Option<Arc<M>> {
    let file = section.text_needed("mapping");
    if file.is_empty() {
        return None;
    }
    match load_file(section, &file) {
        Ok(mapping) => Some(Arc::new(mapping)),
        Err(faults) => {
            foreign.extend(faults);
            None
        }
    }
}

/// Reads a mapping file and runs its examples. A file that is not there is taken from those shipped
/// with the program, under the same name.
///
/// # Errors
/// Every fault of the file, and every example that comes out otherwise.
pub(super) fn load_file<M: MappingFile>(
    section: &Section<'_>,
    file: &str,
) -> Result<M, Vec<Fault>> {
    let read = |path: &str| {
        let text = read_shipped(path)?;
        section.opened(path, &text);
        Ok(text)
    };
    let text = read(file).map_err(|error: io::Error| {
        let text = format!("cannot be read ({error}), name a mapping file that exists");
        vec![Fault { file: file.to_owned(), line: None, text }]
    })?;
    let folder = Path::new(file).parent().unwrap_or_else(|| Path::new(""));
    let concept_map = |path: &str| read(&folder.join(path).to_string_lossy());
    let mapping = M::compiled(file, &text, &concept_map).map_err(|faults| {
        let fault = |f: MappingFault| Fault { file: f.file, line: Some(f.line), text: f.what };
        faults.into_iter().map(fault).collect::<Vec<_>>()
    })?;
    let wrong = mapping.failing();
    if wrong.is_empty() {
        return Ok(mapping);
    }
    let fault = |f: ExampleFault| Fault {
        file: f.file,
        line: Some(f.line),
        text: format!("example `{}`: {}", f.example, f.what),
    };
    Err(wrong.into_iter().map(fault).collect())
}

/// The mapping files shipped with the program.
#[derive(Embed)]
#[folder = "mappings"]
struct Shipped;

/// A file from the disk, else from those shipped.
fn read_shipped(file: &str) -> std::io::Result<String> {
    match std::fs::read_to_string(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let plain = normal(Path::new(file));
            let shipped = plain.strip_prefix("mappings/").and_then(Shipped::get);
            let text = shipped.map(|file| String::from_utf8_lossy(&file.data).into_owned());
            text.ok_or(error)
        }
        other => other,
    }
}

/// The path with `x/..` taken out, as the shipped files are named.
fn normal(path: &Path) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.iter().filter_map(|part| part.to_str()) {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}
