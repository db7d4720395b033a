//! Header fields on their way through: hop-by-hop fields taken out (RFC 9110 §7.6.1), `Forwarded` added (RFC 7239), links
//! to the server's base made ours where the route says so.

use std::net::SocketAddr;

use http::header::{
    CONNECTION, CONTENT_LOCATION, FORWARDED, HOST, HeaderName, LINK, LOCATION, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderValue};

use crate::telemetry::trace::Parent;

/// Fields that never pass a proxy, named in Connection or not.
const HOP_BY_HOP: [&str; 6] =
    ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"];

/// Fields that Connection may not take out: they say what the request is, and whoever takes them out makes another one
/// of it (RFC 9110 §7.6.1 forbids senders to name them).
const ESSENTIAL: [&str; 6] = ["authorization", "cookie", "forwarded", "host", "location", "prefer"];

/// The fields that pass, in their order.
pub(super) fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let named: Vec<String> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !essential(name))
        .collect();
    let mut passing = HeaderMap::with_capacity(headers.len() + 2);
    for (name, value) in headers {
        let taken = HOP_BY_HOP.contains(&name.as_str()) || named.iter().any(|n| n == name.as_str());
        if !taken {
            passing.append(name.clone(), value.clone());
        }
    }
    passing
}

fn essential(name: &str) -> bool {
    ["accept", "content-", "if-"].iter().any(|start| name.starts_with(start))
        || ESSENTIAL.contains(&name)
}

/// The trace that a request is part of; none where several are named. The field itself passes as it came.
pub(super) fn parent(headers: &HeaderMap) -> Option<Parent> {
    let mut named = headers.get_all("traceparent").iter();
    let (field, None) = (named.next()?, named.next()) else { return None };
    Parent::read(field.to_str().ok()?)
}

/// Who asks, by which host name, over what: added behind what earlier proxies have said.
pub(super) fn forwarded(
    headers: &mut HeaderMap,
    (scheme, peer): (&str, SocketAddr),
    host: Option<&HeaderValue>,
) {
    let peer = match peer {
        SocketAddr::V4(v4) => v4.ip().to_string(),
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => v4.to_string(),
            None => format!("\"[{}]\"", v6.ip()),
        },
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    let host = host.and_then(|host| host.to_str().ok()).filter(|host| host.chars().all(plain));
    let host = host.map(|host| format!(";host=\"{host}\"")).unwrap_or_default();
    if let Ok(value) = HeaderValue::from_str(&format!("for={peer};proto={scheme}{host}")) {
        headers.append(FORWARDED, value);
    }
}

/// The host that the client asked for: `Host`, or the authority of HTTP/2.
pub(super) fn host(parts: &http::request::Parts) -> Option<HeaderValue> {
    let authority = parts.uri.authority().and_then(|a| HeaderValue::from_str(a.as_str()).ok());
    authority.or_else(|| parts.headers.get(HOST).cloned())
}

/// Makes absolute links to the server's base those of the gate, in the fields that carry links.
pub(super) fn rewrite(headers: &mut HeaderMap, from: &str, to: &str) {
    for name in [LOCATION, CONTENT_LOCATION, LINK] {
        let values: Vec<HeaderValue> = headers.get_all(&name).iter().cloned().collect();
        if values.iter().all(|value| rewritten(value, from, to).is_none()) {
            continue;
        }
        let mut own = values.into_iter().map(|v| rewritten(&v, from, to).unwrap_or(v));
        if let Some(first) = own.next() {
            headers.insert(name.clone(), first);
        }
        for further in own {
            headers.append(name.clone(), further);
        }
    }
}

/// The value with every link below `from` made one below `to`; `None` when it has none.
fn rewritten(value: &HeaderValue, from: &str, to: &str) -> Option<HeaderValue> {
    let text = value.to_str().ok()?;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut changed = false;
    while let Some((before, after)) = rest.split_once(from) {
        let ends = after.chars().next().is_none_or(|next| "/?>,; \"#".contains(next));
        out.push_str(before);
        out.push_str(if ends { to } else { from });
        changed |= ends;
        rest = after;
    }
    out.push_str(rest);
    if changed { HeaderValue::from_str(&out).ok() } else { None }
}

/// All values of a field as one list; `Err` when one is no text.
pub(super) fn list(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, ()> {
    let mut whole: Option<String> = None;
    for value in headers.get_all(name) {
        let value = value.to_str().map_err(|_| ())?;
        whole = Some(match whole {
            None => value.to_owned(),
            Some(before) => format!("{before}, {value}"),
        });
    }
    Ok(whole)
}

/// Whether a message with these fields has a body, or says so.
pub(super) fn announce_body(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING)
        || headers
            .get_all(http::header::CONTENT_LENGTH)
            .iter()
            .any(|length| length.as_bytes().trim_ascii() != b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        lines.iter().map(pair).collect()
    }

    #[test]
    fn fields_of_this_connection_stay_and_all_others_pass_in_their_order() {
        let came = map(&[
            ("accept", "x"),
            ("connection", "close, Foo, content-type"),
            ("foo", "1"),
            ("content-type", "application/fhir+json"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("if-match", "W/\"1\""),
        ]);
        let passing = end_to_end(&came);
        let names: Vec<&str> = passing.keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["accept", "content-type", "if-match"]);
    }

    #[test]
    fn every_hop_adds_itself_to_forwarded() {
        let mut headers = map(&[("forwarded", "for=192.0.2.1")]);
        let host = HeaderValue::from_static("gate:8443");
        let plain = ("http", "[2001:db8::1]:5".parse().unwrap());
        forwarded(&mut headers, plain, Some(&host));
        forwarded(&mut headers, ("https", "198.51.100.7:5".parse().unwrap()), None);
        let values: Vec<&HeaderValue> = headers.get_all(FORWARDED).iter().collect();
        assert_eq!(
            values,
            [
                "for=192.0.2.1",
                "for=\"[2001:db8::1]\";proto=http;host=\"gate:8443\"",
                "for=198.51.100.7;proto=https"
            ]
        );
    }

    #[test]
    fn only_links_to_the_base_itself_are_rewritten() {
        let mut headers = map(&[
            ("location", "http://up/fhir/Patient/1"),
            ("link", "<http://up/fhir?page=2>; rel=\"next\", <http://up/fhir2/x>; rel=\"x\""),
            ("content-location", "http://elsewhere/fhir/Patient/1"),
        ]);
        rewrite(&mut headers, "http://up/fhir", "http://gate/fhir");
        let value = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
        assert_eq!(value("location"), "http://gate/fhir/Patient/1");
        assert_eq!(
            value("link"),
            "<http://gate/fhir?page=2>; rel=\"next\", <http://up/fhir2/x>; rel=\"x\""
        );
        assert_eq!(value("content-location"), "http://elsewhere/fhir/Patient/1");
    }
}
