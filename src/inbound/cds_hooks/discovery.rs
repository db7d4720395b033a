//! `GET /cds-services`: which hooks there are, and what a client is asked to prefetch.

use serde_json::{Value, json};

/// The hooks that have a service here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hook {
    OrderSelect,
    OrderSign,
    AppointmentBook,
}

impl Hook {
    pub(super) const ALL: [Self; 3] = [Self::OrderSign, Self::OrderSelect, Self::AppointmentBook];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::OrderSelect => "order-select",
            Self::OrderSign => "order-sign",
            Self::AppointmentBook => "appointment-book",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hook| hook.as_str() == name)
    }

    /// The id of its service.
    pub(super) fn service(self) -> &'static str {
        match self {
            Self::OrderSelect => "orgate-order-select",
            Self::OrderSign => "orgate-order-sign",
            Self::AppointmentBook => "orgate-appointment-book",
        }
    }

    pub(super) fn of_service(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hook| hook.service() == id)
    }

    /// What it judges.
    pub(super) fn resource_type(self) -> &'static str {
        match self {
            Self::OrderSelect | Self::OrderSign => "ServiceRequest",
            Self::AppointmentBook => "Appointment",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::OrderSelect => "术闸：选择手术医嘱时核查手术权限",
            Self::OrderSign => "术闸：签署手术医嘱时核查手术权限",
            Self::AppointmentBook => "术闸：预约手术时核查手术权限",
        }
    }
}

/// The document.
///
/// The tokens are those of CDS Hooks 2.0: fields of the context's first level, and the user. The performers of draft
/// orders cannot be named with them; they come with the encounter's participants and the patient's other orders, or as
/// identifiers (staff numbers) in the order itself, which need nothing fetched.
pub(super) fn document() -> Value {
    let services = Hook::ALL.map(|hook| {
        json!({
            "hook": hook.as_str(),
            "title": hook.title(),
            "description": "Checks the surgeon's grant for each surgical order (手术分级管理) and says what \
                            would be refused, what flagged, and who holds the grant instead.",
            "id": hook.service(),
            "prefetch": {
                "user": "Practitioner/{{userPractitionerId}}",
                "userRole": "PractitionerRole?_id={{userPractitionerRoleId}}&_include=PractitionerRole:practitioner",
                "patient": "Patient/{{context.patientId}}",
                "encounter": "Encounter?_id={{context.encounterId}}&_include=Encounter:participant",
                "orders": "ServiceRequest?patient={{context.patientId}}&status=draft,active&_include=ServiceRequest:performer",
            },
            "usageRequirements": "The surgeon must be told: as ServiceRequest.performer or participant PPRF, with a \
                                  staff number as identifier, or as a reference to a Practitioner that is prefetched \
                                  or among the drafts. What cannot be resolved is answered with 412.",
        })
    });
    json!({ "services": services })
}
