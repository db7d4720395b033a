//! Requests and answers as the ledger keeps them: the start line, what says how to read the body, and the body.
//!
//! Who asked (authorization, cookies) is not kept.

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, Version};

/// The fields of a request that are kept.
const KEPT: [HeaderName; 2] = [CONTENT_TYPE, CONTENT_ENCODING];
/// A head that is read back holds no more than this.
const HEAD_MAX: usize = 64 * 1024;

/// A request with its body as it came.
pub(super) fn request(parts: &Parts, body: &[u8]) -> Bytes {
    let target = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let fields = KEPT.iter().flat_map(|name| {
        parts.headers.get_all(name).iter().map(move |value| (name.as_str(), value.as_bytes()))
    });
    written(&format!("{} {target} HTTP/1.1", parts.method), fields, body)
}

/// An entry of a batch, as the request it stands for.
pub(super) fn entry(method: &str, target: &str, body: &[u8]) -> Bytes {
    let field = ("content-type", b"application/fhir+json".as_slice());
    let fields = (!body.is_empty()).then_some(field);
    written(&format!("{method} {target} HTTP/1.1"), fields.into_iter(), body)
}

/// An answer of the gate.
pub(super) fn answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Bytes {
    let reason = status.canonical_reason().unwrap_or_default();
    let fields = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    written(&format!("HTTP/1.1 {} {reason}", status.as_str()), fields, body)
}

fn written<'f>(
    start: &str,
    fields: impl Iterator<Item = (&'f str, &'f [u8])>,
    body: &[u8],
) -> Bytes {
    let mut out = BytesMut::with_capacity(start.len() + body.len() + 128);
    out.put_slice(start.as_bytes());
    out.put_slice(b"\r\n");
    for (name, value) in fields {
        out.put_slice(name.as_bytes());
        out.put_slice(b": ");
        out.put_slice(value);
        out.put_slice(b"\r\n");
    }
    out.put_slice(b"\r\n");
    out.put_slice(body);
    out.freeze()
}

/// An answer, read back.
pub(super) fn read_answer(recorded: &Bytes) -> Option<Response<Bytes>> {
    let (start, headers, body) = taken_apart(recorded)?;
    let status = start.strip_prefix("HTTP/1.1 ")?.get(..3)?;
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_bytes(status.as_bytes()).ok()?;
    *response.headers_mut() = headers;
    Some(response)
}

/// A request, read back; `None` where it does not begin like one.
pub(super) fn read_request(recorded: &Bytes) -> Option<http::Request<Bytes>> {
    let (start, headers, body) = taken_apart(recorded)?;
    let mut words = start.split(' ');
    let method = Method::from_bytes(words.next()?.as_bytes()).ok()?;
    let target: Uri = words.next()?.parse().ok()?;
    words.next().filter(|version| version.starts_with("HTTP/"))?;
    let mut request = http::Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = target;
    *request.version_mut() = Version::HTTP_11;
    *request.headers_mut() = headers;
    Some(request)
}

fn taken_apart(recorded: &Bytes) -> Option<(&str, HeaderMap, Bytes)> {
    let head_end = recorded.windows(4).take(HEAD_MAX).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(recorded.get(..head_end)?).ok()?;
    let mut lines = head.split("\r\n");
    let start = lines.next()?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_str(value.trim()).ok()?);
    }
    Some((start, headers, recorded.slice(head_end + 4..)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_back_as_it_was_written() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/fhir+json"));
        let recorded = answer(StatusCode::UNPROCESSABLE_ENTITY, &headers, b"{\r\n\r\n}");
        assert!(recorded.starts_with(b"HTTP/1.1 422 Unprocessable Entity\r\n"));
        let read = read_answer(&recorded).unwrap();
        assert_eq!(read.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(read.headers(), &headers);
        assert_eq!(read.body().as_ref(), b"{\r\n\r\n}");
    }

    #[test]
    fn a_request_keeps_what_says_how_to_read_it_and_not_who_asked() {
        let (parts, ()) = http::Request::builder()
            .method("POST")
            .uri("http://gate/fhir/ServiceRequest?x=1")
            .header("authorization", "Bearer secret")
            .header("content-type", "application/fhir+json")
            .header("content-encoding", "gzip")
            .body(())
            .unwrap()
            .into_parts();
        let recorded = request(&parts, b"{}");
        let text = std::str::from_utf8(&recorded).unwrap();
        assert_eq!(
            text,
            "POST /fhir/ServiceRequest?x=1 HTTP/1.1\r\ncontent-type: application/fhir+json\r\n\
             content-encoding: gzip\r\n\r\n{}"
        );
        let read = read_request(&recorded).unwrap();
        assert_eq!((read.method().as_str(), read.uri().path()), ("POST", "/fhir/ServiceRequest"));
        assert!(read_request(&Bytes::from_static(b"{\"resourceType\":\"x\"}")).is_none());
    }
}
