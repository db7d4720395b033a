//! Places of FHIR mapping files: JSONPath (RFC 9535), compiled once; every step says of what JSON type its value must be.

use serde_json::Value;
use serde_json_path::{JsonPath, PathElement};

/// A compiled path. Names and `[*]` are walked here; any other step is left to the JSONPath library.
#[derive(Debug)]
pub(super) struct Path {
    steps: Vec<Step>,
    /// It can lead to several values.
    pub(super) many: bool,
    /// A text may stand there where FHIR has a concept, a reference or an identifier: the path goes
    /// into one, or to the logical id. The members of the resource itself are what FHIR says.
    pub(super) inside: bool,
}

#[derive(Debug)]
enum Step {
    /// `.name`: of an object.
    Member(Box<str>),
    /// `[*]`: every element of an array.
    Every,
    /// A filter, an index, a slice, a descent; `array`: only arrays can have it.
    Query { path: JsonPath, array: bool },
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node<'v> {
    pub(super) value: &'v Value,
    /// What stands behind the path of the resource: `.performer[0]`; empty unless asked for.
    pub(super) place: String,
}

/// A value on the way was of another JSON type than the path says.
#[derive(Debug)]
pub(super) struct WrongType {
    /// Where it stands, like [`Node::place`].
    pub(super) place: String,
}

/// How a path is walked.
#[derive(Clone, Copy)]
pub(super) struct Walk {
    /// Places are wanted.
    pub(super) places: bool,
    /// A wrong JSON type is told; else the value is passed over.
    pub(super) strict: bool,
    /// No more values than these are gathered, and one more, so that it shows.
    pub(super) most: usize,
}

impl Path {
    /// Compiles `text`; what is wrong with it and what to write instead.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let whole = text.trim();
        if let Err(error) = JsonPath::parse(whole) {
            return Err(format!(
                "`{whole}` is no JSONPath ({error}); write the way from the resource, for example \
                 $.code, $.performer[*], $.identifier[?@.system == 'urn:x'].value"
            ));
        }
        let (mut steps, mut rest) = (Vec::new(), whole.trim_start_matches('$'));
        while let Some(segment) = segment(rest) {
            let (this, behind) = rest.split_at_checked(segment).unwrap_or((rest, ""));
            rest = behind.trim_start();
            steps.push(step(this.trim())?);
        }
        let one = |step: &Step| matches!(step, Step::Member(_));
        let many = !steps.iter().all(one);
        let inside = match steps.as_slice() {
            [Step::Member(name)] => **name == *"id",
            [.., Step::Member(_)] => true,
            _ => false,
        };
        Ok(Self { steps, many, inside })
    }

    /// The values that the path leads to.
    pub(super) fn nodes<'v>(
        &self,
        root: &'v Value,
        walk: Walk,
    ) -> Result<Vec<Node<'v>>, WrongType> {
        match self.walk(root, walk) {
            // Where it stood is worked out only when it is told.
            Err(_) if !walk.places => self.walk(root, Walk { places: true, ..walk }),
            found => found,
        }
    }

    fn walk<'v>(&self, root: &'v Value, walk: Walk) -> Result<Vec<Node<'v>>, WrongType> {
        let mut nodes = vec![Node { value: root, place: String::new() }];
        for step in &self.steps {
            nodes = step.from(nodes, walk)?;
            if nodes.is_empty() {
                break;
            }
        }
        Ok(nodes)
    }
}

impl Step {
    fn from<'v>(&self, nodes: Vec<Node<'v>>, walk: Walk) -> Result<Vec<Node<'v>>, WrongType> {
        let mut found = Vec::new();
        for mut node in nodes {
            match (self, node.value) {
                (Self::Member(name), Value::Object(members)) => {
                    if let Some(value) = members.get(&**name) {
                        if walk.places {
                            node.place.push('.');
                            node.place.push_str(name);
                        }
                        node.value = value;
                        found.push(node);
                    }
                }
                (Self::Every, Value::Array(elements)) => {
                    for (index, value) in elements.iter().enumerate().take(walk.most + 1) {
                        let place = indexed(&node.place, index, walk);
                        found.push(Node { value, place });
                    }
                }
                (Self::Query { array: false, path }, Value::Object(_) | Value::Array(_))
                | (Self::Query { array: true, path }, Value::Array(_)) => {
                    found.append(&mut queried(path, &node, walk));
                }
                _ if walk.strict => return Err(WrongType { place: node.place }),
                _ => {}
            }
            if found.len() > walk.most {
                break;
            }
        }
        Ok(found)
    }
}

fn indexed(place: &str, index: usize, walk: Walk) -> String {
    if walk.places { format!("{place}[{index}]") } else { String::new() }
}

fn queried<'v>(path: &JsonPath, node: &Node<'v>, walk: Walk) -> Vec<Node<'v>> {
    if !walk.places {
        let found = path.query(node.value).into_iter().take(walk.most + 1);
        return found.map(|value| Node { value, place: String::new() }).collect();
    }
    let found = path.query_located(node.value).into_iter().take(walk.most + 1);
    let located = found.map(|found| {
        let mut place = node.place.clone();
        for element in found.location().iter() {
            match element {
                PathElement::Name(name) => {
                    place.push('.');
                    place.push_str(name);
                }
                PathElement::Index(index) => place = indexed(&place, *index, walk),
            }
        }
        Node { value: found.node(), place }
    });
    located.collect()
}

/// How long the first step of `text` is; `None` at the end.
fn segment(text: &str) -> Option<usize> {
    if text.is_empty() {
        return None;
    }
    // The dots of a descent are one step with what follows them.
    let dots = text.bytes().take_while(|b| *b == b'.').count();
    let behind = || text.bytes().enumerate().skip(dots);
    if behind().next().is_none_or(|(_, first)| first != b'[') {
        let end = behind().find(|(_, b)| matches!(b, b'.' | b'[') || b.is_ascii_whitespace());
        return Some(end.map_or(text.len(), |(at, _)| at));
    }
    let (mut depth, mut quotes) = (0_usize, Quotes::default());
    for (at, byte) in behind() {
        if quotes.hold(byte) {
            continue;
        }
        match byte {
            b'[' => depth += 1,
            b']' if depth <= 1 => return Some(at + 1),
            b']' => depth -= 1,
            _ => {}
        }
    }
    Some(text.len())
}

/// Tells what stands between quotes.
#[derive(Default)]
struct Quotes {
    open: Option<u8>,
    escaped: bool,
}

impl Quotes {
    /// Whether `byte`, the next of the text, is a quote or stands between two.
    fn hold(&mut self, byte: u8) -> bool {
        match self.open {
            Some(_) if self.escaped => self.escaped = false,
            Some(_) if byte == b'\\' => self.escaped = true,
            Some(open) if byte == open => self.open = None,
            Some(_) => {}
            None if matches!(byte, b'\'' | b'"') => self.open = Some(byte),
            None => return false,
        }
        true
    }
}

fn step(text: &str) -> Result<Step, String> {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).map(str::trim);
    if inner == Some("*") {
        return Ok(Step::Every);
    }
    let plain = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let dotted = text.strip_prefix('.').filter(|name| plain(name));
    let quoted = inner.and_then(|inner| {
        let bare = inner.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        bare.or_else(|| inner.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')))
    });
    if let Some(name) = dotted.or(quoted.filter(|name| plain(name))) {
        return Ok(Step::Member(name.into()));
    }
    if inner.is_some_and(refers_to_root) {
        return Err(format!(
            "`{text}` looks at the whole resource; inside [ ] only what is filtered can be looked \
             at: write @ instead of $"
        ));
    }
    let path = JsonPath::parse(&format!("${text}"));
    let path = path.map_err(|error| format!("the step `{text}` is not understood ({error})"))?;
    let number = |inner: &str| inner.bytes().all(|b| b.is_ascii_digit() || b" -,:".contains(&b));
    let array = inner.is_some_and(|inner| inner.starts_with('?') || number(inner));
    Ok(Step::Query { path, array })
}

/// Whether a `$` stands outside quotes.
fn refers_to_root(text: &str) -> bool {
    let mut quotes = Quotes::default();
    text.bytes().any(|byte| !quotes.hold(byte) && byte == b'$')
}
