//! 授权名册 `orgate export privileges`: who may do what today, by department and surgeon; on paper for when no gate is
//! there (IS Q6).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askama::Template;
use jiff::civil::Date;
use serde_json::json;

use crate::cli::export::{Asker, ExportError};
use crate::cli::sheet::Sheet;
use crate::domain::catalogue::Catalogue;
use crate::domain::grant::{Grant, Scope};
use crate::domain::procedure::{Admission, Grade, Procedure, ProcedureStatus};
use crate::domain::surgeon::{Lookup, PersonKey, Surgeon, SurgeonId};
use crate::domain::technique::{DossierState, ListKind, Lists};
use crate::register::{Patience, Register};
use crate::rules::{Ability, ability};

/// Everything on the list.
#[derive(Debug)]
pub(super) struct Privileges {
    institution: String,
    version: i64,
    at: String,
    departments: Vec<Department>,
    /// What nobody may do at present.
    stopped: Vec<Arc<Procedure>>,
}

#[derive(Debug)]
struct Department {
    name: String,
    surgeons: Vec<Holder>,
}

/// A surgeon who may do anything at all.
#[derive(Debug)]
struct Holder {
    id: String,
    name: String,
    licence_to: String,
    /// All procedures of grades 1 and 2 up to this.
    wide: Vec<Held>,
    items: Vec<Held>,
}

/// One thing that a surgeon may do.
#[derive(Debug)]
struct Held {
    code: String,
    name: String,
    grade: u8,
    supervised: bool,
    sites: String,
    until: String,
    document: String,
}

impl Held {
    fn new((code, name): (&str, &str), how: (Ability, Grade), grant: &Grant) -> Self {
        let until = grant.valid_to.map(|day| day.to_string());
        Self {
            code: code.to_owned(),
            name: name.to_owned(),
            grade: how.1.number(),
            supervised: how.0 == Ability::Supervised,
            sites: grant.sites.join("、"),
            until: until.unwrap_or_default(),
            document: grant.document_no.clone().unwrap_or_default(),
        }
    }
}

impl Privileges {
    /// Asks the register for every surgeon of `ids`; `only` one department, if it is named.
    pub(super) async fn gather(
        register: &Register,
        ids: &[String],
        asker: &Asker<'_>,
        only: Option<&str>,
    ) -> Result<Self, ExportError> {
        let zone = &asker.settings.node.zone;
        let local = zone.to_datetime(asker.now);
        let (catalogue, lists) = (register.catalogue(), register.lists());
        let ground = Ground { catalogue: &catalogue, lists: &lists, day: local.date() };
        let mut departments: BTreeMap<String, Vec<Holder>> = BTreeMap::new();
        for id in ids.iter().filter_map(|id| SurgeonId::new(id)) {
            let answer = register.surgeon(&PersonKey::Id(id), Patience::Elective).await;
            let surgeon = match answer.lookup {
                Lookup::Found(surgeon) => surgeon,
                Lookup::Nobody | Lookup::Several => continue,
                // A list that leaves somebody out in silence is worse than none.
                Lookup::Unavailable => {
                    let text = "the register does not answer, try again".to_owned();
                    return Err(ExportError::Open(text));
                }
            };
            let department = surgeon.department.clone().unwrap_or_default();
            if only.is_some_and(|only| only.trim() != department.trim()) {
                continue;
            }
            if let Some(holder) = ground.holder(&surgeon) {
                departments.entry(department).or_default().push(holder);
            }
        }
        let departments = departments.into_iter().map(|(name, mut surgeons)| {
            surgeons.sort_by(|a, b| a.id.cmp(&b.id));
            Department { name, surgeons }
        });
        let stopped = catalogue.items().iter().filter(|item| ground.is_stopped(item));
        Ok(Self {
            institution: asker.settings.node.name.clone(),
            version: register.version(),
            at: local.strftime("%Y-%m-%d %H:%M").to_string(),
            departments: departments.collect(),
            stopped: stopped.map(Arc::clone).collect(),
        })
    }

    /// As a page that needs nothing else.
    pub(super) fn page(&self) -> Result<String, askama::Error> {
        Page { list: self }.render()
    }

    /// One row for each thing that somebody may do.
    pub(super) fn sheet(&self) -> Sheet {
        let mut sheet = Sheet::new(&[
            "department",
            "surgeon_id",
            "surgeon",
            "code",
            "name",
            "grade",
            "supervision",
            "sites",
            "valid_to",
            "document_no",
        ]);
        for department in &self.departments {
            for holder in &department.surgeons {
                for held in holder.wide.iter().chain(&holder.items) {
                    let supervision = if held.supervised { "required" } else { "none" };
                    sheet.row(vec![
                        json!(department.name),
                        json!(holder.id),
                        json!(holder.name),
                        json!(held.code),
                        json!(held.name),
                        json!(held.grade),
                        json!(supervision),
                        json!(held.sites),
                        json!(held.until),
                        json!(held.document),
                    ]);
                }
            }
        }
        sheet
    }
}

/// What grants are weighed against.
#[derive(Clone, Copy)]
struct Ground<'g> {
    catalogue: &'g Catalogue,
    lists: &'g Lists,
    day: Date,
}

impl Ground<'_> {
    fn holder(self, surgeon: &Surgeon) -> Option<Holder> {
        let mut seen = BTreeSet::new();
        let mut items = Vec::new();
        for grant in &surgeon.grants {
            let Scope::Item(code) = &grant.scope else { continue };
            let Some(item) = self.catalogue.resolve(code) else { continue };
            if self.is_stopped(item) || !seen.insert(item.code.clone()) {
                continue;
            }
            if let Some((how, grade, good)) = ability(surgeon, item, self.lists, self.day) {
                items.push(Held::new((item.code.as_str(), &item.name), (how, grade), good));
            }
        }
        items.sort_by(|a, b| b.grade.cmp(&a.grade).then_with(|| a.code.cmp(&b.code)));
        let wide = self.wide(surgeon);
        if items.is_empty() && wide.is_empty() {
            return None;
        }
        let licence_to = surgeon.licence_to.map(|day| day.to_string()).unwrap_or_default();
        let (id, name) = (surgeon.id.to_string(), surgeon.name.clone());
        Some(Holder { id, name, licence_to, wide, items })
    }

    /// Grades 1 and 2 as a whole: tried on a procedure of that grade that stands on no list.
    fn wide(self, surgeon: &Surgeon) -> Vec<Held> {
        let unlisted = Lists::new(0, Vec::new(), Vec::new());
        let try_grade = |grade: Grade| {
            let of_grade = self.catalogue.items().iter().find(|item| item.grade == grade)?;
            let wide_only = Surgeon {
                grants: surgeon
                    .grants
                    .iter()
                    .filter(|grant| matches!(grant.scope, Scope::GradeWide(_)))
                    .cloned()
                    .collect(),
                ..surgeon.clone()
            };
            let (how, _, grant) = ability(&wide_only, of_grade, &unlisted, self.day)?;
            let name = match grade {
                Grade::One => "一级手术（限制类除外） grade 1, none of a restricted list",
                _ => "二级手术（限制类除外） grade 2, none of a restricted list",
            };
            Some(Held::new(("", name), (how, grade), grant))
        };
        [Grade::Two, Grade::One].into_iter().filter_map(try_grade).collect()
    }

    /// Nobody may: stopped, not in force, not admitted, or prohibited whatever the diagnosis.
    fn is_stopped(self, item: &Procedure) -> bool {
        let codes = std::iter::once(&item.code).chain(&item.aliases);
        let on_lists = self.lists.meaning(codes);
        let mut on_lists = on_lists.into_iter().filter(|technique| technique.in_force(self.day));
        item.status != ProcedureStatus::Active
            || !item.in_force(self.day)
            || item.admission == Admission::Pending
            || on_lists.any(|technique| {
                let prohibited =
                    technique.kind == ListKind::Prohibited && technique.diagnoses.is_empty();
                let dossier = self.lists.dossier(&technique.item);
                prohibited || dossier.is_some_and(|own| own.state != DossierState::Active)
            })
    }
}

#[derive(Template)]
#[template(path = "cli/privileges.html")]
struct Page<'p> {
    list: &'p Privileges,
}
