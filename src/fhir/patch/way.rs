//! The small part of FHIRPath that leads to an element: names, `[n]`, `first()`, `last()`, `where(a.b = 'c')`,
//! `extension('url')`.

use serde_json::Value;

use crate::fhir::patch::{PatchFault, schema};

/// One step from the resource to an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Key(String),
    Index(usize),
}

/// Where an element stands in the JSON of a resource.
pub(super) type Place = Vec<Token>;

#[derive(Debug, PartialEq, Eq)]
enum Step<'w> {
    Member(&'w str),
    Nth(usize),
    Last,
    Where(Vec<&'w str>, &'w str),
}

/// A path, read.
#[derive(Debug)]
pub(super) struct Way<'w> {
    steps: Vec<Step<'w>>,
}

/// The value at a place.
pub(super) fn at<'v>(root: &'v Value, place: &[Token]) -> Option<&'v Value> {
    place.iter().try_fold(root, |value, token| match token {
        Token::Key(key) => value.get(key),
        Token::Index(index) => value.get(index),
    })
}

/// The same, to be changed.
pub(super) fn at_mut<'v>(root: &'v mut Value, place: &[Token]) -> Option<&'v mut Value> {
    place.iter().try_fold(root, |value, token| match token {
        Token::Key(key) => value.get_mut(key),
        Token::Index(index) => value.get_mut(index),
    })
}

/// What an element at this place is called: the nearest name, or the resource's type.
pub(super) fn called<'v>(root: &'v Value, place: &'v [Token]) -> &'v str {
    let names = place.iter().rev().find_map(|token| match token {
        Token::Key(key) => Some(key.as_str()),
        Token::Index(_) => None,
    });
    let own = at(root, place).and_then(|value| value.get("resourceType"));
    let own = own.or_else(|| if names.is_none() { root.get("resourceType") } else { None });
    own.and_then(Value::as_str).or(names).unwrap_or_default()
}

impl<'w> Way<'w> {
    /// Reads a path that begins at `resource_type` or at one of its elements.
    pub(super) fn read(path: &'w str, resource_type: &str) -> Result<Self, PatchFault> {
        let mut steps = Vec::new();
        let mut rest = path.trim();
        loop {
            let end = rest.find(['.', '[', '(']).unwrap_or(rest.len());
            let (name, behind) = rest.split_at_checked(end).ok_or(PatchFault::Path)?;
            rest = behind;
            if !is_name(name) {
                return Err(PatchFault::Path);
            }
            match rest.strip_prefix('(') {
                Some(arguments) => rest = function(name, arguments, &mut steps)?,
                None => steps.push(Step::Member(name)),
            }
            while let Some(index) = rest.strip_prefix('[') {
                let (index, behind) = index.split_once(']').ok_or(PatchFault::Path)?;
                let digits = !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit());
                let index = index.parse().ok().filter(|_| digits).ok_or(PatchFault::Path)?;
                steps.push(Step::Nth(index));
                rest = behind;
            }
            match rest.strip_prefix('.') {
                Some(behind) => rest = behind,
                None if rest.is_empty() => break,
                None => return Err(PatchFault::Path),
            }
        }
        match steps.first() {
            Some(Step::Member(first)) if *first == resource_type => {
                steps.remove(0);
            }
            Some(Step::Member(first)) if first.starts_with(|c: char| c.is_ascii_lowercase()) => {}
            _ => return Err(PatchFault::Path),
        }
        Ok(Self { steps })
    }

    /// The elements it leads to.
    pub(super) fn places(&self, root: &Value) -> Result<Vec<Place>, PatchFault> {
        let mut places = vec![Place::new()];
        for step in &self.steps {
            places = follow(root, places, step)?;
        }
        Ok(places)
    }

    /// The one list it leads to, and not its elements; `None` when there is none.
    pub(super) fn list(&self, root: &Value) -> Result<Option<Place>, PatchFault> {
        let Some((Step::Member(name), before)) = self.steps.split_last() else {
            return Err(PatchFault::Path);
        };
        let mut places = vec![Place::new()];
        for step in before {
            places = follow(root, places, step)?;
        }
        let [place] = places.as_slice() else { return Ok(None) };
        let mut place = place.clone();
        place.push(Token::Key((*name).to_owned()));
        Ok(at(root, &place).is_some_and(Value::is_array).then_some(place))
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Reads `arguments)…`; gives what stands behind.
fn function<'w>(
    name: &str,
    arguments: &'w str,
    steps: &mut Vec<Step<'w>>,
) -> Result<&'w str, PatchFault> {
    match name {
        "first" | "last" => {
            steps.push(if name == "first" { Step::Nth(0) } else { Step::Last });
            arguments.trim_start().strip_prefix(')').ok_or(PatchFault::Path)
        }
        "extension" => {
            let (url, behind) = literal(arguments).ok_or(PatchFault::Path)?;
            steps.push(Step::Member("extension"));
            steps.push(Step::Where(vec!["url"], url));
            Ok(behind)
        }
        "where" => {
            let (names, rest) = arguments.split_once('=').ok_or(PatchFault::Path)?;
            let names: Vec<&str> = names.trim().split('.').collect();
            if !names.iter().all(|name| is_name(name)) {
                return Err(PatchFault::Path);
            }
            let (text, behind) = literal(rest).ok_or(PatchFault::Path)?;
            steps.push(Step::Where(names, text));
            Ok(behind)
        }
        _ => Err(PatchFault::Path),
    }
}

/// A text in quotes as the last argument, without escapes, and what stands behind the bracket.
fn literal(arguments: &str) -> Option<(&str, &str)> {
    let (text, behind) = arguments.trim_start().strip_prefix('\'')?.split_once('\'')?;
    let behind = behind.trim_start().strip_prefix(')')?;
    (!text.contains('\\')).then_some((text, behind))
}

fn follow(root: &Value, places: Vec<Place>, step: &Step<'_>) -> Result<Vec<Place>, PatchFault> {
    match step {
        Step::Member(name) => {
            let mut found = Vec::new();
            for place in &places {
                members(root, place, name, &mut found)?;
            }
            Ok(found)
        }
        Step::Nth(index) => Ok(places.into_iter().nth(*index).into_iter().collect()),
        Step::Last => Ok(places.into_iter().next_back().into_iter().collect()),
        Step::Where(names, literal) => {
            let mut kept = Vec::new();
            for place in places {
                let mut inner = vec![place.clone()];
                for name in names {
                    inner = follow(root, inner, &Step::Member(name))?;
                }
                match inner.as_slice() {
                    [] => {}
                    [one] => {
                        if at(root, one).and_then(Value::as_str) == Some(*literal) {
                            kept.push(place);
                        }
                    }
                    // A list never equals a text; servers that compare each differ.
                    _ => return Err(PatchFault::Path),
                }
            }
            Ok(kept)
        }
    }
}

/// The elements `name` of the element at `place`.
fn members(
    root: &Value,
    place: &[Token],
    name: &str,
    found: &mut Vec<Place>,
) -> Result<(), PatchFault> {
    let Some(Value::Object(object)) = at(root, place) else { return Ok(()) };
    let Some(key) = key(object, called(root, place), name)? else { return Ok(()) };
    let own = [place, &[Token::Key(key.to_owned())]].concat();
    match object.get(key) {
        Some(Value::Array(list)) => {
            found.extend((0..list.len()).map(|at| [&own[..], &[Token::Index(at)]].concat()));
        }
        _ => found.push(own),
    }
    Ok(())
}

/// The key under which the JSON has element `name`.
fn key<'o>(
    object: &'o serde_json::Map<String, Value>,
    parent: &str,
    name: &str,
) -> Result<Option<&'o str>, PatchFault> {
    let choice = schema::is_choice(parent, name);
    let mut keys = object.keys().filter(|key| {
        key.strip_prefix(name).is_some_and(|suffix| {
            suffix.is_empty() || choice && suffix.starts_with(|c: char| c.is_ascii_uppercase())
        })
    });
    match (keys.next(), keys.next()) {
        (Some(_), Some(_)) => Err(PatchFault::Path),
        (one, _) => Ok(one.map(String::as_str)),
    }
}
