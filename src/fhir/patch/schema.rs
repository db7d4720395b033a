//! Which elements are lists and which are choices: as much of FHIR's definitions as adding an element needs.

/// Elements of any resource that are lists.
const LISTS: [&str; 10] = [
    "extension",
    "modifierExtension",
    "contained",
    "identifier",
    "note",
    "basedOn",
    "replaces",
    "reasonCode",
    "reasonReference",
    "reason",
];

/// Elements of any resource that are not.
const SINGLES: [&str; 10] = [
    "meta",
    "implicitRules",
    "language",
    "text",
    "status",
    "intent",
    "code",
    "subject",
    "encounter",
    "priority",
];

/// Elements of data types that are lists, wherever they stand.
const NESTED_LISTS: [&str; 10] = [
    "extension",
    "coding",
    "given",
    "prefix",
    "suffix",
    "line",
    "event",
    "dayOfWeek",
    "timeOfDay",
    "when",
];

/// Elements of data types that are not.
const NESTED_SINGLES: [&str; 31] = [
    "url",
    "text",
    "system",
    "version",
    "code",
    "display",
    "userSelected",
    "value",
    "use",
    "type",
    "identifier",
    "assigner",
    "reference",
    "concept",
    "period",
    "start",
    "end",
    "function",
    "actor",
    "onBehalfOf",
    "required",
    "status",
    "comparator",
    "unit",
    "repeat",
    "frequency",
    "periodUnit",
    "count",
    "family",
    "time",
    "author",
];

/// Whether element `name` of `parent` (a resource type, or the name of the element it stands in) is a list; `None`
/// when it is not known, or not the same in all versions.
pub(super) fn repeats(parent: &str, name: &str) -> Option<bool> {
    let (lists, singles): (&[&str], &[&str]) = match parent {
        "ServiceRequest" => (
            &[
                "instantiatesCanonical",
                "instantiatesUri",
                "category",
                "orderDetail",
                "performer",
                "locationCode",
                "locationReference",
                "location",
                "insurance",
                "supportingInfo",
                "specimen",
                "bodySite",
                "relevantHistory",
            ],
            &["requisition", "doNotPerform", "authoredOn", "requester", "performerType"],
        ),
        "Appointment" => (
            &[
                "serviceCategory",
                "serviceType",
                "specialty",
                "supportingInformation",
                "slot",
                "participant",
                "requestedPeriod",
            ],
            &[
                "cancelationReason",
                "appointmentType",
                "description",
                "start",
                "end",
                "minutesDuration",
                "created",
                "comment",
            ],
        ),
        "Procedure" => (
            &["partOf", "performer", "bodySite", "report", "complication", "followUp"],
            &["statusReason", "recorder", "asserter", "location", "outcome"],
        ),
        "participant" => (&["type"], &["actor", "required", "status", "period"]),
        _ => (&[], &[]),
    };
    let of_resource = parent.starts_with(|c: char| c.is_ascii_uppercase());
    let (more_lists, more_singles): (&[&str], &[&str]) =
        if of_resource { (&LISTS, &SINGLES) } else { (&NESTED_LISTS, &NESTED_SINGLES) };
    if lists.contains(&name) {
        Some(true)
    } else if singles.contains(&name) {
        Some(false)
    } else if more_lists.contains(&name) {
        Some(true)
    } else if more_singles.contains(&name) {
        Some(false)
    } else {
        None
    }
}

/// Whether element `name` of `parent` is written with its type behind its name (`occurrence[x]`).
pub(super) fn is_choice(parent: &str, name: &str) -> bool {
    match name {
        "occurrence" | "performed" | "reported" | "quantity" => {
            parent.starts_with(|c: char| c.is_ascii_uppercase())
        }
        "bounds" => parent == "repeat",
        "value" => {
            matches!(
                parent,
                "extension" | "modifierExtension" | "input" | "output" | "parameter" | "part"
            )
        }
        _ => false,
    }
}
