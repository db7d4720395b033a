//! Technique lists (禁止类, 限制类, 重点监管, 特殊管理) and dossiers: what the state says of a technique, and
//! what the institution has done about it.

use std::collections::HashMap;

use jiff::civil::Date;
use unicode_normalization::UnicodeNormalization;

use crate::domain::procedure::{ProcedureCode, day_within};

/// What a list says of its techniques.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListKind {
    /// 禁止类
    Prohibited,
    /// 限制类
    Restricted,
    /// 重点监管
    Monitored,
    /// 特殊管理: other law applies (SG 32, MT 47)
    SpecialRegime,
}

/// Who keeps a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListLevel {
    /// 国家
    National,
    /// 省级
    Provincial,
    /// 市级
    City,
    /// 本机构
    Institution,
}

/// A code of a list: exact, or a stem (`45.91*`). Dots are ignored (rules.md §2): a list must not be
/// evaded by an extension or another way of writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListCode {
    letters: Box<str>,
    stem: bool,
}

impl ListCode {
    /// A code as a list writes it; `None` when nothing is left of it.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let (text, stem) = match text.strip_suffix('*') {
            Some(stem) => (stem, true),
            None => (text, false),
        };
        let letters = without_dots(&ProcedureCode::new(text)?);
        (!letters.is_empty()).then(|| Self { letters: letters.into(), stem })
    }

    /// Whether the list means `code`. Allocates nothing: every code of every order is tested against
    /// every list.
    pub fn covers(&self, code: &ProcedureCode) -> bool {
        let mut letters = dotless(code);
        let own = self.letters.bytes();
        own.into_iter().all(|letter| letters.next() == Some(letter))
            && (self.stem || letters.next().is_none())
    }

    /// By what [`Index`] finds it; `None` when it is too short for that.
    fn key(&self) -> Option<Key> {
        key(self.letters.bytes())
    }

    /// As the list writes it, dots left out.
    pub fn written(&self) -> String {
        format!("{}{}", self.letters, if self.stem { "*" } else { "" })
    }
}

fn without_dots(code: &ProcedureCode) -> String {
    code.as_str().chars().filter(|c| *c != '.').collect()
}

fn dotless(code: &ProcedureCode) -> impl Iterator<Item = u8> {
    code.as_str().bytes().filter(|letter| *letter != b'.')
}

/// An ICD-10 code as diagnoses are compared: NFKC, upper-case, no dots or blanks.
fn fold_diagnosis(text: &str) -> String {
    let letters = text.nfkc().filter(|c| !c.is_whitespace() && *c != '.');
    letters.flat_map(char::to_uppercase).collect()
}

/// One technique of one list. Columns: contract §3 `techniques`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Technique {
    /// The list's own number of it; dossiers refer to it.
    pub item: String,
    /// What the list says.
    pub kind: ListKind,
    /// Whose list.
    pub level: ListLevel,
    /// Its name.
    pub name: String,
    /// The codes that mean it.
    pub codes: Vec<ListCode>,
    /// ICD-10 prefixes: prohibited only with one of these; empty = always.
    pub diagnoses: Vec<String>,
    /// First day in force.
    pub valid_from: Option<Date>,
    /// Last day in force, which counts in full.
    pub valid_to: Option<Date>,
    /// The document.
    pub document: Option<String>,
}

impl Technique {
    /// Whether the list holds on `day`.
    pub fn in_force(&self, day: Date) -> bool {
        day_within(day, self.valid_from, self.valid_to)
    }

    /// Whether any of `codes` is meant.
    pub fn means<'c>(&self, codes: impl IntoIterator<Item = &'c ProcedureCode>) -> bool {
        codes.into_iter().any(|code| self.codes.iter().any(|own| own.covers(code)))
    }

    /// Whether one of `diagnoses` (ICD-10, dots ignored) has one of the prefixes that the entry names.
    pub fn names_diagnosis<'d>(&self, diagnoses: impl IntoIterator<Item = &'d str>) -> bool {
        let prefixes: Vec<String> = self
            .diagnoses
            .iter()
            .map(|prefix| fold_diagnosis(prefix.trim_end_matches('*')))
            .filter(|prefix| !prefix.is_empty())
            .collect();
        diagnoses.into_iter().any(|diagnosis| {
            let diagnosis = fold_diagnosis(diagnosis);
            prefixes.iter().any(|prefix| diagnosis.starts_with(prefix.as_str()))
        })
    }

    /// Whether the effective grade becomes 4 (SG 20: 省级以上限制类).
    pub fn raises_grade(&self) -> bool {
        self.kind == ListKind::Restricted
            && matches!(self.level, ListLevel::National | ListLevel::Provincial)
    }
}

/// State of a dossier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DossierState {
    /// In use.
    #[default]
    Active,
    /// 暂停
    Suspended,
    /// 停止
    Stopped,
    /// 备案取消
    Cancelled,
}

/// What the institution has done about a regulated technique. Columns: contract §3 `dossiers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dossier {
    /// The technique's item.
    pub item: String,
    /// 自我评估 (MT 11).
    pub self_assessed_on: Option<Date>,
    /// 伦理审查 (MT 13).
    pub ethics_approved_on: Option<Date>,
    /// 首例 (MT 11: its day is not counted).
    pub first_case_on: Option<Date>,
    /// 备案 (MT 11).
    pub filed_on: Option<Date>,
    /// 备案号.
    pub filing_no: Option<String>,
    /// Its state.
    pub state: DossierState,
}

/// The first two letters of a code, dots left out: how [`Index`] sorts codes.
type Key = [u8; 2];

fn key(mut letters: impl Iterator<Item = u8>) -> Option<Key> {
    Some([letters.next()?, letters.next()?])
}

/// Where in `techniques` the codes with the same first two letters stand.
#[derive(Clone, Debug, Default)]
struct Index {
    by_key: HashMap<Key, Vec<usize>>,
    /// Techniques with a code of a single letter: they may mean anything.
    short: Vec<usize>,
}

impl Index {
    fn new(techniques: &[Technique]) -> Self {
        let mut index = Self::default();
        for (at, technique) in techniques.iter().enumerate() {
            for code in &technique.codes {
                let places = match code.key() {
                    Some(key) => index.by_key.entry(key).or_default(),
                    None => &mut index.short,
                };
                if places.last() != Some(&at) {
                    places.push(at);
                }
            }
        }
        index
    }

    fn candidates(&self, code: &ProcedureCode) -> impl Iterator<Item = usize> {
        let places = key(dotless(code)).and_then(|key| self.by_key.get(&key));
        places.into_iter().flatten().chain(&self.short).copied()
    }
}

/// All lists and dossiers of one version of the register. Built once with [`Lists::new`], then only
/// read.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    /// The register version.
    pub version: i64,
    /// Every technique of every list.
    pub techniques: Vec<Technique>,
    /// Every dossier.
    pub dossiers: Vec<Dossier>,
    index: Index,
}

impl Lists {
    /// Indexes the techniques by their codes.
    pub fn new(version: i64, techniques: Vec<Technique>, dossiers: Vec<Dossier>) -> Self {
        let index = Index::new(&techniques);
        Self { version, techniques, dossiers, index }
    }

    /// The techniques, in force or not, that any of `codes` is meant by; in the order of the lists.
    pub fn meaning<'l, 'c>(
        &'l self,
        codes: impl IntoIterator<Item = &'c ProcedureCode>,
    ) -> Vec<&'l Technique> {
        let mut found: Vec<usize> = Vec::new();
        if self.techniques.is_empty() {
            return Vec::new();
        }
        for code in codes {
            for at in self.index.candidates(code) {
                let means =
                    self.techniques.get(at).is_some_and(|technique| technique.means([code]));
                if means && !found.contains(&at) {
                    found.push(at);
                }
            }
        }
        found.sort_unstable();
        found.into_iter().filter_map(|at| self.techniques.get(at)).collect()
    }

    /// The techniques in force on `day` that any of `codes` is meant by.
    pub fn about(&self, codes: &[ProcedureCode], day: Date) -> impl Iterator<Item = &Technique> {
        self.meaning(codes).into_iter().filter(move |technique| technique.in_force(day))
    }

    /// The dossier of a technique.
    pub fn dossier(&self, item: &str) -> Option<&Dossier> {
        self.dossiers.iter().find(|dossier| dossier.item == item)
    }

    /// Whether any list, in force or not, means `code` (the surgical test).
    pub fn mention(&self, code: &ProcedureCode) -> bool {
        !self.meaning([code]).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(list: &str, code: &str) -> bool {
        ListCode::new(list).unwrap().covers(&ProcedureCode::new(code).unwrap())
    }

    #[test]
    fn a_list_is_not_evaded_by_dots_or_by_an_extension() {
        assert!(covers("45.91*", "45.91"));
        assert!(covers("45.91*", "45.9104"));
        assert!(covers("45.91*", "459104"));
        assert!(covers("4591*", "45.9100x006"));
        assert!(covers("40.9X00x003", "40.9x00X003"));
        assert!(covers("39.6500", "396500"));
    }

    #[test]
    fn a_code_without_star_means_itself_only() {
        assert!(!covers("45.91", "45.9104"));
        assert!(!covers("45.9104", "45.91"));
        assert!(!covers("45.91*", "45.9"));
        assert!(!covers("45.91*", "45.92"));
        assert_eq!(ListCode::new(" "), None);
        assert_eq!(ListCode::new("*"), None);
        assert_eq!(ListCode::new(".*"), None);
        assert_eq!(ListCode::new("45.91*").unwrap().written(), "4591*");
    }
}
