//! An uploaded file: `multipart/form-data` (RFC 7578), read whole and bounded, from bytes that nobody vouches for.

use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use memchr::memmem;
use tokio::time::timeout;

/// The longest upload: the grants of a large hospital as a workbook are a tenth of it. Larger ones go by the command.
pub(super) const UPLOAD_MAX: usize = 16 * 1024 * 1024;
/// How long it may take to come.
const WITHIN: Duration = Duration::from_secs(60);
/// Parts of one form; ours has four.
const PARTS_MAX: usize = 16;
/// A part's own headers.
const HEAD_MAX: usize = 4096;

/// One field of the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    /// Of a file.
    pub(super) file: Option<String>,
    pub(super) bytes: Bytes,
}

/// The fields of an uploaded form; `None` when it is none, is too long, or does not come whole.
pub(super) async fn read(headers: &HeaderMap, body: Body) -> Option<Vec<Part>> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let boundary = boundary(kind)?;
    let whole = timeout(WITHIN, Limited::new(body, UPLOAD_MAX).collect()).await.ok()?.ok()?;
    parts(&whole.to_bytes(), &boundary)
}

/// The boundary that the head of the request names.
fn boundary(kind: &str) -> Option<String> {
    let (form, rest) = kind.split_once(';')?;
    if !form.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let named = rest.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = named.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    let value = value.trim_matches('"');
    (1..=70).contains(&value.len()).then(|| value.to_owned())
}

/// Every part up to the closing boundary; a form that does not end was cut off.
fn parts(whole: &Bytes, boundary: &str) -> Option<Vec<Part>> {
    let mark = format!("\r\n--{boundary}");
    let finder = memmem::Finder::new(mark.as_bytes());
    // The first boundary has no line end before it.
    let opening = mark.get(2..)?.as_bytes();
    if !whole.starts_with(opening) {
        return None;
    }
    let mut at = opening.len();
    let mut found = Vec::new();
    loop {
        let rest = whole.get(at..)?;
        if rest.starts_with(b"--") {
            return Some(found);
        }
        if !rest.starts_with(b"\r\n") || found.len() >= PARTS_MAX {
            return None;
        }
        let begin = at + 2;
        let end = begin.checked_sub(2)? + finder.find(rest)?;
        // A part without any head begins with an empty line, whose end the boundary may share.
        let part = whole.slice(begin.min(end)..end);
        found.push(one(&part)?);
        at = end + mark.len();
    }
}

fn one(part: &Bytes) -> Option<Part> {
    let end = memmem::find(part.get(..part.len().min(HEAD_MAX))?, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(part.get(..end)?);
    let mut lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let named = lines.find(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"));
    let (_, disposition) = named?;
    let value = |name: &str| {
        let start = format!("{name}=\"");
        let pieces = disposition.split(';').map(str::trim);
        let mut values = pieces.filter_map(|piece| piece.strip_prefix(start.as_str()));
        values.next().map(|value| value.trim_end_matches('"').to_owned())
    };
    Some(Part { name: value("name")?, file: value("filename"), bytes: part.slice(end + 4..) })
}

/// The text of a field; empty when there is none.
pub(super) fn text<'p>(parts: &'p [Part], name: &str) -> &'p str {
    let part = parts.iter().find(|part| part.name == name);
    part.and_then(|part| str::from_utf8(&part.bytes).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn form(fields: &[(&str, Option<&str>, &[u8])], boundary: &str) -> Bytes {
        let mut out = Vec::new();
        for (name, file, bytes) in fields {
            let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
            out.extend(format!("--{boundary}\r\n").bytes());
            out.extend(
                format!("Content-Disposition: form-data; name=\"{name}\"{file}\r\n").bytes(),
            );
            out.extend(b"\r\n");
            out.extend(*bytes);
            out.extend(b"\r\n");
        }
        out.extend(format!("--{boundary}--\r\n").bytes());
        out.into()
    }

    #[test]
    fn fields_and_files_come_out_as_they_went_in() {
        let bytes =
            form(&[("word", None, b"w"), ("file", Some("授权.csv"), b"a,b\r\n--x\r\n")], "xy");
        let parts = parts(&bytes, "xy").unwrap();
        assert_eq!(text(&parts, "word"), "w");
        assert_eq!(parts[1].file.as_deref(), Some("授权.csv"));
        assert_eq!(&*parts[1].bytes, b"a,b\r\n--x\r\n");
    }

    #[test]
    fn a_form_that_is_cut_off_is_none() {
        let whole = form(&[("file", Some("f"), b"content")], "xy");
        for end in 0..whole.len() - 4 {
            assert_eq!(parts(&whole.slice(..end), "xy"), None, "{end}");
        }
    }

    #[test]
    fn the_boundary_stands_in_the_head() {
        assert_eq!(boundary("multipart/form-data; boundary=\"a b\"").as_deref(), Some("a b"));
        for bad in
            ["text/plain; boundary=x", "multipart/form-data", "multipart/form-data; boundary="]
        {
            assert_eq!(boundary(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_form_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parts(&bytes.clone().into(), "x");
            let _ = parts(&[b"--x\r\n".as_slice(), &bytes, b"\r\n--x--"].concat().into(), "x");
        }

        #[test]
        fn what_is_written_is_read(content in proptest::collection::vec(any::<u8>(), 0..200)) {
            let bytes = form(&[("f", Some("n"), &content)], "BOUNDARY-7d3");
            prop_assert_eq!(&*parts(&bytes, "BOUNDARY-7d3").unwrap()[0].bytes, content.as_slice());
        }
    }
}
