//! One FHIR resource → [`Reading`], by the compiled file.
//!
//! | file | does |
//! |---|---|
//! | `values` | texts, codes and identifiers out of places, each of the JSON type it must be |
//! | `references` | where references lead: contained, Bundle, what was looked up |
//! | `surgical` | what is wanted, and whether it is surgical; the procedure's codes; the orders it is based on |
//! | `persons` | who performs it |
//! | `facts` | everything else |

mod facts;
mod persons;
mod references;
mod surgical;
mod values;

use std::cell::{Cell, RefCell};

use serde_json::Value;

use crate::domain::order::{Action, Place};
use crate::mapping::fhir::model::{Model, ResourceRule};
use crate::mapping::fhir::path::{Node, Path, Walk};
use crate::mapping::fhir::{FhirContext, FhirReading, Subject};
use crate::mapping::reading::{Doubt, Reading, Unreadable};

/// Codes, persons, diagnoses, orders or times of one resource; real ones have a handful. Some of them
/// are compared each with each.
const LISTED_MAX: usize = 200;
/// Values of one path.
const VALUES_MAX: usize = 1000;

/// Reads `subject`; references that nobody has asked for are listed.
pub(super) fn read(model: &Model, subject: Subject<'_>, context: &FhirContext<'_>) -> FhirReading {
    let resource_type = subject.resource.get("resourceType").and_then(Value::as_str);
    let Some(rule) = resource_type.and_then(|resource_type| model.rule(resource_type)) else {
        let reading = Reading::NotSurgical { scheduling: false, reply: false };
        return FhirReading { reading, unresolved: Vec::new() };
    };
    let reader = Reader {
        model,
        rule,
        context,
        subject,
        strict: Cell::new(subject.action.checked()),
        unresolved: RefCell::default(),
    };
    let reading = reader.read().unwrap_or_else(|mut unreadable| {
        unreadable.stage = Some(rule.stage);
        Reading::Unreadable(unreadable)
    });
    FhirReading { reading, unresolved: reader.unresolved.into_inner() }
}

/// Everything that stays the same while one resource is read.
struct Reader<'r> {
    model: &'r Model,
    rule: &'r ResourceRule,
    context: &'r FhirContext<'r>,
    subject: Subject<'r>,
    /// It would be checked, so what two readers could see differently is a doubt.
    strict: Cell<bool>,
    unresolved: RefCell<Vec<String>>,
}

/// Nothing, or a doubt.
type Certain<T> = Result<T, Unreadable>;

impl<'r> Reader<'r> {
    fn read(&self) -> Certain<Reading> {
        let wanted = self.action();
        let (action, called_off) = match &wanted {
            Ok(wanted) => (wanted.action, wanted.called_off),
            Err(_) => (self.subject.action, false),
        };
        self.strict.set(action.checked());
        let codes = self.codes()?;
        let orders = self.orders()?;
        if !self.is_surgical(&codes, &orders)? {
            let scheduling = self.rule.scheduling;
            return Ok(Reading::NotSurgical { scheduling, reply: false });
        }
        wanted?;
        self.order(action, called_off, codes, &orders).map(Reading::Surgical)
    }

    fn strict(&self) -> bool {
        self.strict.get()
    }

    /// The values of `path`, from `root`.
    fn nodes<'v>(&self, path: &Path, root: &'v Value, places: bool) -> Certain<Vec<Node<'v>>> {
        let walk = Walk { places, strict: self.strict(), most: VALUES_MAX };
        let mut nodes = match path.nodes(root, walk) {
            Ok(nodes) => nodes,
            Err(wrong) => {
                let own = std::ptr::eq(root, self.subject.resource);
                return Err(self.doubt(Doubt::MemberType, own.then_some(&*wrong.place)));
            }
        };
        if nodes.len() > VALUES_MAX {
            self.too_many(nodes.len() + LISTED_MAX)?;
            nodes.truncate(VALUES_MAX);
        }
        Ok(nodes)
    }

    /// The values of `path`, from `root`, that are concepts, references or identifiers; a text only
    /// from inside of one.
    fn objects<'v>(&self, path: &Path, root: &'v Value, places: bool) -> Certain<Vec<Node<'v>>> {
        let mut nodes = self.nodes(path, root, places)?;
        if !path.inside && nodes.iter().any(|node| node.value.is_string()) {
            if self.strict() {
                let located = self.nodes(path, root, true)?;
                let text = located.iter().find(|node| node.value.is_string());
                let own = std::ptr::eq(root, self.subject.resource);
                let place = text.filter(|_| own).map(|node| node.place.as_str());
                return Err(self.doubt(Doubt::MemberType, place));
            }
            nodes.retain(|node| !node.value.is_string());
        }
        Ok(nodes)
    }

    /// The values of `path`, from the resource itself.
    fn own_nodes(&self, path: &Path, places: bool) -> Certain<Vec<Node<'r>>> {
        self.nodes(path, self.subject.resource, places)
    }

    /// A place of this resource as FHIRPath in the body.
    fn place(&self, inside: &str) -> Place {
        Place::FhirPath(format!("{}{inside}", self.subject.path))
    }

    fn doubt(&self, why: Doubt, inside: Option<&str>) -> Unreadable {
        let place = inside.map(|inside| self.place(inside));
        Unreadable { why, place, stage: None }
    }

    /// Says where a doubt arose that does not know it.
    fn at<'p>(&'p self, inside: &'p str) -> impl FnOnce(Unreadable) -> Unreadable + 'p {
        move |mut unreadable| {
            unreadable.place = unreadable.place.take().or_else(|| Some(self.place(inside)));
            unreadable
        }
    }

    /// A value of the wrong JSON type: a doubt, or nothing where nothing is checked.
    fn wrong<T>(&self) -> Certain<Option<T>> {
        if self.strict() { Err(self.doubt(Doubt::MemberType, None)) } else { Ok(None) }
    }

    /// Whether a list is longer than it may be: a doubt, but nothing to keep anybody from calling
    /// an operation off.
    fn too_many(&self, many: usize) -> Certain<bool> {
        let over = many > LISTED_MAX;
        if over && self.strict() { Err(self.doubt(Doubt::Size, None)) } else { Ok(over) }
    }
}

/// What a resource wants done.
#[derive(Clone, Copy)]
struct Wanted {
    action: Action,
    /// It says of itself that it must not be done.
    called_off: bool,
}
