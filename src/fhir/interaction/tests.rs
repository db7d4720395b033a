//! Laws of classification; the table of single requests is `tests/data/evasions/paths.csv`.

use proptest::prelude::*;

use crate::fhir::interaction::path::resolve;
use crate::fhir::interaction::{Allowed, Evasion, Head, Interaction, Target, classify};
use crate::fhir::{CONTAINER_TYPES, JUDGED_TYPES};

fn of(method: &str, path: &str, query: Option<&str>, allowed: &Allowed) -> Interaction {
    let head = Head { method, path, query, has_body: false, has_header: &|_| false };
    classify("/fhir", &head, allowed)
}

#[test]
fn every_evasion_has_its_own_name_and_both_sentences() {
    use Evasion::*;
    let all = [Path, MethodOverride, UrlOverride, BodyOnRead, Method];
    let names: std::collections::BTreeSet<&str> = all.iter().map(|fault| fault.as_str()).collect();
    assert_eq!(names.len(), all.len());
    assert!(all.iter().all(|fault| fault.english().is_ascii() && !fault.chinese().is_ascii()));
}

#[test]
fn the_search_of_a_conditional_write_is_not_printed() {
    let condition = Some("patient=P1".to_owned());
    let target = Target { resource_type: "ServiceRequest".to_owned(), id: None, condition };
    assert!(!format!("{target:?}").contains("P1"));
}

/// Pieces of which paths that evade are made.
fn piece() -> impl Strategy<Value = String> {
    let pieces = [
        "/",
        "/",
        "//",
        "/.",
        "/..",
        "/./",
        "%2f",
        "%2F",
        "%5c",
        "\\",
        "%252f",
        "%2e",
        "%00",
        "%20",
        ";x=1",
        "ServiceRequest",
        "servicerequest",
        "%53erviceRequest",
        "Service%52equest",
        "Appointment",
        "Procedure",
        "Bundle",
        "Task",
        "Patient",
        "Binary",
        "fhir",
        "FHIR",
        "_search",
        "_history",
        "$process-message",
        "%24graphql",
        "$everything",
        "1",
        "abc",
        "?",
        "#",
        "%",
        "%zz",
        "é",
        "*",
    ];
    prop_oneof![
        6 => prop::sample::select(pieces.to_vec()).prop_map(str::to_owned),
        1 => "[ -~]{0,3}",
    ]
}

fn path() -> impl Strategy<Value = String> {
    (any::<bool>(), prop::collection::vec(piece(), 0..8)).prop_map(|(base, pieces)| {
        format!("{}{}", if base { "/fhir" } else { "" }, pieces.concat())
    })
}

fn names_an_order(path: &str) -> bool {
    let judged = |segment: &String| {
        JUDGED_TYPES.iter().chain(&CONTAINER_TYPES).any(|own| own.eq_ignore_ascii_case(segment))
    };
    resolve(path).is_none_or(|segments| segments.iter().any(judged))
}

proptest! {
    #[test]
    fn no_write_that_names_a_judged_type_to_anybody_is_streamed(
        path in path(),
        method in prop::sample::select(vec!["POST", "PUT", "PATCH"]),
    ) {
        let interaction = of(method, &path, None, &Allowed::default());
        let waved_through =
            matches!(interaction, Interaction::Stream | Interaction::Unjudged { .. });
        let search = path.ends_with("_search") || path.ends_with("_search/");
        let operation = path.contains('$') || path.contains("%24");
        let exempt = search || operation || !names_an_order(&path);
        prop_assert!(exempt || !waved_through, "{path}");
    }

    #[test]
    fn forwarding_what_is_outside_opens_no_way_in(path in path(), method in prop::sample::select(vec!["POST", "PUT"])) {
        let allowed = Allowed { outside_base: true, operations: Vec::new() };
        let resolved = resolve(&path).unwrap_or_default();
        if let [base, first, rest @ ..] = resolved.as_slice()
            && base.eq_ignore_ascii_case("fhir")
            && JUDGED_TYPES.iter().any(|own| own.eq_ignore_ascii_case(first))
            && !rest.iter().any(|segment| segment.starts_with('$') || segment == "_search")
        {
            prop_assert_ne!(of(method, &path, None, &allowed), Interaction::Stream, "{}", path);
        }
    }

    #[test]
    fn a_plain_write_is_judged_and_a_plain_read_is_not(
        kind in prop::sample::select(JUDGED_TYPES.to_vec()),
        id in "[A-Za-z0-9-]{1,64}",
        slash in any::<bool>(),
    ) {
        let path = format!("/fhir/{kind}/{id}{}", if slash { "/" } else { "" });
        let allowed = Allowed::default();
        for method in ["PUT", "PATCH", "POST"] {
            let judged = matches!(of(method, &path, None, &allowed), Interaction::Write(_));
            prop_assert!(judged || JUDGED_TYPES.iter().chain(&CONTAINER_TYPES).any(|own| own.eq_ignore_ascii_case(&id)));
        }
        prop_assert_eq!(of("GET", &path, Some("x=y"), &allowed), Interaction::Stream);
    }

    #[test]
    fn classifying_is_total(
        method in ".{0,8}",
        path in ".{0,60}",
        query in proptest::option::of(".{0,30}"),
        outside_base in any::<bool>(),
    ) {
        let allowed = Allowed { outside_base, operations: Vec::new() };
        let _ = of(&method, &path, query.as_deref(), &allowed);
        for method in ["GET", "POST", "DELETE", "OPTIONS"] {
            let _ = of(method, &path, query.as_deref(), &allowed);
        }
    }
}
