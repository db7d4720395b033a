//! FHIR bodies in files, the judged resources in them, and where their references lead.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orgate::fhir::bundle::contained;
use orgate::mapping::fhir::{Found, References};
use serde_json::Value;

/// One file.
pub(crate) struct Body {
    /// From the folder, with `/`.
    pub(crate) file: String,
    pub(crate) root: Value,
    /// What its references lead to: the entries of a Bundle, and the files beside it.
    known: BTreeMap<String, Arc<Value>>,
}

impl Body {
    /// Every file below `folder` that holds a resource, by name.
    pub(crate) fn all(folder: &Path) -> Vec<Self> {
        let mut files = Vec::new();
        gather(folder, &mut files);
        files.sort();
        files.iter().filter_map(|file| Self::read(folder, file)).collect()
    }

    fn read(folder: &Path, file: &Path) -> Option<Self> {
        let root = json(file)?;
        root.get("resourceType")?;
        let mut known = BTreeMap::new();
        let beside = file.parent().expect("a file is in a folder");
        for neighbour in fs::read_dir(beside).expect("a folder is readable") {
            let path = neighbour.expect("an entry is readable").path();
            let named = ["Practitioner", "Organization", "ServiceRequest", "PR-", "S00"];
            let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
            if named.iter().any(|named| name.starts_with(named))
                && let Some(resource) = json(&path)
            {
                enter(&mut known, resource);
            }
        }
        for entry in root.get("entry").and_then(Value::as_array).into_iter().flatten() {
            let Some(resource) = entry.get("resource") else { continue };
            if let Some(url) = entry.get("fullUrl").and_then(Value::as_str) {
                known.insert(url.to_owned(), Arc::new(resource.clone()));
            }
            enter(&mut known, resource.clone());
        }
        let file = file.strip_prefix(folder).expect("below the folder").to_string_lossy();
        Some(Self { file: file.replace('\\', "/"), root, known })
    }

    /// The judged resources at any depth, each with its FHIRPath.
    pub(crate) fn judged(&self) -> Vec<(String, &Value)> {
        contained(&self.root).into_iter().map(|found| (found.path, found.resource)).collect()
    }
}

impl References for Body {
    fn find(&self, reference: &str) -> Found {
        match self.known.get(reference) {
            Some(resource) => Found::Resource(Arc::clone(resource)),
            None => Found::Nothing,
        }
    }
}

fn enter(known: &mut BTreeMap<String, Arc<Value>>, resource: Value) {
    let text = |name: &str| resource.get(name).and_then(Value::as_str).unwrap_or_default();
    let key = format!("{}/{}", text("resourceType"), text("id"));
    known.insert(key, Arc::new(resource));
}

fn json(file: &Path) -> Option<Value> {
    if file.extension().is_none_or(|extension| extension != "json") {
        return None;
    }
    let text = fs::read_to_string(file).expect("a sample is UTF-8 text");
    serde_json::from_str(&text).ok()
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder is readable") {
        let path = entry.expect("an entry is readable").path();
        if path.is_dir() { gather(&path, files) } else { files.push(path) }
    }
}
