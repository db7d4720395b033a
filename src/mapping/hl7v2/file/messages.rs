//! `[[message]]`, `[actions.NAME]` and `[surgical]`: which messages, what they want, what is surgical.

use std::collections::HashMap;

use crate::domain::order::{Action, Stage};
use crate::mapping::hl7v2::file::{names, place, tests};
use crate::mapping::hl7v2::model::{
    ActionRule, EventPattern, MessageRule, Model, Surgical, TypePattern,
};
use crate::mapping::hl7v2::place::{Place, Segments};
use crate::mapping::section::{Section, Word};

type Codes = Vec<(Box<str>, Action)>;

struct NamedAction {
    place: Place,
    codes: Codes,
}

pub(super) fn read(root: &Section<'_>, model: &mut Model) {
    let mut actions = HashMap::new();
    for (name, section) in root.named_sections("actions") {
        if ["new", "change", "withdraw", "other"].contains(&name.text) {
            section.fault("this name is an action itself; give the table another one");
        }
        if let Some(action) = named_action(&section, &mut model.segments) {
            actions.insert(name.text, action);
        }
        section.finish();
    }
    let sections = root.sections("message");
    if sections.is_empty() {
        root.faults.add_line(1, "no [[message]]: say at least one message type that is judged");
    }
    let mut seen: Vec<TypePattern> = Vec::new();
    for section in sections {
        message(&section, &actions, &mut seen, model);
        section.finish();
    }
    if let Some(section) = root.section("surgical") {
        let segments = &mut model.segments;
        model.surgical = Surgical {
            segments: names(&section, "segments", segments),
            codes: super::places(&section, "codes", segments),
            values: tests(&section, "values", segments),
            surgeon: section.flag("surgeon"),
            order_no: section.flag("order_no"),
        };
        section.finish();
    } else {
        root.faults
            .add_line(1, "[surgical] is missing: say by which tests a surgical group is known");
    }
}

fn named_action(section: &Section<'_>, segments: &mut Segments) -> Option<NamedAction> {
    section.must_have("at", "\"ORC-1\"");
    let place = place(section, "at", segments);
    let mut codes = Codes::new();
    let lists = [
        ("new", Action::New),
        ("change", Action::Change),
        ("withdraw", Action::Withdraw),
        ("other", Action::Other),
    ];
    for (key, action) in lists {
        for word in section.texts(key) {
            let code: Box<str> = word.text.into();
            if codes.iter().any(|(known, _)| *known == code) {
                let what = format!("`{}` is listed twice; it can mean one action only", word.text);
                section.faults.add(&word.span, what);
            }
            codes.push((code, action));
        }
    }
    Some(NamedAction { place: place?, codes })
}

fn message(
    section: &Section<'_>,
    actions: &HashMap<&str, NamedAction>,
    seen: &mut Vec<TypePattern>,
    model: &mut Model,
) {
    section.must_have("types", "[\"ORM^O01\"]");
    let words = section.texts("types");
    let unnamed = words.iter().any(|word| word.text == "*");
    if unnamed && words.len() > 1 {
        section.fault("`*` means every other type and stands alone in `types`");
    }
    let types: Vec<_> = words.iter().filter_map(|word| pattern(section, word, seen)).collect();
    let stage = stage(section);
    let action = action(section, actions);
    let segments = &mut model.segments;
    let group_by = names(section, "group_by", segments);
    let whole_with = names(section, "whole_with", segments);
    let requires = names(section, "requires", segments);
    let reply_with = names(section, "reply_with", segments);
    let deleted = tests(section, "deleted", segments);
    let scheduling = section.flag("scheduling");
    let (Some(stage), Some(action)) = (stage, action) else { return };
    let rule = MessageRule {
        types,
        stage,
        action,
        group_by,
        whole_with,
        requires,
        reply_with,
        deleted,
        scheduling,
    };
    if !unnamed {
        model.messages.push(rule);
    } else if model.unnamed.replace(rule).is_some() {
        section.fault("a second `*`; every other type can be described once only");
    }
}

fn stage(section: &Section<'_>) -> Option<Stage> {
    let word = section.required("stage", "\"order\"")?;
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

fn action(section: &Section<'_>, actions: &HashMap<&str, NamedAction>) -> Option<ActionRule> {
    let word = section.required("action", "\"new\", or the name of an [actions.…] table")?;
    match word.text {
        "new" => Some(ActionRule::Fixed(Action::New)),
        "change" => Some(ActionRule::Fixed(Action::Change)),
        "withdraw" => Some(ActionRule::Fixed(Action::Withdraw)),
        "other" => Some(ActionRule::Fixed(Action::Other)),
        name => {
            let Some(NamedAction { place, codes }) = actions.get(name) else {
                let what = format!(
                    "`{name}` is no action; write new, change, withdraw, other, or the name of an \
                     [actions.{name}] table of this file"
                );
                section.faults.add(&word.span, what);
                return None;
            };
            Some(ActionRule::Field { place: place.clone(), codes: codes.clone() })
        }
    }
}

/// `ORM`, `ORM^*`, `ORM^O01`; `*` gives none and is noted by the caller.
fn pattern(
    section: &Section<'_>,
    word: &Word<'_>,
    seen: &mut Vec<TypePattern>,
) -> Option<TypePattern> {
    if word.text == "*" {
        return None;
    }
    let (code, event) = match word.text.split_once('^') {
        None => (word.text, EventPattern::Absent),
        Some((code, "*")) => (code, EventPattern::Any),
        Some((code, event)) => (code, EventPattern::Exactly(event.into())),
    };
    let plain = |text: &str| {
        (2..=3).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    let valid = plain(code)
        && match &event {
            EventPattern::Exactly(event) => plain(event),
            EventPattern::Absent | EventPattern::Any => true,
        };
    if !valid {
        let what = format!(
            "`{}` is no message type; write MSH-9 like ORM^O01, ORM^* for every event, ORM for none",
            word.text
        );
        section.faults.add(&word.span, what);
        return None;
    }
    let pattern = TypePattern { code: code.into(), event };
    let wide = TypePattern { code: code.into(), event: EventPattern::Any };
    if seen.contains(&pattern) || seen.contains(&wide) {
        let what = format!("`{}` never gets here: an entry above has it already", word.text);
        section.faults.add(&word.span, what);
    }
    seen.push(pattern.clone());
    Some(pattern)
}
