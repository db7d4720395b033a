//! Keys and type names that a more generous reader takes for others.

use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization;

use crate::fhir::document::Unsound;
use crate::fhir::{CONTAINER_TYPES, JUDGED_TYPES};

/// The key that says what a resource is.
pub(super) const RESOURCE_TYPE: &str = "resourceType";

/// Types that are not judged but on whose reading a verdict rests.
const NEEDED_TYPES: [&str; 4] = ["Practitioner", "PractitionerRole", "Organization", "Binary"];

/// The keys on which a verdict can rest, by their length: a server that folds case reads `Performer` as
/// `performer`, and a mapping does not.
fn needed(length: usize) -> &'static [&'static str] {
    match length {
        2 => &["id", "op"],
        3 => &["end", "url"],
        4 => &["code", "name", "part", "path", "text", "type"],
        5 => &["actor", "entry", "event", "focus", "given", "index", "input", "start", "value"],
        6 => &[
            "action", "coding", "detail", "family", "intent", "method", "output", "partOf",
            "period", "reason", "repeat", "source", "status", "system",
        ],
        7 => &["basedOn", "concept", "display", "fullUrl", "patient", "request", "subject"],
        8 => &[
            "activity", "bodySite", "category", "function", "location", "priority", "resource",
            "valueUri",
        ],
        9 => &[
            "contained",
            "encounter",
            "extension",
            "parameter",
            "performer",
            "reference",
            "requester",
            "specialty",
            "valueCode",
        ],
        10 => &["authoredOn", "identifier", "onBehalfOf", "reasonCode"],
        11 => &[
            "destination",
            "ifNoneExist",
            "orderDetail",
            "participant",
            "requisition",
            "serviceType",
            "valuePeriod",
            "valueString",
            "valueTiming",
        ],
        12 => &[
            "boundsPeriod",
            "doNotPerform",
            "locationCode",
            "organization",
            "performedAge",
            "practitioner",
            "resourceType",
            "valueBoolean",
            "valueInteger",
        ],
        13 => &["occurrenceAge", "valueDateTime"],
        14 => &["performedRange", "supportingInfo", "valueReference"],
        15 => &[
            "appointmentType",
            "minutesDuration",
            "occurrenceRange",
            "performedPeriod",
            "performedString",
            "reasonReference",
            "serviceCategory",
        ],
        16 => &["occurrencePeriod", "occurrenceString", "occurrenceTiming"],
        17 => &["locationReference", "modifierExtension", "performedDateTime"],
        18 => &["occurrenceDateTime"],
        20 => &["valueCodeableConcept"],
        21 => &["supportingInformation"],
        24 => &["plannedActivityReference"],
        _ => &[],
    }
}

/// The longest of them.
const LONGEST: usize = 24;

/// Folds case as the most generous reader does: `ſ` and `K` (Kelvin) are `s` and `k`.
fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// The letters and digits of a text, look-alikes and case folded.
fn skeleton(text: &str) -> String {
    fold(&text.nfkc().filter(|c| c.is_alphanumeric()).collect::<String>())
}

/// Whether a more generous reader takes `key` for one that a verdict rests on.
fn disguised(key: &str) -> bool {
    if key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        let mut alike = needed(key.len()).iter().filter(|name| name.eq_ignore_ascii_case(key));
        return alike.next().is_some_and(|name| *name != key);
    }
    if let Some(primitive) = key.strip_prefix('_')
        && primitive.bytes().all(|byte| byte.is_ascii_alphanumeric())
    {
        return false;
    }
    // `service_type`, `service-type`, ` code`, `$type`: servers rename keys, trim them, or take them for hints.
    let skeleton = skeleton(key);
    (1..=LONGEST)
        .flat_map(needed)
        .any(|name| skeleton.len() == name.len() && skeleton.eq_ignore_ascii_case(name))
}

/// Whether `key` may stand in any object.
pub(super) fn check_key(key: &str) -> Result<(), Unsound> {
    if key.contains(char::is_control) || disguised(key) { Err(Unsound::Disguised) } else { Ok(()) }
}

/// Whether the value of a `resourceType` is one that every reader takes for the same.
pub(super) fn check_type(value: &Value) -> Result<(), Unsound> {
    let Some(name) = value.as_str().filter(|name| !name.is_empty()) else {
        return Err(Unsound::NoResourceType);
    };
    let mut types = JUDGED_TYPES.iter().chain(&CONTAINER_TYPES).chain(&NEEDED_TYPES);
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let other_case = types.any(|own| *own != name && own.eq_ignore_ascii_case(name));
    if letters && !other_case { Ok(()) } else { Err(Unsound::Disguised) }
}

/// Whether keys of one object differ only in case.
pub(super) fn differ_in_case(members: &Map<String, Value>) -> bool {
    // A bit for what folding cannot change; nearly always no two keys share one.
    let mut seen = 0_u64;
    let sure = members.keys().all(|key| {
        let bytes = key.as_bytes();
        let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return true };
        let middle = bytes.get(bytes.len() / 2).unwrap_or(first);
        let letters = [first, last, middle].map(|byte| u32::from(byte.to_ascii_lowercase()));
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let mixed = letters.iter().fold(length, |mixed, letter| mixed.wrapping_mul(31) ^ letter);
        let bit = 1 << (mixed % 64);
        let fresh = seen & bit == 0;
        seen |= bit;
        fresh && key.is_ascii()
    });
    if sure {
        return false;
    }
    let mut folded: Vec<String> = members.keys().map(|key| fold(key)).collect();
    folded.sort_unstable();
    folded.windows(2).any(|pair| matches!(pair, [one, next] if one == next))
}

/// All of this for an object that is there already.
pub(super) fn check_object(members: &Map<String, Value>) -> Result<(), Unsound> {
    members.keys().try_for_each(|key| check_key(key))?;
    if let Some(value) = members.get(RESOURCE_TYPE) {
        check_type(value)?;
    }
    if differ_in_case(members) { Err(Unsound::KeysDifferInCase) } else { Ok(()) }
}
