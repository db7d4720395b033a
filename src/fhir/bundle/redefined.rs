//! What stands under one name twice, and whom a Bundle changes that it refers to; and the way from a reference to an
//! entry.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::fhir::bundle::contained::{contained, references};
use crate::fhir::bundle::{BundleFault, BundleType};
use crate::fhir::reference::{Reference, parse};

/// The types that tell who a surgeon is.
const PERSONS: [&str; 2] = ["Practitioner", "PractitionerRole"];

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

/// Where no order stands nothing rests on names, and nothing is in doubt.
pub(super) fn check(bundle: &Value, list: &[Value], of: BundleType) -> Result<(), BundleFault> {
    if contained(bundle).is_empty() {
        return Ok(());
    }
    let mut names = BTreeSet::new();
    let once = list.iter().filter_map(|entry| text(entry, "fullUrl")).all(|url| names.insert(url));
    let persons: Vec<Person<'_>> = list.iter().filter_map(Person::of).collect();
    let known = Persons::new(&persons).filter(|_| once).ok_or(BundleFault::Redefined)?;
    let sound = persons.is_empty() || list.iter().all(|holder| known.sound_in(holder, of));
    if sound { Ok(()) } else { Err(BundleFault::Redefined) }
}

/// Who bears which name.
struct Persons<'p> {
    by_url: BTreeMap<&'p str, &'p Person<'p>>,
    by_identity: BTreeMap<String, &'p Person<'p>>,
}

impl<'p> Persons<'p> {
    /// `None` when a person has two names, or a name two persons.
    fn new(persons: &'p [Person<'p>]) -> Option<Self> {
        let mut known = Self { by_url: BTreeMap::new(), by_identity: BTreeMap::new() };
        for person in persons {
            known.by_url.extend(person.full_url().map(|url| (url, person)));
            let identities: BTreeSet<String> = person.identities().collect();
            if identities.len() > 1 {
                return None;
            }
            for identity in identities {
                if known.by_identity.insert(identity, person).is_some() {
                    return None;
                }
            }
        }
        Some(known)
    }

    /// Whether every reference in an entry that could mean one of them means nobody else to any reader.
    fn sound_in(&self, holder: &Value, of: BundleType) -> bool {
        references(holder).into_iter().all(|reference| {
            let plain = without_version(reference);
            let own = self.by_url.get(plain).copied();
            let meant = own.or_else(|| {
                let (head, id) = plain.rsplit_once('/')?;
                let kind = head.rsplit('/').next()?;
                self.by_identity.get(&format!("{kind}/{id}")).copied()
            });
            meant.is_none_or(|person| !person.changes() && person.is_surely(plain, holder, of))
        })
    }
}

/// A reference or url without `/_history/…`.
fn without_version(url: &str) -> &str {
    url.split("/_history").next().unwrap_or_default()
}

/// The FHIR base of a `fullUrl` like `http://server/fhir/Type/id`.
fn base_of(full_url: &str) -> Option<&str> {
    let (head, _) = full_url.rsplit_once('/')?;
    head.rsplit_once('/').map(|(base, _)| base).filter(|base| base.contains("://"))
}

/// An entry that says who somebody is.
struct Person<'b> {
    entry: &'b Value,
    kind: &'static str,
}

impl<'b> Person<'b> {
    /// `None` for an entry about anything else. A patch or a deletion is known by its url only.
    fn of(entry: &'b Value) -> Option<Self> {
        let resource = entry.get("resource").and_then(|resource| text(resource, "resourceType"));
        let url = entry.get("request").and_then(|request| text(request, "url")).unwrap_or_default();
        let target = url.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default();
        let names =
            |own: &&&'static str| resource == Some(**own) || own.eq_ignore_ascii_case(target);
        PERSONS.iter().find(names).map(|kind| Self { entry, kind })
    }

    /// `Type/id` as the resource, the url and the `fullUrl` have it.
    fn identities(&self) -> impl Iterator<Item = String> {
        let own = self.entry.get("resource").and_then(|resource| text(resource, "id"));
        let url = self.request("url").map(|url| url.trim_start_matches('/'));
        let url = url.and_then(|url| url.split('?').next()).and_then(|url| self.id_in(url));
        let full = self.full_url().and_then(|url| self.id_in(url));
        // A created resource gets its id from the server, whatever it says itself.
        let own = own.filter(|_| self.request("method") != Some("POST") || full.is_some());
        let ids = [own, url, full].into_iter().flatten();
        ids.map(|id| format!("{}/{id}", self.kind))
    }

    fn request(&self, name: &str) -> Option<&'b str> {
        self.entry.get("request").and_then(|request| text(request, name))
    }

    /// The id in `…Type/id`.
    fn id_in(&self, url: &'b str) -> Option<&'b str> {
        let (head, id) = without_version(url).rsplit_once('/')?;
        (head == self.kind || head.ends_with(&format!("/{}", self.kind))).then_some(id)
    }

    /// Whether the server may hold somebody else under that name before or after.
    fn changes(&self) -> bool {
        match self.request("method") {
            Some("PUT") => match self.request("url").and_then(|url| url.split_once('?')) {
                Some((_, search)) => !self.is_found_by(search),
                None => true,
            },
            Some("POST") => {
                self.request("ifNoneExist").is_some_and(|search| !self.is_found_by(search))
            }
            Some("PATCH" | "DELETE") => true,
            _ => false,
        }
    }

    /// Whether a search finds by the only identifier that the resource has.
    fn is_found_by(&self, search: &str) -> bool {
        let search = search.rsplit_once('?').map_or(search, |(_, search)| search);
        let Some(value) = search.strip_prefix("identifier=") else { return false };
        let value = percent_decode_str(value).decode_utf8_lossy();
        let identifiers = self.entry.get("resource").and_then(|own| own.get("identifier"));
        match identifiers.and_then(Value::as_array).map(Vec::as_slice) {
            Some([only]) => {
                let (system, code) =
                    (text(only, "system"), text(only, "value").unwrap_or_default());
                let whole = system.map(|system| format!("{system}|{code}"));
                !code.is_empty() && whole.as_deref() == Some(&*value)
            }
            _ => false,
        }
    }

    fn full_url(&self) -> Option<&'b str> {
        text(self.entry, "fullUrl")
    }

    /// Whether `reference`, written in the entry `holder`, means this person to everybody (FHIR "Resolving
    /// references in Bundles"). What a transaction creates has no other name than its `urn:` before it is there; a
    /// relative reference could be to somebody the server holds already.
    fn is_surely(&self, reference: &str, holder: &Value, of: BundleType) -> bool {
        let Some(full_url) = self.full_url() else { return false };
        if of != BundleType::Other {
            return reference == full_url && full_url.starts_with("urn:");
        }
        let base = base_of(full_url);
        let relative = || base.is_some() && text(holder, "fullUrl").and_then(base_of) == base;
        reference == full_url || !reference.contains("://") && relative()
    }
}

/// Whether an entry says what its resource is to be: by no request, or by one that writes it. What a DELETE or an
/// operation carries along is stored nowhere.
fn is_written(entry: &Value) -> bool {
    let Some(request) = entry.get("request") else { return true };
    let kind = entry.get("resource").and_then(|resource| text(resource, "resourceType"));
    let url = text(request, "url").unwrap_or_default();
    let (path, query) =
        url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
    let mut segments = path.trim_matches('/').split('/');
    let addressed = kind.is_some() && segments.next() == kind;
    match (text(request, "method"), segments.next(), segments.next()) {
        (Some("POST"), None, None) => addressed,
        (Some("PUT"), id, None) => addressed && (id.is_some() || query.is_some()),
        _ => false,
    }
}

/// The resource of the entry that `reference` leads to (FHIR "Resolving references in Bundles"): by `fullUrl`, or by
/// type and id where an entry has no `fullUrl` and keeps its id. A contained reference (`#x`) leads nowhere here, nor
/// does any from a `root` that is no Bundle: whatever it calls `entry`, nobody has looked at it.
pub fn find<'b>(root: &'b Value, reference: &str) -> Option<&'b Value> {
    let bundle = Some(root).filter(|root| text(root, "resourceType") == Some("Bundle"))?;
    let entries = bundle.get("entry").and_then(Value::as_array)?;
    let plain = without_version(reference);
    let relative = match parse(reference, "") {
        Reference::Here { resource_type, id } => Some((resource_type, id)),
        _ => None,
    };
    let leads_to = |entry: &&Value| match (text(entry, "fullUrl"), relative) {
        (Some(url), None) => url == plain,
        (Some(url), Some(_)) => {
            url == plain || url.strip_suffix(plain).is_some_and(|head| head.ends_with('/'))
        }
        (None, Some((kind, id))) => {
            let method = entry.get("request").and_then(|request| text(request, "method"));
            let resource = entry.get("resource");
            let own = |name| resource.and_then(|resource| text(resource, name));
            method != Some("POST") && own("resourceType") == Some(kind) && own("id") == Some(id)
        }
        (None, None) => false,
    };
    entries.iter().filter(|entry| is_written(entry)).find(leads_to)?.get("resource")
}
