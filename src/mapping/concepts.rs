//! Concept maps, local codes and what they mean in the catalogue: CSV files `local_code,local_system,code,note` under `mappings/procedures/`.

use std::collections::HashMap;

use crate::domain::order::Coding;
use crate::domain::procedure::ProcedureCode;
use crate::mapping::fault::{Faults, MappingFault};
use crate::mapping::section::Word;
use crate::mapping::terms::fold;

/// The columns, all required in the heading; `local_system` and `note` may be empty in a row.
const COLUMNS: [&str; 4] = ["local_code", "local_system", "code", "note"];

/// Local codes and the catalogue's codes for them.
#[derive(Debug, Default)]
pub(super) struct ConceptMap {
    by_code: HashMap<ProcedureCode, Vec<Concept>>,
}

/// What a local code means in one code system.
#[derive(Debug)]
struct Concept {
    /// Folded; empty: in any system.
    system: Box<str>,
    code: ProcedureCode,
}

impl ConceptMap {
    /// Enters a row; the older one back when it says something else.
    fn enter(&mut self, local: ProcedureCode, concept: Concept) -> Result<(), String> {
        let known = self.by_code.entry(local).or_default();
        match known.iter().find(|k| k.system == concept.system) {
            Some(other) if other.code != concept.code => Err(other.code.as_str().to_owned()),
            Some(_) => Ok(()),
            None => {
                known.push(concept);
                Ok(())
            }
        }
    }

    /// The catalogue's code for a local one; a row for its very system before one for any.
    pub(super) fn find(
        &self,
        local: &ProcedureCode,
        system: Option<&str>,
    ) -> Option<&ProcedureCode> {
        if self.by_code.is_empty() {
            return None;
        }
        let rows = self.by_code.get(local)?;
        let system = system.map(fold).unwrap_or_default();
        let exact = rows.iter().find(|row| !row.system.is_empty() && *row.system == *system);
        exact.or_else(|| rows.iter().find(|row| row.system.is_empty())).map(|row| &row.code)
    }

    /// The coding that a text is, and before it what it means in the catalogue; none for a blank text.
    pub(super) fn codings(
        &self,
        text: &str,
        display: Option<String>,
        system: Option<String>,
    ) -> Vec<Coding> {
        let Some(code) = ProcedureCode::new(text) else { return Vec::new() };
        let mapped = self.find(&code, system.as_deref()).cloned();
        let mapped = mapped.filter(|mapped| *mapped != code);
        let mapped = mapped.map(|code| Coding { code, system: None, display: display.clone() });
        mapped.into_iter().chain([Coding { code, system, display }]).collect()
    }
}

/// Reads the file that `name` names into `map`.
pub(super) fn read(
    name: &Word<'_>,
    load: &dyn Fn(&str) -> std::io::Result<String>,
    map: &mut ConceptMap,
    faults: &Faults<'_>,
) {
    match load(name.text) {
        Ok(text) => faults.adopt(rows(name.text, &text, map)),
        Err(error) => {
            let what = format!(
                "the concept map `{}` cannot be read ({}); write its path as seen from this file",
                name.text,
                error.kind()
            );
            faults.add(&name.span, what);
        }
    }
}

fn rows(file: &str, text: &str, map: &mut ConceptMap) -> Vec<MappingFault> {
    let mut found = Vec::new();
    let mut fault = |line: u64, what: String| {
        let line = usize::try_from(line).unwrap_or(usize::MAX);
        found.push(MappingFault { file: file.to_owned(), line, what });
    };
    let text = text.trim_start_matches('\u{feff}');
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).comment(Some(b'#')).from_reader(text.as_bytes());
    let headings = reader.headers().map(|h| h.iter().map(str::trim).eq(COLUMNS));
    if !headings.unwrap_or(false) {
        fault(1, format!("the first row must be: {}", COLUMNS.join(",")));
        return found;
    }
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(1, csv::Position::line);
                fault(line, "not a row of UTF-8 text; save the file as UTF-8".to_owned());
                continue;
            }
        };
        let line = record.position().map_or(1, csv::Position::line);
        let column = |at: usize| record.get(at).unwrap_or("").trim();
        let (local, code) = (ProcedureCode::new(column(0)), ProcedureCode::new(column(2)));
        let (Some(local), Some(code)) = (local, code) else {
            fault(line, "local_code and code must both be filled in".to_owned());
            continue;
        };
        let concept = Concept { system: fold(column(1)).into(), code };
        let shown = local.to_string();
        if let Err(other) = map.enter(local, concept) {
            fault(
                line,
                format!("`{shown}` is already mapped to `{other}`; keep one of the two rows"),
            );
        }
    }
    found
}
