//! Texts, codes and identifiers out of places, each of the JSON type it must be.

use serde_json::Value;

use crate::mapping::fhir::path::Path;
use crate::mapping::fhir::read::{Certain, Reader, VALUES_MAX};
use crate::mapping::reading::Doubt;
use crate::mapping::terms::trim;

/// One `Coding`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Coding<'v> {
    pub(super) system: Option<&'v str>,
    pub(super) code: &'v str,
    pub(super) display: Option<&'v str>,
}

/// A `CodeableConcept`, or what stands for one.
#[derive(Debug, Default)]
pub(super) struct Concept<'v> {
    /// Those with a code, in order.
    pub(super) codings: Vec<Coding<'v>>,
    /// Its text, else that of the first coding.
    pub(super) text: Option<&'v str>,
    /// What stands before `.coding`: nothing, or `.concept`.
    pub(super) inside: &'static str,
}

/// An `Identifier`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identifier<'v> {
    pub(super) system: Option<&'v str>,
    pub(super) value: &'v str,
}

impl Reader<'_> {
    /// A member of an object.
    pub(super) fn member<'v>(&self, of: &'v Value, name: &str) -> Certain<Option<&'v Value>> {
        match of {
            Value::Object(members) => Ok(members.get(name)),
            _ => self.wrong(),
        }
    }

    /// A text, trimmed; blank is none.
    pub(super) fn text<'v>(&self, value: &'v Value) -> Certain<Option<&'v str>> {
        match value {
            Value::String(text) => Ok(Some(trim(text)).filter(|text| !text.is_empty())),
            _ => self.wrong(),
        }
    }

    /// A member that is a text.
    pub(super) fn text_in<'v>(&self, of: &'v Value, name: &str) -> Certain<Option<&'v str>> {
        match self.member(of, name)? {
            Some(value) => self.text(value),
            None => Ok(None),
        }
    }

    /// A member that is an array; without it, nothing.
    pub(super) fn array_in<'v>(&self, of: &'v Value, name: &str) -> Certain<&'v [Value]> {
        match self.member(of, name)? {
            Some(Value::Array(elements)) if elements.len() > VALUES_MAX => {
                self.too_many(elements.len())?;
                Ok(elements.get(..VALUES_MAX).unwrap_or_default())
            }
            Some(Value::Array(elements)) => Ok(elements),
            Some(_) => Ok(self.wrong()?.unwrap_or_default()),
            None => Ok(&[]),
        }
    }

    /// A CodeableConcept, the one of a CodeableReference, a Coding, or a code.
    pub(super) fn concept<'v>(&self, value: &'v Value) -> Certain<Concept<'v>> {
        if let Value::String(_) = value {
            let code = self.text(value)?;
            let codings = code.map(|code| Coding { code, ..Coding::default() });
            return Ok(Concept { codings: codings.into_iter().collect(), ..Concept::default() });
        }
        let inner = self.member(value, "concept")?;
        let coding = self.member(value, "coding")?;
        match (inner, coding) {
            // The shape of one version inside that of another: two servers see different codes.
            (Some(_), Some(_)) => Ok(self.wrong()?.unwrap_or_default()),
            (Some(inner), None) => Ok(Concept { inside: ".concept", ..self.plain_concept(inner)? }),
            (None, _) => self.plain_concept(value),
        }
    }

    fn plain_concept<'v>(&self, value: &'v Value) -> Certain<Concept<'v>> {
        let mut concept = Concept::default();
        let listed = self.array_in(value, "coding")?;
        for coding in listed {
            concept.codings.extend(self.coding(coding)?);
        }
        if listed.is_empty() {
            concept.codings.extend(self.coding(value)?);
        }
        let display = concept.codings.iter().find_map(|coding| coding.display);
        concept.text = self.text_in(value, "text")?.or(display);
        Ok(concept)
    }

    fn coding<'v>(&self, value: &'v Value) -> Certain<Option<Coding<'v>>> {
        let Some(code) = self.text_in(value, "code")? else { return Ok(None) };
        let (system, display) = (self.text_in(value, "system")?, self.text_in(value, "display")?);
        Ok(Some(Coding { system, code, display }))
    }

    /// An Identifier with a value.
    pub(super) fn identifier<'v>(&self, value: &'v Value) -> Certain<Option<Identifier<'v>>> {
        let system = self.text_in(value, "system")?;
        Ok(self.text_in(value, "value")?.map(|value| Identifier { system, value }))
    }

    /// A text, or the value of an Identifier.
    pub(super) fn text_or_identifier<'v>(&self, value: &'v Value) -> Certain<Option<&'v str>> {
        match value {
            Value::Object(_) => Ok(self.identifier(value)?.map(|identifier| identifier.value)),
            _ => self.text(value),
        }
    }

    /// The first of `places`, from `root`, that `take` gets something out of.
    pub(super) fn first<'v, T>(
        &self,
        places: &[Path],
        root: &'v Value,
        take: impl Fn(&'v Value) -> Certain<Option<T>>,
    ) -> Certain<Option<T>> {
        for path in places {
            for node in self.nodes(path, root, false)? {
                if let Some(found) = take(node.value)? {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    /// The same where there are concepts, references or identifiers.
    pub(super) fn first_object<'v, T>(
        &self,
        places: &[Path],
        root: &'v Value,
        take: impl Fn(&'v Value) -> Certain<Option<T>>,
    ) -> Certain<Option<T>> {
        for path in places {
            for node in self.objects(path, root, false)? {
                if let Some(found) = take(node.value)? {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, path: &Path) -> Certain<bool> {
        let mut any = false;
        for node in self.own_nodes(path, true)? {
            match node.value {
                Value::Bool(flag) => any |= flag,
                _ if self.strict() => {
                    return Err(self.doubt(Doubt::MemberType, Some(&node.place)));
                }
                _ => {}
            }
        }
        Ok(any)
    }
}
