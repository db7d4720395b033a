//! The addresses that a FHIR server gives to what it stores: from Location fields and from the responses of Bundles.

use http::header::{CONTENT_LOCATION, LOCATION};
use http::{HeaderMap, HeaderName};
use serde_json::Value;

use crate::domain::order::{Order, Redacted};
use crate::gate::KnownAs;
use crate::inbound::fhir::Upstream;
use crate::inbound::fhir::pieces::Resource;

/// An order under way, whose address is yet to be known.
#[derive(Clone)]
pub(super) struct Name {
    /// Which entry of a Bundle it stands in.
    pub(super) entry: Option<usize>,
    resource_type: String,
    /// `Type/id`, where the address said so.
    identity: Option<String>,
    order_no: String,
}

impl Name {
    /// `None` for an order without a number of its own.
    pub(super) fn new(
        entry: Option<usize>,
        resource: &Resource<'_>,
        order: &Order,
    ) -> Option<Self> {
        let resource_type = resource.resource.get("resourceType")?.as_str()?.to_owned();
        let order_no = order.groups.iter().find_map(|group| group.order_no.as_ref())?;
        let order_no = Redacted::reveal(order_no).to_owned();
        let identity = resource.identity.clone();
        Some(Self { entry, resource_type, identity, order_no })
    }

    /// The order at `location`, an address of the server; else at the address it was written to.
    fn known_as(&self, location: Option<&str>, upstream: &Upstream) -> Option<KnownAs> {
        let told = location.and_then(|location| relative(location, &self.resource_type));
        let relative = told.or_else(|| self.identity.clone())?;
        if relative == self.order_no {
            return None;
        }
        let address = format!("{}/{relative}", upstream.url());
        Some(KnownAs { address, order_no: self.order_no.clone() })
    }
}

/// What a single create or update has made known.
pub(super) fn of_response(
    names: &[Name],
    headers: &HeaderMap,
    upstream: &Upstream,
) -> Vec<KnownAs> {
    let field = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let location = field(LOCATION).or_else(|| field(CONTENT_LOCATION));
    match names {
        [name] => name.known_as(location, upstream).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// What the response to a transaction or batch has made known, with the entry that each belongs to. `place`: where an
/// entry of the request stands in the response.
pub(super) fn of_bundle(
    names: &[Name],
    response: &Value,
    upstream: &Upstream,
    place: impl Fn(usize) -> Option<usize>,
) -> Vec<(usize, KnownAs)> {
    let known = names.iter().filter_map(|name| {
        let entry = name.entry?;
        let answer = response.get("entry")?.get(place(entry)?)?.get("response")?;
        let stored = answer.get("status").and_then(Value::as_str)?.starts_with('2');
        let location = answer.get("location").and_then(Value::as_str);
        let known = name.known_as(location, upstream).filter(|_| stored)?;
        Some((entry, known))
    });
    known.collect()
}

/// `http://host/fhir/ServiceRequest/77/_history/1` → `ServiceRequest/77`.
fn relative(location: &str, resource_type: &str) -> Option<String> {
    let path = location.split(['?', '#']).next().unwrap_or(location);
    let mut parts = path.split('/').skip_while(|part| *part != resource_type).skip(1);
    let id = parts.next().filter(|id| !id.is_empty() && id.len() <= 64)?;
    Some(format!("{resource_type}/{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(entry: Option<usize>, identity: Option<&str>) -> Name {
        Name {
            entry,
            resource_type: "ServiceRequest".to_owned(),
            identity: identity.map(str::to_owned),
            order_no: "A1001".to_owned(),
        }
    }

    fn upstream() -> Upstream {
        Upstream::parse("http://up:8080/fhir", false).unwrap()
    }

    fn known(address: &str) -> Vec<KnownAs> {
        vec![KnownAs { address: address.to_owned(), order_no: "A1001".to_owned() }]
    }

    #[test]
    fn a_created_order_is_known_by_its_location_however_it_is_written() {
        for location in [
            "http://up:8080/fhir/ServiceRequest/77/_history/1",
            "https://gate/fhir/ServiceRequest/77",
            "ServiceRequest/77/_history/1",
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(LOCATION, location.parse().unwrap());
            let names = [name(None, None)];
            let told = of_response(&names, &headers, &upstream());
            assert_eq!(told, known("http://up:8080/fhir/ServiceRequest/77"), "{location}");
        }
        let headers = HeaderMap::new();
        assert_eq!(of_response(&[name(None, None)], &headers, &upstream()), Vec::new());
        let told = of_response(&[name(None, Some("ServiceRequest/9"))], &headers, &upstream());
        assert_eq!(told, known("http://up:8080/fhir/ServiceRequest/9"));
    }

    #[test]
    fn entries_are_known_by_their_own_response() {
        let response = serde_json::json!({ "entry": [
            { "response": { "status": "201 Created", "location": "Patient/1" } },
            { "response": { "status": "201 Created", "location": "ServiceRequest/77/_history/1" } }
        ] });
        let names = [name(Some(1), None), name(Some(0), None), name(Some(9), None)];
        let told = of_bundle(&names, &response, &upstream(), Some);
        let wanted = known("http://up:8080/fhir/ServiceRequest/77").remove(0);
        assert_eq!(told, [(1, wanted)]);
    }
}
