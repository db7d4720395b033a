//! A path twice: as a strict reader splits it, and as the most generous server resolves it.

use percent_encoding::percent_decode_str;

/// Rounds of decoding; what is still encoded then is meant to deceive.
const ROUNDS: usize = 6;

/// A path beside a base.
pub(super) struct Path<'p> {
    base: &'p str,
    whole: &'p str,
    /// What stands below the base as written, with its slash; `None` when it does not stand below.
    pub(super) below: Option<&'p str>,
}

impl<'p> Path<'p> {
    pub(super) fn new(base: &'p str, whole: &'p str) -> Self {
        let rest = whole.strip_prefix(base).filter(|_| whole.starts_with('/'));
        let below = rest.filter(|rest| rest.is_empty() || rest.starts_with('/'));
        Self { base, whole, below }
    }

    /// The segments below the base as the most generous server sees them; `None` when they lead elsewhere.
    pub(super) fn resolved_below(&self) -> Option<Vec<String>> {
        let base = resolve(self.base)?;
        let whole = resolve(self.whole)?;
        let (head, below) = whole.split_at_checked(base.len())?;
        let same = head.iter().zip(&base).all(|(one, other)| one.eq_ignore_ascii_case(other));
        same.then(|| below.to_vec())
    }
}

/// Decodes as often as there is something to decode, takes `\` for `/`, drops path parameters, empty segments
/// and dots. `None` when it climbs above the root, or is encoded more often than anybody decodes.
pub(super) fn resolve(path: &str) -> Option<Vec<String>> {
    let mut text = path.to_owned();
    let mut rounds = 0;
    loop {
        let decoded = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if decoded == text {
            break;
        }
        rounds += 1;
        if rounds > ROUNDS {
            return None;
        }
        text = decoded;
    }
    let mut segments: Vec<String> = Vec::new();
    for segment in text.split(['/', '\\']) {
        let segment = segment.split(';').next().unwrap_or_default();
        match segment.trim_matches(|c: char| c.is_whitespace() || c.is_control()) {
            "" | "." => {}
            ".." => {
                segments.pop()?;
            }
            name => segments.push(name.to_owned()),
        }
    }
    Some(segments)
}

/// The segments of what stands below the base, decoded once; one slash at the end says nothing. `None` when
/// another reader could see other segments.
pub(super) fn segments(below: &str) -> Option<Vec<String>> {
    let Some(inner) = below.strip_prefix('/') else { return Some(Vec::new()) };
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    if inner.is_empty() {
        return (below == "/").then(Vec::new);
    }
    inner.split('/').map(segment).collect()
}

fn segment(raw: &str) -> Option<String> {
    let escapes = raw.split('%').skip(1);
    let sound = |escape: &str| {
        let digits = escape.as_bytes().first_chunk::<2>();
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !escapes.into_iter().all(sound) {
        return None;
    }
    let decoded = percent_decode_str(raw).decode_utf8().ok()?;
    let odd = |c: char| matches!(c, '/' | '\\' | '%' | ';' | '?' | '#') || c.is_control();
    let dots = decoded.chars().all(|c| c == '.' || c.is_whitespace());
    (!dots && !decoded.contains(odd)).then(|| decoded.into_owned())
}
