//! Where references lead: into the resource itself, into its Bundle, or to what has been looked up.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::mapping::fhir::Found;
use crate::mapping::fhir::model::Systems;
use crate::mapping::fhir::read::values::Identifier;
use crate::mapping::fhir::read::{Certain, LISTED_MAX, Reader};
use crate::mapping::reading::Doubt;

/// A `Reference`, or that of a `CodeableReference`.
#[derive(Debug)]
pub(super) struct Reference<'v> {
    /// As written.
    pub(super) text: Option<&'v str>,
    pub(super) identifier: Option<Identifier<'v>>,
    pub(super) display: Option<&'v str>,
    /// The type of what it points at, as far as it says so.
    pub(super) kind: Option<&'v str>,
}

/// What a reference points at.
pub(super) enum Target<'v> {
    Resource(Held<'v>),
    /// Nobody knows, or nobody has asked.
    Unknown,
}

/// A resource of the body, or one that was looked up.
pub(super) enum Held<'v> {
    Here(&'v Value),
    There(Arc<Value>),
}

impl Deref for Held<'_> {
    type Target = Value;

    fn deref(&self) -> &Value {
        match self {
            Self::Here(value) => value,
            Self::There(value) => value,
        }
    }
}

/// The type of a resource.
pub(super) fn type_of(resource: &Value) -> Option<&str> {
    resource.get("resourceType").and_then(Value::as_str)
}

/// `Type` and `id` of a literal reference, relative or absolute, whatever version it names.
pub(super) fn literal(text: &str) -> Option<(&str, &str)> {
    let text = text.split_once("/_history/").map_or(text, |(before, _)| before);
    let (before, id) = text.rsplit_once('/')?;
    let kind = match before.rsplit_once('/') {
        Some((base, kind)) if is_absolute(base) => kind,
        Some(_) => return None,
        None => before,
    };
    let named = kind.bytes().next().is_some_and(|b| b.is_ascii_uppercase())
        && kind.bytes().all(|b| b.is_ascii_alphabetic());
    let id_like = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let plain = id.bytes().any(|b| b != b'.') && id.bytes().all(id_like);
    (named && plain).then_some((kind, id))
}

/// Whether it names its server.
pub(super) fn is_absolute(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// A reference found inside what `outer` leads to: relative ones are of the same server.
pub(super) fn seen_from<'t>(outer: &str, inner: &'t str) -> Cow<'t, str> {
    if is_absolute(outer)
        && !is_absolute(inner)
        && literal(inner).is_some()
        && let Some((kind, _)) = literal(outer)
        && let Some((base, _)) = outer.rsplit_once(&format!("/{kind}/"))
    {
        return Cow::Owned(format!("{base}/{inner}"));
    }
    Cow::Borrowed(inner)
}

/// `Type?identifier=system|value`: a search that a transaction makes a reference of.
pub(super) fn searched(text: &str) -> Option<(&str, String, String)> {
    let (kind, query) = text.split_once('?')?;
    let wanted = query.strip_prefix("identifier=").filter(|wanted| !wanted.contains('&'))?;
    let wanted = percent_decode_str(wanted).decode_utf8().ok()?;
    let (system, value) = wanted.rsplit_once('|')?;
    Some((kind, system.to_owned(), value.to_owned()))
}

impl<'r> Reader<'r> {
    /// A Reference with something in it; that of a CodeableReference.
    pub(super) fn reference<'v>(&self, value: &'v Value) -> Certain<Option<Reference<'v>>> {
        let value = match self.member(value, "reference")? {
            Some(inner @ Value::Object(_)) => inner,
            _ => value,
        };
        let text = self.text_in(value, "reference")?;
        let identifier = match self.member(value, "identifier")? {
            Some(identifier) => self.identifier(identifier)?,
            None => None,
        };
        let display = self.text_in(value, "display")?;
        let said = self.text_in(value, "type")?.and_then(|said| said.rsplit('/').next());
        if text.is_none() && identifier.is_none() && display.is_none() {
            return Ok(None);
        }
        let written = text.and_then(|text| {
            let asked = || text.split_once('?').map(|(kind, _)| kind);
            literal(text).map(|(kind, _)| kind).or_else(asked)
        });
        Ok(Some(Reference { text, identifier, display, kind: written.or(said) }))
    }

    /// What `text` points at. `wanted`: it is worth looking up.
    pub(super) fn target(&self, text: &str, wanted: bool) -> Certain<Target<'r>> {
        if let Some(id) = text.strip_prefix('#')
            && let Some(contained) = self.contained(id)?
        {
            return Ok(Target::Resource(Held::Here(contained)));
        }
        match self.context.references.find(text) {
            Found::Resource(resource) => {
                // What has another type than the reference says is not what it points at.
                let right = literal(text).is_none_or(|(kind, _)| type_of(&resource) == Some(kind));
                Ok(if right { Target::Resource(Held::There(resource)) } else { Target::Unknown })
            }
            Found::Nothing => Ok(Target::Unknown),
            Found::NotAsked => {
                let mut unresolved = self.unresolved.borrow_mut();
                let known = unresolved.iter().any(|known| known == text);
                if wanted
                    && self.strict()
                    && !known
                    && !text.starts_with('#')
                    && unresolved.len() < LISTED_MAX
                {
                    unresolved.push(text.to_owned());
                }
                Ok(Target::Unknown)
            }
        }
    }

    /// The resource of this id inside the one that is read.
    fn contained(&self, id: &str) -> Certain<Option<&'r Value>> {
        let inside = self.array_in(self.subject.resource, "contained")?;
        let mut found = inside.iter().filter(|r| r.get("id").and_then(Value::as_str) == Some(id));
        let first = found.next();
        if self.strict() && found.next().is_some() {
            return Err(self.doubt(Doubt::Reference, Some(".contained")));
        }
        Ok(first)
    }

    /// What somebody or something is called here: the identifier of a configured system, else the
    /// logical id, else any identifier, else the text beside. Looked up only for configured systems.
    pub(super) fn called(
        &self,
        reference: &Reference<'_>,
        systems: &Systems,
    ) -> Certain<Option<String>> {
        let given = reference.identifier.map(|identifier| identifier.value.to_owned());
        let Some(text) = reference.text else {
            return Ok(given.or(reference.display.map(str::to_owned)));
        };
        let own = reference.identifier.filter(|i| systems.rank(i.system).is_some());
        if let Target::Resource(resource) = self.target(text, !systems.is_empty())? {
            self.not_another(reference, &resource)?;
            if let Some(known) = self.identified(&resource, systems)? {
                return Ok(Some(known));
            }
            if literal(text).is_none() {
                let mut any = self.array_in(&resource, "identifier")?.iter();
                let any = any.find_map(|i| self.identifier(i).ok().flatten());
                let named = self.text_in(&resource, "name").ok().flatten();
                let said = any.map(|identifier| identifier.value).or(named);
                return Ok(said.map(str::to_owned).or(given).or_else(|| Some(text.to_owned())));
            }
        }
        if let Some(own) = own {
            return Ok(Some(own.value.to_owned()));
        }
        let id = literal(text).map(|(_, id)| id.to_owned());
        let display = reference.display.map(str::to_owned);
        Ok(id.or(given).or(display).or_else(|| Some(text.to_owned())))
    }

    /// The identifier of `resource` in the first of `systems` that it has; old ones do not count.
    pub(super) fn identified(
        &self,
        resource: &Value,
        systems: &Systems,
    ) -> Certain<Option<String>> {
        let mut best: Option<(usize, &str)> = None;
        for value in self.array_in(resource, "identifier")? {
            let Some(identifier) = self.identifier(value)? else { continue };
            let Some(rank) = systems.rank(identifier.system) else { continue };
            let old = self.text_in(value, "use")? == Some("old");
            if !old && best.is_none_or(|(known, _)| rank < known) {
                best = Some((rank, identifier.value));
            }
        }
        Ok(best.map(|(_, value)| value.to_owned()))
    }

    /// The identifier beside a reference is one of what it points at, where that can be told.
    pub(super) fn not_another(&self, reference: &Reference<'_>, at: &Value) -> Certain<()> {
        let Some(beside) = reference.identifier.filter(|i| i.system.is_some()) else {
            return Ok(());
        };
        let mut others = false;
        for value in self.array_in(at, "identifier")? {
            let Some(identifier) = self.identifier(value)? else { continue };
            if identifier.system == beside.system {
                if identifier.value == beside.value {
                    return Ok(());
                }
                others = true;
            }
        }
        if others && self.strict() { Err(self.doubt(Doubt::Persons, None)) } else { Ok(()) }
    }
}
