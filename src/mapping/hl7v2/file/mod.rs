//! A mapping file as text → the compiled [`Model`] and its examples, or all faults at once.
//!
//! `section` walks the TOML; here each table of the file has one function.

mod examples;
mod messages;
mod values;

use toml::de::DeTable;

use crate::mapping::concepts;
use crate::mapping::fault::Faults;
use crate::mapping::hl7v2::example::Example;
use crate::mapping::hl7v2::model::Model;
use crate::mapping::hl7v2::place::{Place, SegmentId, Segments, Test};
use crate::mapping::section::{Section, Word};
use crate::mapping::terms::Terms;

/// What a mapping file says.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) name: String,
    pub(super) model: Model,
    pub(super) examples: Vec<Example>,
}

/// Reads the whole file; faults go to `faults`.
pub(super) fn parse<'d>(
    document: &'d toml::Spanned<DeTable<'d>>,
    load: &dyn Fn(&str) -> std::io::Result<String>,
    faults: &'d Faults<'d>,
) -> Parsed {
    let root = Section::new("the file", 0..0, document.get_ref(), faults);
    let mut model = Model::default();
    let name = root.required("name", "\"our-his\"").map(|w| w.text.to_owned()).unwrap_or_default();
    root.text("description");
    for file in root.texts("concept_maps") {
        concepts::read(&file, load, &mut model.concepts, faults);
    }
    messages::read(&root, &mut model);
    values::read(&root, &mut model);
    let examples = examples::read(&root);
    root.finish();
    Parsed { name, model, examples }
}

/// The places under `key`; faults are told and left out.
fn places(section: &Section<'_>, key: &'static str, segments: &mut Segments) -> Vec<Place> {
    let words = section.texts(key);
    words
        .iter()
        .filter_map(|word| compile(section, word, Place::parse(word.text, segments)))
        .collect()
}

/// The one place under `key`.
fn place(section: &Section<'_>, key: &'static str, segments: &mut Segments) -> Option<Place> {
    let word = section.text(key)?;
    compile(section, &word, Place::parse(word.text, segments))
}

/// The tests under `key`.
fn tests(section: &Section<'_>, key: &'static str, segments: &mut Segments) -> Vec<Test> {
    let words = section.texts(key);
    words
        .iter()
        .filter_map(|word| compile(section, word, Test::parse(word.text, segments)))
        .collect()
}

/// The segment names under `key`.
fn names(section: &Section<'_>, key: &'static str, segments: &mut Segments) -> Vec<SegmentId> {
    let words = section.texts(key);
    words.iter().filter_map(|word| compile(section, word, segments.enter(word.text, 0))).collect()
}

/// The words under `key`, folded.
fn terms(section: &Section<'_>, key: &'static str) -> Terms {
    Terms::new(section.texts(key).iter().map(|word| word.text))
}

fn compile<T>(section: &Section<'_>, word: &Word<'_>, made: Result<T, String>) -> Option<T> {
    made.map_err(|what| section.faults.add(&word.span, what)).ok()
}
