//! Content codings undone within a limit: what is behind their end is seen, and nothing grows beyond it.

use std::borrow::Cow;

use brotli::enc::StandardAlloc;
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState};
use flate2::{Decompress, FlushDecompress, Status};

/// Codings in a row; more is no request of a real client.
const CODINGS_MAX: usize = 3;
/// How much is decoded at a time.
const PIECE: usize = 16 * 1024;

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

impl CodingFault {
    /// A short name, the same for ever.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "fhir-coding-unknown",
            Self::Broken => "fhir-coding-broken",
            Self::TooLong => "fhir-coding-too-long",
        }
    }

    /// What is wrong and what to do, in Chinese.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Unknown => "无法识别的Content-Encoding，请用gzip、deflate、br或不压缩发送",
            Self::Broken => "压缩正文已损坏或末尾有多余内容，请重新发送",
            Self::TooLong => "解压后的正文过长，请拆分发送或调高max_body_kib",
        }
    }

    /// The same in English.
    pub fn english(self) -> &'static str {
        match self {
            Self::Unknown => {
                "the Content-Encoding is not known here; send gzip, deflate, br or no coding"
            }
            Self::Broken => {
                "the coded body is damaged or has something behind its end; send it again"
            }
            Self::TooLong => "the decoded body is too long; split it or raise max_body_kib",
        }
    }
}

#[derive(Clone, Copy)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
}

/// Undoes Content-Encoding (`identity`, `gzip`, `deflate`, `br`; in a row as the header lists them, several header
/// lines joined by commas) up to `limit` bytes. A body without a coding is handed back as it is.
///
/// # Errors
/// When it cannot be undone with certainty.
pub fn decode<'b>(
    content_encoding: Option<&str>,
    body: &'b [u8],
    limit: usize,
) -> Result<Cow<'b, [u8]>, CodingFault> {
    let codings = codings(content_encoding.unwrap_or_default())?;
    if body.len() > limit {
        return Err(CodingFault::TooLong);
    }
    let mut decoded = Cow::Borrowed(body);
    for coding in codings.into_iter().rev() {
        decoded = Cow::Owned(match coding {
            Coding::Gzip => gzip(&decoded, limit)?,
            Coding::Deflate => deflate(&decoded, limit)?,
            Coding::Brotli => brotli(&decoded, limit)?,
        });
    }
    Ok(decoded)
}

fn codings(header: &str) -> Result<Vec<Coding>, CodingFault> {
    let mut codings = Vec::new();
    for name in header.split(',').map(|name| name.trim_matches([' ', '\t'])) {
        match name.to_ascii_lowercase().as_str() {
            "" | "identity" => {}
            "gzip" | "x-gzip" => codings.push(Coding::Gzip),
            "deflate" => codings.push(Coding::Deflate),
            "br" => codings.push(Coding::Brotli),
            _ => return Err(CodingFault::Unknown),
        }
    }
    if codings.len() > CODINGS_MAX { Err(CodingFault::Unknown) } else { Ok(codings) }
}

/// RFC 1950, and nothing behind it.
fn deflate(body: &[u8], limit: usize) -> Result<Vec<u8>, CodingFault> {
    let mut out = Vec::new();
    let end = inflate(Decompress::new(true), body, limit, &mut out)?;
    if end == body.len() { Ok(out) } else { Err(CodingFault::Broken) }
}

/// RFC 1952: one member or several, each whole, and nothing behind the last.
fn gzip(body: &[u8], limit: usize) -> Result<Vec<u8>, CodingFault> {
    use std::io::Read as _;
    let mut out = Vec::new();
    let mut rest = body;
    loop {
        // A reader over a slice takes no byte behind the member's end.
        let mut member = flate2::bufread::GzDecoder::new(rest);
        let left = u64::try_from(limit - out.len()).unwrap_or(u64::MAX);
        let read = (&mut member).take(left.saturating_add(1)).read_to_end(&mut out);
        read.map_err(|_| CodingFault::Broken)?;
        if out.len() > limit {
            return Err(CodingFault::TooLong);
        }
        let behind = member.into_inner();
        if behind.len() == rest.len() {
            return Err(CodingFault::Broken);
        }
        rest = behind;
        if rest.is_empty() {
            return Ok(out);
        }
    }
}

/// Inflates until the stream ends; gives how much of `body` it took.
fn inflate(
    mut stream: Decompress,
    body: &[u8],
    limit: usize,
    out: &mut Vec<u8>,
) -> Result<usize, CodingFault> {
    let mut piece = vec![0; PIECE];
    loop {
        let (taken, made) = (stream.total_in(), stream.total_out());
        let at = usize::try_from(taken).unwrap_or(usize::MAX);
        let rest = body.get(at..).unwrap_or_default();
        let status = stream
            .decompress(rest, &mut piece, FlushDecompress::None)
            .map_err(|_| CodingFault::Broken)?;
        let new = usize::try_from(stream.total_out() - made).unwrap_or(usize::MAX);
        out.extend_from_slice(piece.get(..new).unwrap_or_default());
        if out.len() > limit {
            return Err(CodingFault::TooLong);
        }
        if status == Status::StreamEnd {
            return Ok(usize::try_from(stream.total_in()).unwrap_or(usize::MAX));
        }
        if new == 0 && stream.total_in() == taken {
            return Err(CodingFault::Broken);
        }
    }
}

/// RFC 7932 without the large windows that were added later, and nothing behind its end.
fn brotli(body: &[u8], limit: usize) -> Result<Vec<u8>, CodingFault> {
    let alloc = StandardAlloc::default;
    let mut state = BrotliState::new_strict(alloc(), alloc(), alloc());
    let mut out = Vec::new();
    let mut piece = vec![0; PIECE];
    let (mut available, mut taken, mut total) = (body.len(), 0, 0);
    loop {
        let (mut room, mut made) = (piece.len(), 0);
        let result = BrotliDecompressStream(
            &mut available,
            &mut taken,
            body,
            &mut room,
            &mut made,
            &mut piece,
            &mut total,
            &mut state,
        );
        out.extend_from_slice(piece.get(..made).unwrap_or_default());
        if out.len() > limit {
            return Err(CodingFault::TooLong);
        }
        match result {
            BrotliResult::ResultSuccess if available == 0 => return Ok(out),
            BrotliResult::NeedsMoreOutput => {}
            _ => return Err(CodingFault::Broken),
        }
    }
}
