//! A FHIR mapping file as text → the compiled [`Model`] and its examples, or all faults at once.

use toml::de::DeTable;

use crate::domain::order::{Action, Stage};
use crate::domain::procedure::Grade;
use crate::fhir::JUDGED_TYPES;
use crate::mapping::concepts;
use crate::mapping::fault::Faults;
use crate::mapping::fhir::example::{self, Example};
use crate::mapping::fhir::model::{
    ActionRule, Facts, Model, PersonRule, ResourceRule, Standing, Surgical, Systems, Token,
    UrgencyRule,
};
use crate::mapping::fhir::path::Path;
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
    let name = root.required("name", "\"our-emr\"").map(|w| w.text.to_owned()).unwrap_or_default();
    root.text("description");
    for file in root.texts("concept_maps") {
        concepts::read(&file, load, &mut model.concepts, faults);
    }
    model.persons = systems(&root, "persons");
    model.patients = systems(&root, "patients");
    model.organizations = systems(&root, "organizations");
    let sections = root.sections("resource");
    if sections.is_empty() {
        faults.add_line(1, "no [[resource]]: say at least one resource type that is judged");
    }
    for section in sections {
        let made = resource(&section);
        if let Some(made) = made {
            if model.rule(&made.resource_type).is_some() {
                section.fault(&format!("`{}` is described twice; once only", made.resource_type));
            }
            model.resources.push(made);
        }
        section.finish();
    }
    let examples = example::read(&root);
    root.finish();
    Parsed { name, model, examples }
}

fn systems(root: &Section<'_>, key: &'static str) -> Systems {
    let Some(section) = root.section(key) else { return Systems::default() };
    let words = section.texts("identifier_systems");
    section.finish();
    Systems(words.iter().map(|word| word.text.into()).collect())
}

fn resource(section: &Section<'_>) -> Option<ResourceRule> {
    let resource_type = section.required("type", "\"ServiceRequest\"");
    if let Some(word) = resource_type.as_ref().filter(|word| !JUDGED_TYPES.contains(&word.text)) {
        let what =
            format!("`{}` is not judged; write one of {}", word.text, JUDGED_TYPES.join(", "));
        section.faults.add(&word.span, what);
    }
    let stage = section.required("stage", "\"order\"").and_then(|word| stage(section, &word));
    let scheduling = section.flag("scheduling");
    let based_on = paths(section, "based_on");
    let action = action(section);
    let surgical = surgical(section, &based_on);
    let (codes, further, from_order) = procedure(section);
    if from_order && based_on.is_empty() {
        section.fault("`from_order` without `based_on`; say where the order stands");
    }
    let mut persons = Vec::new();
    for inner in section.sections("person") {
        persons.extend(person(&inner));
        inner.finish();
    }
    let facts = section.section("facts").map(facts).unwrap_or_default();
    let mut urgency = Vec::new();
    for inner in section.sections("urgency") {
        inner.must_have("at", "\"$.priority\"");
        urgency.push(UrgencyRule {
            at: paths(&inner, "at"),
            emergency: terms(&inner, "emergency"),
            urgent: terms(&inner, "urgent"),
            elective: terms(&inner, "elective"),
        });
        inner.finish();
    }
    let times = section.section("operating_time").map(|inner| {
        let both = (paths(&inner, "starts"), paths(&inner, "fallback"));
        inner.finish();
        both
    });
    let (starts, fallback_starts) = times.unwrap_or_default();
    let length = section.section("duration").map(|inner| {
        let both = (paths(&inner, "minutes"), paths(&inner, "end"));
        inner.finish();
        both
    });
    let (minutes, ends) = length.unwrap_or_default();
    let (stated_grade, grade_words) = grade(section);
    Some(ResourceRule {
        resource_type: resource_type?.text.into(),
        stage: stage?,
        scheduling,
        based_on,
        action,
        surgical,
        codes,
        further,
        from_order,
        persons,
        facts,
        urgency,
        starts,
        fallback_starts,
        minutes,
        ends,
        stated_grade,
        grade_words,
    })
}

fn stage(section: &Section<'_>, word: &Word<'_>) -> Option<Stage> {
    match word.text {
        "order" => Some(Stage::Order),
        "notice" => Some(Stage::Notice),
        "record" => Some(Stage::Record),
        other => {
            let what = format!("`{other}` is no stage; write order, notice or record");
            section.faults.add(&word.span, what);
            None
        }
    }
}

fn action(outer: &Section<'_>) -> ActionRule {
    let Some(section) = outer.section("action") else { return ActionRule::default() };
    let mut words: Vec<(Box<str>, Action)> = Vec::new();
    for (key, action) in [("withdraw", Action::Withdraw), ("other", Action::Other)] {
        for word in section.texts(key) {
            if words.iter().any(|(known, _)| **known == *word.text) {
                let what = format!("`{}` is listed twice; it can mean one action only", word.text);
                section.faults.add(&word.span, what);
            }
            words.push((word.text.into(), action));
        }
    }
    if !words.is_empty() {
        section.must_have("at", "\"$.status\"");
    }
    let rule =
        ActionRule { at: path(&section, "at"), words, not_a_case: path(&section, "not_a_case") };
    section.finish();
    rule
}

fn surgical(outer: &Section<'_>, based_on: &[Path]) -> Surgical {
    let Some(section) = outer.section("surgical") else {
        outer.fault("[resource.surgical] is missing: say by which tests an operation is known");
        return Surgical::default();
    };
    let surgical = Surgical {
        category: paths(&section, "category"),
        any: tokens(&section, "any"),
        codes: section.flag("codes"),
        order_no: section.flag("order_no"),
        based_on: section.flag("based_on"),
    };
    if surgical.category.is_empty() != surgical.any.is_empty() {
        section.fault("`category` says where, `any` says which codes there; write both");
    }
    if surgical.based_on && based_on.is_empty() {
        section.fault("`based_on = true`, but [[resource]] has no `based_on` with the places");
    }
    section.finish();
    surgical
}

fn procedure(outer: &Section<'_>) -> (Vec<Path>, Vec<Path>, bool) {
    let Some(section) = outer.section("procedure") else {
        outer.fault("[resource.procedure] is missing: say where the procedure's codes stand");
        return <_>::default();
    };
    section.must_have("codes", "\"$.code\"");
    let made = (paths(&section, "codes"), paths(&section, "further"), section.flag("from_order"));
    section.finish();
    made
}

fn person(section: &Section<'_>) -> Option<PersonRule> {
    section.must_have("at", "\"$.performer[*]\"");
    let at = path(section, "at");
    let actor = path(section, "actor");
    let role = path(section, "role");
    let (surgeon, team) = (tokens(section, "surgeon"), tokens(section, "team"));
    if let Some(token) = surgeon.iter().find(|token| team.contains(token)) {
        section.fault(&format!("`{}` is in both lists; a role means one thing only", token.code));
    }
    let only = |key: &'static str, value: &str| {
        let word = section.text(key);
        if let Some(word) = word.as_ref().filter(|word| word.text != value) {
            let what = format!("write {key} = \"{value}\", or leave it out");
            section.faults.add(&word.span, what);
        }
        word.is_some()
    };
    let (sole, others) = (only("sole", "surgeon"), only("others", "team"));
    let beside = section.texts("beside").iter().map(|word| word.text.into()).collect();
    let by_role = section.has("role");
    if !by_role && (sole || others || !surgeon.is_empty() || !team.is_empty()) {
        section.fault("`surgeon`, `team`, `sole` and `others` need `role`, the place of the role");
    }
    if by_role && surgeon.is_empty() {
        section.fault("persons are told apart by role, but `surgeon` lists none");
    }
    let standing = match (section.text("is"), by_role) {
        (Some(word), false) if word.text == "surgeon" => Some(Standing::Surgeon),
        (Some(word), false) if word.text == "team" => Some(Standing::Team),
        (None, true) => role.map(|role| Standing::Role { role, surgeon, team, sole, others }),
        _ => {
            section.fault(
                "write one of: is = \"surgeon\", is = \"team\", role = the place of the role",
            );
            None
        }
    };
    Some(PersonRule { at: at?, actor, standing: standing?, beside })
}

fn facts(section: Section<'_>) -> Facts {
    let facts = Facts {
        message_time: paths(&section, "message_time"),
        patient: paths(&section, "patient"),
        encounter: paths(&section, "encounter"),
        diagnoses: paths(&section, "diagnoses"),
        order_no: paths(&section, "order_no"),
        requisition: paths(&section, "requisition"),
        department: paths(&section, "department"),
        site: paths(&section, "site"),
        ordering_doctor: paths(&section, "ordering_doctor"),
        reason: paths(&section, "life_saving_reason"),
        attested_by: paths(&section, "life_saving_by"),
        discussion: paths(&section, "discussion"),
        consent: paths(&section, "consent"),
    };
    section.finish();
    facts
}

fn grade(outer: &Section<'_>) -> (Vec<Path>, Vec<(Grade, Terms)>) {
    let Some(section) = outer.section("stated_grade") else { return <_>::default() };
    let at = paths(&section, "at");
    let words =
        [("one", Grade::One), ("two", Grade::Two), ("three", Grade::Three), ("four", Grade::Four)];
    let words = words.map(|(key, grade)| (grade, terms(&section, key))).into();
    section.finish();
    (at, words)
}

/// The paths under `key`; faults are told and left out.
fn paths(section: &Section<'_>, key: &'static str) -> Vec<Path> {
    section.texts(key).iter().filter_map(|word| compile(section, word)).collect()
}

/// The one path under `key`.
fn path(section: &Section<'_>, key: &'static str) -> Option<Path> {
    section.text(key).and_then(|word| compile(section, &word))
}

fn compile(section: &Section<'_>, word: &Word<'_>) -> Option<Path> {
    Path::parse(word.text).map_err(|what| section.faults.add(&word.span, what)).ok()
}

fn terms(section: &Section<'_>, key: &'static str) -> Terms {
    Terms::new(section.texts(key).iter().map(|word| word.text))
}

fn tokens(section: &Section<'_>, key: &'static str) -> Vec<Token> {
    let words = section.texts(key);
    let token = |word: &Word<'_>| {
        let token = Token::parse(word.text);
        if token.is_none() {
            let what = "no code; write \"code\" or \"system|code\"";
            section.faults.add(&word.span, what);
        }
        token
    };
    words.iter().filter_map(token).collect()
}
