//! Which `[[message]]` a message is: MSH-9, and whether every reader of it would say the same.

use crate::hl7::message::{Message, Span};
use crate::mapping::hl7v2::model::{EventPattern, MessageRule, Model};

/// The answer.
pub(super) enum Kind<'r> {
    /// The mapping names the type.
    Named(&'r MessageRule),
    /// It does not; how every other type is treated, if the file says so.
    Unnamed(Option<&'r MessageRule>),
    /// It names one of the readings of MSH-9.
    Doubtful,
}

pub(super) fn of<'r>(message: &Message<'_>, model: &'r Model) -> Kind<'r> {
    let field = message.header().message_type();
    let mut repetitions = field.repetitions();
    let Some(first) = repetitions.next() else { return Kind::Unnamed(model.unnamed.as_ref()) };
    let code = first.component(1).bytes();
    let event = first.component(2).bytes();
    let exact = find(model, code, event);
    let generous = if plain(code) && plain(event) { exact } else { find_generously(model, &first) };
    let same = match (exact, generous) {
        (None, None) => true,
        (Some(exact), Some(generous)) => std::ptr::eq(exact, generous),
        _ => false,
    };
    if !same || structure_differs(model, exact.is_some(), code, &first) {
        return Kind::Doubtful;
    }
    for other in repetitions {
        let differs = other.bytes() != first.bytes() && !other.is_empty();
        if differs && (exact.is_some() || find_generously(model, &other).is_some()) {
            return Kind::Doubtful;
        }
    }
    exact.map_or(Kind::Unnamed(model.unnamed.as_ref()), Kind::Named)
}

/// Nothing says what the message is: its header was cut, or never written in full.
pub(super) fn untyped(message: &Message<'_>) -> bool {
    let code = message.header().message_type().component(1);
    let blank = code.is_empty() || code.bytes().trim_ascii().is_empty();
    blank && message.named(b"MSA").next().is_none()
}

fn find<'r>(model: &'r Model, code: &[u8], event: &[u8]) -> Option<&'r MessageRule> {
    let fits = |rule: &&MessageRule| {
        rule.types.iter().any(|pattern| {
            pattern.code.as_bytes() == code
                && match &pattern.event {
                    EventPattern::Absent => event.is_empty(),
                    EventPattern::Any => true,
                    EventPattern::Exactly(wanted) => wanted.as_bytes() == event,
                }
        })
    };
    model.messages.iter().find(fits)
}

/// As a reader finds it that takes the first sub-component, trims and folds.
fn find_generously<'r>(model: &'r Model, repetition: &Span<'_>) -> Option<&'r MessageRule> {
    let fold = |number| {
        let text = repetition.component(number).subcomponent(1).text();
        crate::mapping::terms::fold(&text)
    };
    find(model, fold(1).as_bytes(), fold(2).as_bytes())
}

/// `ADT^A04^ADT_A01` is one type, `ORM^O01^ADT_A01` is two.
fn structure_differs(model: &Model, named: bool, code: &[u8], repetition: &Span<'_>) -> bool {
    let structure = repetition.component(3);
    if structure.is_empty() {
        return false;
    }
    let text = structure.text();
    let text = crate::mapping::terms::trim(&text);
    let prefix = text.split('_').next().unwrap_or(text);
    if prefix.as_bytes().eq_ignore_ascii_case(code) {
        return false;
    }
    let mapped =
        |rule: &MessageRule| rule.types.iter().any(|t| t.code.eq_ignore_ascii_case(prefix));
    named || model.messages.iter().any(mapped)
}

/// Nothing that trimming or folding would change.
pub(super) fn plain(text: &[u8]) -> bool {
    text.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}
