//! The body of a hook call, taken apart: which hook, who before the screen, and the orders as they were written.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::inbound::cds_hooks::discovery::Hook;
use crate::inbound::console::object::{from_str, list, object};

/// A screen signs some orders at a time; more are a mistake.
const ORDERS_MAX: usize = 100;
/// FHIR ids have up to 64 characters; a type or a URL may stand before them.
const ID_CHARS_MAX: usize = 256;

/// A hook call.
#[derive(Debug)]
pub(super) struct HookCall<'b> {
    /// Its UUID as written.
    pub(super) instance: &'b str,
    /// `context.userId`, `Practitioner/9`.
    pub(super) user: String,
    /// `context.patientId`, with or without its type.
    pub(super) patient: String,
    /// The client's FHIR base, for absolute references.
    pub(super) fhir_server: Option<String>,
    /// The orders or appointments to be judged, and what else came with them.
    pub(super) drafts: Vec<Draft<'b>>,
    /// Everything that was prefetched.
    pub(super) prefetch: Option<Map<String, Value>>,
}

/// One resource of the call.
#[derive(Debug)]
pub(super) struct Draft<'b> {
    /// As written.
    pub(super) bytes: &'b RawValue,
    /// `fullUrl` of its entry.
    pub(super) full_url: Option<String>,
    /// FHIRPath of it in the body.
    pub(super) path: String,
    /// Its `resourceType`.
    pub(super) resource_type: String,
    /// Its `id`.
    pub(super) id: Option<String>,
    /// Whether it is to be judged, or only something that others refer to.
    pub(super) judged: bool,
}

/// Why a hook call is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallFault {
    /// Not JSON, or a member of the wrong type, or one that is needed is missing.
    Shape(&'static str),
    /// A hook that no service here is for.
    UnknownHook,
    /// The data that the hook is about is not there.
    Missing(&'static str),
    /// More orders than the limit.
    TooMany,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'b> {
    hook: String,
    hook_instance: &'b str,
    fhir_server: Option<String>,
    #[serde(borrow, deserialize_with = "object")]
    context: Context<'b>,
    prefetch: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context<'b> {
    user_id: String,
    patient_id: String,
    selections: Option<Vec<String>>,
    #[serde(borrow)]
    draft_orders: Option<&'b RawValue>,
    #[serde(borrow)]
    appointments: Option<&'b RawValue>,
}

#[derive(Deserialize)]
struct Bundle<'b> {
    #[serde(rename = "resourceType")]
    resource_type: String,
    #[serde(borrow, default, deserialize_with = "list")]
    entry: Vec<Entry<'b>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'b> {
    full_url: Option<String>,
    #[serde(borrow)]
    resource: Option<&'b RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Probe {
    resource_type: String,
    id: Option<String>,
}

/// Takes the body of a call to the service of `hook` apart.
///
/// # Errors
/// Why it is not understood.
pub(super) fn read(body: &[u8], hook: Hook) -> Result<HookCall<'_>, CallFault> {
    let shape = CallFault::Shape;
    let text = std::str::from_utf8(body).map_err(|_| shape("the body is not UTF-8"))?;
    let body: Body<'_> = from_str(text).map_err(|_| {
        shape("the body is no JSON object with `hook`, `hookInstance` and `context` (userId, patientId)")
    })?;
    match Hook::from_name(&body.hook) {
        None => return Err(CallFault::UnknownHook),
        Some(named) if named != hook => {
            return Err(shape("`hook` is not the hook of this service"));
        }
        Some(_) => {}
    }
    if !is_uuid(body.hook_instance) {
        return Err(shape("`hookInstance` is no UUID"));
    }
    let context = body.context;
    let fits = |id: &str| {
        (1..=ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if !fits(&context.user_id) || !fits(&context.patient_id) {
        return Err(shape("`userId` and `patientId` must be FHIR ids without blanks"));
    }
    let (raw, place) = match hook {
        Hook::OrderSelect | Hook::OrderSign => (context.draft_orders, "draftOrders"),
        Hook::AppointmentBook => (context.appointments, "appointments"),
    };
    let raw = raw.filter(|raw| raw.get() != "null").ok_or(CallFault::Missing(place))?;
    let mut drafts = drafts(raw, place, hook)?;
    if hook == Hook::OrderSelect {
        let selections =
            context.selections.ok_or(shape("`selections` of the hook order-select is missing"))?;
        for draft in &mut drafts {
            draft.judged &= selections.iter().any(|selected| draft.is(selected));
        }
    }
    Ok(HookCall {
        instance: body.hook_instance,
        user: context.user_id,
        patient: context.patient_id,
        fhir_server: body.fhir_server,
        drafts,
        prefetch: body.prefetch,
    })
}

/// A Bundle, or a bare list of resources as older clients send it.
fn drafts<'b>(
    raw: &'b RawValue,
    place: &'static str,
    hook: Hook,
) -> Result<Vec<Draft<'b>>, CallFault> {
    let missing = |_| CallFault::Missing(place);
    let entries: Vec<(Option<String>, &'b RawValue, &'static str)> = if raw.get().starts_with('[') {
        let list: Vec<&'b RawValue> = serde_json::from_str(raw.get()).map_err(missing)?;
        list.into_iter().map(|resource| (None, resource, "")).collect()
    } else {
        let bundle: Bundle<'b> = from_str(raw.get()).map_err(missing)?;
        if bundle.resource_type != "Bundle" {
            return Err(CallFault::Missing(place));
        }
        let entries = bundle.entry.into_iter();
        entries.filter_map(|entry| Some((entry.full_url, entry.resource?, ".resource"))).collect()
    };
    if entries.len() > ORDERS_MAX {
        return Err(CallFault::TooMany);
    }
    let mut drafts = Vec::with_capacity(entries.len());
    for (index, (full_url, bytes, tail)) in entries.into_iter().enumerate() {
        let probe: Probe = from_str(bytes.get()).map_err(missing)?;
        let path = match tail {
            "" => format!("{place}[{index}]"),
            tail => format!("{place}.entry[{index}]{tail}"),
        };
        drafts.push(Draft {
            bytes,
            full_url,
            path,
            judged: probe.resource_type == hook.resource_type(),
            resource_type: probe.resource_type,
            id: probe.id,
        });
    }
    Ok(drafts)
}

impl Draft<'_> {
    /// Whether a selection names it: `Type/id`, the bare id, or its `fullUrl`.
    fn is(&self, selected: &str) -> bool {
        let by_id = self.id.as_deref().is_some_and(|id| {
            let typed = selected.strip_prefix(&*self.resource_type);
            selected == id || typed.and_then(|rest| rest.strip_prefix('/')) == Some(id)
        });
        by_id || self.full_url.as_deref() == Some(selected)
    }
}

/// 8-4-4-4-12 hexadecimal digits.
pub(super) fn is_uuid(text: &str) -> bool {
    let groups = [8, 4, 4, 4, 12];
    let mut parts = text.split('-');
    let fits = |length: &usize| {
        let part = parts.next();
        part.is_some_and(|part| {
            part.len() == *length && part.bytes().all(|b| b.is_ascii_hexdigit())
        })
    };
    groups.iter().all(fits) && parts.next().is_none()
}

/// The bits of a UUID.
pub(super) fn uuid_bits(text: &str) -> Option<u128> {
    is_uuid(text).then(|| u128::from_str_radix(&text.replace('-', ""), 16).ok()).flatten()
}

/// 128 bits as a UUID.
pub(super) fn uuid(bits: u128) -> String {
    let hex = format!("{bits:032x}");
    let mut out = String::with_capacity(36);
    for (at, digit) in hex.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            out.push('-');
        }
        out.push(digit);
    }
    out
}
