//! FHIRPath Patch: `Parameters` whose parameters are operations.

use serde_json::{Map, Value};

use crate::fhir::patch::way::{Place, Token, Way, at, at_mut, called};
use crate::fhir::patch::{OPERATIONS_MAX, PatchFault, finish, schema};

/// Parts inside the parts of a value; FHIR's own elements nest a few deep.
const PARTS_DEPTH_MAX: usize = 16;

/// Applies a FHIRPath Patch (`Parameters` with `operation` parameters).
///
/// # Errors
/// When it cannot be applied with certainty.
pub fn fhirpath_patch(resource: &Value, parameters: &Value) -> Result<Value, PatchFault> {
    let is_patch = parameters.get("resourceType").and_then(Value::as_str) == Some("Parameters");
    let list = parameters.get("parameter").and_then(Value::as_array);
    let list = list.filter(|list| is_patch && !list.is_empty() && list.len() <= OPERATIONS_MAX);
    let mut patched = resource.clone();
    for parameter in list.ok_or(PatchFault::Shape)? {
        Operation::read(parameter)?.apply(&mut patched)?;
    }
    finish(resource, patched)
}

/// What a part holds.
#[derive(Clone, Copy)]
enum Given<'p> {
    /// `value[x]`: its type as it stands in the key, and the value.
    Typed(&'p str, &'p Value),
    /// The elements of something without a name of its own.
    Parts(&'p [Value]),
}

#[derive(Default)]
struct Operation<'p> {
    kind: Option<&'p str>,
    path: Option<&'p str>,
    name: Option<&'p str>,
    value: Option<Given<'p>>,
    index: Option<usize>,
    source: Option<usize>,
    destination: Option<usize>,
}

fn place_in<T>(place: &mut Option<T>, value: Option<T>) -> Result<(), PatchFault> {
    let value = value.ok_or(PatchFault::Shape)?;
    if place.replace(value).is_some() { Err(PatchFault::Shape) } else { Ok(()) }
}

/// Name and content of a part; exactly these two members.
fn part(part: &Value) -> Result<(&str, Given<'_>), PatchFault> {
    let members = part.as_object().filter(|members| members.len() == 2).ok_or(PatchFault::Shape)?;
    let name = members.get("name").and_then(Value::as_str).ok_or(PatchFault::Shape)?;
    let (key, value) = members.iter().find(|(key, _)| *key != "name").ok_or(PatchFault::Shape)?;
    let given = match (key.strip_prefix("value"), value) {
        (Some(kind), _) if kind.starts_with(|c: char| c.is_ascii_uppercase()) => {
            Given::Typed(kind, value)
        }
        (None, Value::Array(parts)) if key == "part" && !parts.is_empty() => Given::Parts(parts),
        _ => return Err(PatchFault::Shape),
    };
    Ok((name, given))
}

impl<'p> Operation<'p> {
    fn read(parameter: &'p Value) -> Result<Self, PatchFault> {
        let ("operation", Given::Parts(parts)) = part(parameter)? else {
            return Err(PatchFault::Shape);
        };
        let mut operation = Self::default();
        for own in parts {
            let (name, given) = part(own)?;
            let text = |kinds: &[&str]| match given {
                Given::Typed(kind, Value::String(text)) if kinds.contains(&kind) => Some(&**text),
                _ => None,
            };
            let number = match given {
                Given::Typed("Integer", value) => {
                    value.as_u64().and_then(|number| usize::try_from(number).ok())
                }
                _ => None,
            };
            match name {
                "type" => place_in(&mut operation.kind, text(&["Code", "String"])),
                "path" => place_in(&mut operation.path, text(&["String"])),
                "name" => place_in(&mut operation.name, text(&["String"])),
                "value" => place_in(&mut operation.value, Some(given)),
                "index" => place_in(&mut operation.index, number),
                "source" => place_in(&mut operation.source, number),
                "destination" => place_in(&mut operation.destination, number),
                _ => Err(PatchFault::Shape),
            }?;
        }
        Ok(operation)
    }

    fn apply(&self, root: &mut Value) -> Result<(), PatchFault> {
        let resource_type = root.get("resourceType").and_then(Value::as_str).unwrap_or_default();
        let way = Way::read(self.path.ok_or(PatchFault::Shape)?, resource_type)?;
        match self.kind {
            Some("add") => self.add(root, &way),
            Some("insert") => self.insert(root, &way),
            Some("delete") => delete(root, &way),
            Some("replace") => self.replace(root, &way),
            Some("move") => self.shift(root, &way),
            _ => Err(PatchFault::Shape),
        }
    }

    fn add(&self, root: &mut Value, way: &Way<'_>) -> Result<(), PatchFault> {
        let (Some(name), Some(given)) = (self.name, self.value) else {
            return Err(PatchFault::Shape);
        };
        let place = one(way.places(root)?)?;
        let parent = called(root, &place).to_owned();
        let value = build(given, name, 0)?;
        let element = at_mut(root, &place).and_then(Value::as_object_mut);
        add_member(element.ok_or(PatchFault::DoesNotApply)?, &parent, name, given, value)
    }

    fn insert(&self, root: &mut Value, way: &Way<'_>) -> Result<(), PatchFault> {
        let (Some(given), Some(index)) = (self.value, self.index) else {
            return Err(PatchFault::Shape);
        };
        let place = way.list(root)?.ok_or(PatchFault::DoesNotApply)?;
        no_primitives_beside(root, &place)?;
        let value = build(given, called(root, &place), 0)?;
        let list = at_mut(root, &place).and_then(Value::as_array_mut);
        match list {
            Some(list) if index <= list.len() => {
                list.insert(index, value);
                Ok(())
            }
            _ => Err(PatchFault::DoesNotApply),
        }
    }

    fn replace(&self, root: &mut Value, way: &Way<'_>) -> Result<(), PatchFault> {
        let given = self.value.ok_or(PatchFault::Shape)?;
        let place = one(way.places(root)?)?;
        let name = called(root, &place).to_owned();
        let Some((last, parent)) = place.split_last() else { return Err(PatchFault::Path) };
        let value = build(given, &name, 0)?;
        let Token::Key(key) = last else {
            no_primitives_beside(root, parent)?;
            *at_mut(root, &place).ok_or(PatchFault::DoesNotApply)? = value;
            return Ok(());
        };
        let holder = called(root, parent).to_owned();
        let object = at_mut(root, parent).and_then(Value::as_object_mut);
        let object = object.ok_or(PatchFault::DoesNotApply)?;
        object.remove(key);
        object.remove(&format!("_{key}"));
        let typed = (1..key.len())
            .filter_map(|end| key.split_at_checked(end))
            .any(|(base, _)| schema::is_choice(&holder, base));
        let key = match (typed, given) {
            (false, _) => key.clone(),
            (true, Given::Parts(_)) => return Err(PatchFault::Path),
            (true, Given::Typed(kind, _)) => {
                let base = (1..key.len()).filter_map(|end| key.split_at_checked(end));
                let base = base.map(|(base, _)| base).find(|base| schema::is_choice(&holder, base));
                format!("{}{kind}", base.unwrap_or_default())
            }
        };
        object.insert(key, value);
        Ok(())
    }

    fn shift(&self, root: &mut Value, way: &Way<'_>) -> Result<(), PatchFault> {
        let (Some(source), Some(destination)) = (self.source, self.destination) else {
            return Err(PatchFault::Shape);
        };
        let place = way.list(root)?.ok_or(PatchFault::DoesNotApply)?;
        no_primitives_beside(root, &place)?;
        match at_mut(root, &place).and_then(Value::as_array_mut) {
            Some(list) if source < list.len() && destination < list.len() => {
                let moved = list.remove(source);
                list.insert(destination, moved);
                Ok(())
            }
            _ => Err(PatchFault::DoesNotApply),
        }
    }
}

/// Takes away the one element; none is no fault (FHIRPath Patch, "delete").
fn delete(root: &mut Value, way: &Way<'_>) -> Result<(), PatchFault> {
    let places = way.places(root)?;
    if places.is_empty() {
        return Ok(());
    }
    let place = one(places)?;
    let Some((last, parent)) = place.split_last() else { return Err(PatchFault::Path) };
    match last {
        Token::Key(key) => remove_member(root, parent, key),
        Token::Index(index) => {
            no_primitives_beside(root, parent)?;
            let list = at_mut(root, parent).and_then(Value::as_array_mut);
            let list = list.filter(|list| *index < list.len()).ok_or(PatchFault::DoesNotApply)?;
            list.remove(*index);
            match parent.split_last() {
                Some((Token::Key(key), holder)) if list.is_empty() => {
                    remove_member(root, holder, key)
                }
                _ => Ok(()),
            }
        }
    }
}

fn remove_member(root: &mut Value, holder: &[Token], key: &str) -> Result<(), PatchFault> {
    let object = at_mut(root, holder).and_then(Value::as_object_mut);
    let object = object.ok_or(PatchFault::DoesNotApply)?;
    object.remove(key);
    object.remove(&format!("_{key}"));
    Ok(())
}

fn one(places: Vec<Place>) -> Result<Place, PatchFault> {
    match <[Place; 1]>::try_from(places) {
        Ok([place]) => Ok(place),
        Err(_) => Err(PatchFault::DoesNotApply),
    }
}

/// A list of primitives with extensions has a second list beside it, in step with the first: not done here.
fn no_primitives_beside(root: &Value, list: &[Token]) -> Result<(), PatchFault> {
    let Some((Token::Key(key), holder)) = list.split_last() else { return Ok(()) };
    let beside = at(root, holder).and_then(|holder| holder.get(format!("_{key}")));
    if beside.is_some() { Err(PatchFault::Path) } else { Ok(()) }
}

/// Adds element `name` to an object called `parent`.
fn add_member(
    object: &mut Map<String, Value>,
    parent: &str,
    name: &str,
    given: Given<'_>,
    value: Value,
) -> Result<(), PatchFault> {
    if schema::is_choice(parent, name) {
        let Given::Typed(kind, _) = given else { return Err(PatchFault::Path) };
        let typed = |key: &String| {
            let suffix = key.strip_prefix(name);
            suffix.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
        };
        if object.keys().any(typed) {
            return Err(PatchFault::DoesNotApply);
        }
        object.insert(format!("{name}{kind}"), value);
        return Ok(());
    }
    match (object.get_mut(name), schema::repeats(parent, name)) {
        (Some(Value::Array(list)), _) => list.push(value),
        (Some(_), _) => return Err(PatchFault::DoesNotApply),
        (None, Some(true)) => {
            object.insert(name.to_owned(), Value::Array(vec![value]));
        }
        (None, Some(false)) => {
            object.insert(name.to_owned(), value);
        }
        (None, None) => return Err(PatchFault::Path),
    }
    Ok(())
}

/// The value of an element called `name`.
fn build(given: Given<'_>, name: &str, depth: usize) -> Result<Value, PatchFault> {
    match given {
        Given::Typed(_, value) => Ok(value.clone()),
        Given::Parts(_) if depth > PARTS_DEPTH_MAX => Err(PatchFault::Shape),
        Given::Parts(parts) => {
            let mut object = Map::new();
            for own in parts {
                let (inner, given) = part(own)?;
                let value = build(given, inner, depth + 1)?;
                add_member(&mut object, name, inner, given, value)?;
            }
            Ok(Value::Object(object))
        }
    }
}
