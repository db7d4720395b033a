//! Literal references: what `Reference.reference` points at.

/// Where a reference points.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reference<'r> {
    /// `#id`: inside the same resource.
    Contained(&'r str),
    /// `urn:uuid:` or `urn:oid:`: an entry of the same Bundle.
    Urn(&'r str),
    /// `Type/id`, relative, or absolute below the base that is given; a version behind it is left out.
    Here {
        /// `Practitioner`
        resource_type: &'r str,
        /// The logical id.
        id: &'r str,
    },
    /// A URL of another server, or something that is no reference.
    Elsewhere,
}

/// Reads a reference; `base` is the URL of the FHIR server it is read against (`http://host/fhir`). With an empty
/// base only relative references are [`Reference::Here`].
pub fn parse<'r>(reference: &'r str, base: &str) -> Reference<'r> {
    if let Some(id) = reference.strip_prefix('#') {
        return if logical_id(id) { Reference::Contained(id) } else { Reference::Elsewhere };
    }
    if reference.starts_with("urn:uuid:") || reference.starts_with("urn:oid:") {
        return Reference::Urn(reference);
    }
    let base = base.trim_end_matches('/');
    let below = match reference.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')) {
        Some(rest) if !base.is_empty() => rest,
        _ => reference,
    };
    let segments: Vec<&str> = below.split('/').collect();
    let (resource_type, id) = match segments.as_slice() {
        [resource_type, id] => (*resource_type, *id),
        [resource_type, id, "_history", version] if logical_id(version) => (*resource_type, *id),
        _ => return Reference::Elsewhere,
    };
    let named = resource_type.starts_with(|c: char| c.is_ascii_uppercase())
        && resource_type.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if named && logical_id(id) {
        Reference::Here { resource_type, id }
    } else {
        Reference::Elsewhere
    }
}

/// The ids of FHIR, and the underscores that some servers use beyond them. Never anything that could change the path
/// of a request made with it.
fn logical_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    !id.is_empty() && id.bytes().all(plain) && !id.bytes().all(|byte| byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::{Reference, parse};

    const BASE: &str = "http://10.0.0.21:8080/fhir";

    fn here<'r>(resource_type: &'r str, id: &'r str) -> Reference<'r> {
        Reference::Here { resource_type, id }
    }

    #[test]
    fn relative_and_absolute_references_to_this_server_are_the_same() {
        for reference in [
            "Practitioner/D1002",
            "Practitioner/D1002/_history/3",
            "http://10.0.0.21:8080/fhir/Practitioner/D1002",
            "http://10.0.0.21:8080/fhir/Practitioner/D1002/_history/3",
        ] {
            assert_eq!(parse(reference, BASE), here("Practitioner", "D1002"), "{reference}");
            let slash = format!("{BASE}/");
            assert_eq!(parse(reference, &slash), here("Practitioner", "D1002"), "{reference}");
        }
        assert_eq!(parse("Practitioner/a.b-c_d", ""), here("Practitioner", "a.b-c_d"));
    }

    #[test]
    fn contained_and_bundle_references_are_told_apart() {
        assert_eq!(parse("#p1", BASE), Reference::Contained("p1"));
        let urn = "urn:uuid:8f3d1b0e-1c5a-4f7e-9f7e-0a1b2c3d4e5f";
        assert_eq!(parse(urn, BASE), Reference::Urn(urn));
        assert_eq!(parse("urn:oid:1.2.3", BASE), Reference::Urn("urn:oid:1.2.3"));
    }

    #[test]
    fn what_leads_elsewhere_or_is_no_reference_leads_nowhere() {
        for reference in [
            "",
            "#",
            "#a/b",
            "Practitioner",
            "Practitioner/",
            "/Practitioner/1",
            "practitioner/1",
            "Practitioner/..",
            "Practitioner/.",
            "Practitioner/a b",
            "Practitioner/a?b",
            "Practitioner/a#b",
            "Practitioner/%2e%2e",
            "Practitioner/1/_history",
            "Practitioner/1/_history/2/3",
            "Practitioner/1/x",
            "Practitioner?identifier=x|1",
            "http://elsewhere/fhir/Practitioner/1",
            "http://10.0.0.21:8080/fhirPractitioner/1",
            "http://10.0.0.21:8080/fhir/../Practitioner/1",
            "../Practitioner/1",
            "Practitioner\\1",
            "医生/1",
        ] {
            assert_eq!(parse(reference, BASE), Reference::Elsewhere, "{reference}");
        }
    }
}
