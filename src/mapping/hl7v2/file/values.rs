//! `[[procedure]]`, `[[person]]`, `[roles]`, `[facts]`, `[[urgency]]`, `[operating_time]`, `[[duration]]`, `[stated_grade]`.

use crate::domain::procedure::Grade;
use crate::mapping::hl7v2::file::{compile, names, place, places, terms, tests};
use crate::mapping::hl7v2::model::{
    DurationRule, Facts, Model, PersonRule, ProcedureRule, Standing, UrgencyRule,
};
use crate::mapping::hl7v2::place::{Place, Segments};
use crate::mapping::section::Section;

pub(super) fn read(root: &Section<'_>, model: &mut Model) {
    let procedures = root.sections("procedure");
    if procedures.is_empty() {
        root.faults.add_line(1, "no [[procedure]]: say where the procedure codes stand");
    }
    for section in procedures {
        let made = procedure(&section, &mut model.segments);
        model.procedures.extend(made);
        section.finish();
    }
    for section in root.sections("person") {
        let made = person(&section, &mut model.segments);
        model.persons.extend(made);
        section.finish();
    }
    if let Some(section) = root.section("roles") {
        model.surgeon_roles = terms(&section, "surgeon");
        model.team_roles = terms(&section, "team");
        for word in model.surgeon_roles.words().filter(|w| model.team_roles.contains(w)) {
            section.fault(&format!("`{word}` is in both lists; a role means one thing only"));
        }
        section.finish();
    }
    let by_role = model.persons.iter().any(|p| matches!(p.standing, Standing::Role { .. }));
    if by_role && model.surgeon_roles.is_empty() {
        root.faults
            .add_line(1, "[roles]: persons are told apart by role, but `surgeon` lists none");
    }
    if let Some(section) = root.section("facts") {
        model.facts = facts(&section, &mut model.segments);
        section.finish();
    }
    for section in root.sections("urgency") {
        section.must_have("at", "[\"TQ1-9\", \"ORC-7.6\"]");
        let rule = UrgencyRule {
            at: places(&section, "at", &mut model.segments),
            emergency: terms(&section, "emergency"),
            urgent: terms(&section, "urgent"),
            elective: terms(&section, "elective"),
        };
        model.urgency.push(rule);
        section.finish();
    }
    times(root, model);
    if let Some(section) = root.section("stated_grade") {
        model.stated_grade = places(&section, "at", &mut model.segments);
        let words = [
            ("one", Grade::One),
            ("two", Grade::Two),
            ("three", Grade::Three),
            ("four", Grade::Four),
        ];
        model.grade_words = words.map(|(key, grade)| (grade, terms(&section, key))).into();
        section.finish();
    }
}

fn times(root: &Section<'_>, model: &mut Model) {
    if let Some(section) = root.section("operating_time") {
        model.starts = places(&section, "starts", &mut model.segments);
        model.fallback_starts = places(&section, "fallback", &mut model.segments);
        section.finish();
    }
    for section in root.sections("duration") {
        let at = place(&section, "at", &mut model.segments);
        let unit = place(&section, "unit", &mut model.segments);
        let end = place(&section, "end", &mut model.segments);
        match (at, unit, end) {
            (Some(at), unit, None) => model.durations.push(DurationRule::Length { at, unit }),
            (None, None, Some(end)) => model.durations.push(DurationRule::End(end)),
            _ => section.fault("write either `at` (with `unit` where there is one) or `end`"),
        }
        section.finish();
    }
    if let Some(section) = root.section("units") {
        model.minute_units = terms(&section, "minutes");
        model.hour_units = terms(&section, "hours");
        section.finish();
    }
}

fn procedure(section: &Section<'_>, segments: &mut Segments) -> Option<ProcedureRule> {
    let each = section.required("each", "\"PR1\"")?;
    let each = compile(section, &each, segments.enter(each.text, 0))?;
    section.must_have("codes", "[\"PR1-3\"]");
    let codes = places(section, "codes", segments);
    let further = places(section, "further", segments);
    let name = places(section, "name", segments);
    let deleted = tests(section, "deleted", segments);
    let own = |place: &&Place| place.segment != each;
    let foreign = codes.iter().chain(&further).chain(&name).find(own);
    let foreign = foreign.or_else(|| deleted.iter().map(|test| &test.place).find(own));
    if let Some(place) = foreign {
        let (found, wanted) = (segments.name(place.segment), segments.name(each));
        section.fault(&format!(
            "a place of {found} in a procedure of each {wanted}; write places of {wanted} only"
        ));
    }
    Some(ProcedureRule {
        each,
        codes,
        further,
        name,
        deleted,
        owns: names(section, "owns", segments),
        unless_message_has: names(section, "unless_message_has", segments),
    })
}

fn person(section: &Section<'_>, segments: &mut Segments) -> Option<PersonRule> {
    section.must_have("at", "\"AIP-3\"");
    let at = place(section, "at", segments);
    let name = place(section, "name", segments);
    let role = place(section, "role", segments);
    let deleted = tests(section, "deleted", segments);
    let sole = section.text("sole");
    if let Some(word) = &sole
        && word.text != "surgeon"
    {
        section.faults.add(&word.span, "write sole = \"surgeon\", or leave it out".to_owned());
    }
    let standing = match (section.text("is"), role) {
        (Some(word), None) if word.text == "surgeon" => Some(Standing::Surgeon),
        (Some(word), None) if word.text == "team" => Some(Standing::Team),
        (None, Some(place)) => Some(Standing::Role { place, sole: sole.is_some() }),
        _ if section.has("role") && !section.has("is") => None,
        _ => {
            section.fault(
                "write one of: is = \"surgeon\", is = \"team\", role = the place of the role",
            );
            None
        }
    };
    let (at, standing) = (at?, standing?);
    let elsewhere = |place: &Place| place.segment != at.segment;
    let role_elsewhere = matches!(&standing, Standing::Role { place, .. } if elsewhere(place));
    if role_elsewhere
        || name.as_ref().is_some_and(elsewhere)
        || deleted.iter().any(|test| elsewhere(&test.place))
    {
        let wanted = segments.name(at.segment);
        section.fault(&format!("`name`, `role` and `deleted` must stand in {wanted} like `at`"));
    }
    Some(PersonRule { at, name, standing, deleted })
}

fn facts(section: &Section<'_>, segments: &mut Segments) -> Facts {
    Facts {
        message_time: places(section, "message_time", segments),
        patient: places(section, "patient", segments),
        encounter: places(section, "encounter", segments),
        diagnoses: places(section, "diagnoses", segments),
        order_no: places(section, "order_no", segments),
        department: places(section, "department", segments),
        site: places(section, "site", segments),
        ordering_doctor: places(section, "ordering_doctor", segments),
        reason: places(section, "life_saving_reason", segments),
        attested_by: places(section, "life_saving_by", segments),
        discussion: places(section, "discussion", segments),
        consent: places(section, "consent", segments),
    }
}
