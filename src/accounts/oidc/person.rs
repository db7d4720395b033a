//! Who somebody is, of what the provider says: claims → account, roles, departments. Pure.

use ring::digest::{SHA256, digest};
use serde_json::{Map, Value};

use crate::accounts::account::{Role, Scope, is_name};
use crate::accounts::oidc::settings::Settings;

/// Longest text that is taken over, in characters.
const TEXT_MAX: usize = 80;
/// Groups and departments that are looked at; directories hold many more for some people.
const VALUES_MAX: usize = 1_000;
/// The word for all departments.
const ALL: &str = "*";

/// Somebody for whom the provider answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Issuer and subject: these are the person, for ever. All else may change.
    pub subject: String,
    /// The account's name, if it is new.
    pub account: String,
    /// The person's name.
    pub display: String,
    /// The person's staff number.
    pub staff: Option<String>,
    /// As the groups say; may be none.
    pub roles: Vec<Role>,
    /// What they see, where the provider says so.
    pub scope: Option<Scope>,
}

impl Person {
    /// Reads claims of the person with this subject.
    pub(in crate::accounts::oidc) fn of(
        settings: &Settings,
        subject: &str,
        claims: &Map<String, Value>,
    ) -> Self {
        let names = &settings.claims;
        let text = |name: &str| values(claims, name).into_iter().next();
        let subject = format!("{} {subject}", settings.issuer);
        let account = text(&names.account).and_then(|text| account_name(&text));
        let account = account.unwrap_or_else(|| unnamed(&subject));
        let groups = values(claims, &names.roles);
        let mapped = settings.roles.iter().filter(|(group, _)| groups.contains(group));
        let mut roles: Vec<Role> = mapped.flat_map(|(_, roles)| roles.iter().copied()).collect();
        roles.sort_unstable();
        roles.dedup();
        Self {
            display: text(&names.name).unwrap_or_else(|| account.clone()),
            staff: text(&names.staff),
            scope: names.departments.as_deref().map(|name| scope(&values(claims, name))),
            subject,
            account,
            roles,
        }
    }
}

/// Whether the claims hold all that the settings name.
pub(in crate::accounts::oidc) fn complete(
    settings: &Settings,
    claims: &Map<String, Value>,
) -> bool {
    let names = &settings.claims;
    let all = [&names.account, &names.name, &names.staff, &names.roles];
    let all = all.into_iter().chain(&names.departments);
    all.into_iter().all(|name| find(claims, name).is_some())
}

/// A claim by its whole name, or by the way to it.
fn find<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    let (first, rest) = name.split_once('.')?;
    find(claims.get(first)?.as_object()?, rest)
}

/// The texts of a claim: of a list each, else the one.
fn values(claims: &Map<String, Value>, name: &str) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::String(text) => tidy(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match find(claims, name) {
        Some(Value::Array(list)) => list.iter().take(VALUES_MAX).filter_map(text).collect(),
        Some(one) => text(one).into_iter().collect(),
        None => Vec::new(),
    }
}

/// Without what cannot be seen; `None` when nothing is left.
fn tidy(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|sign| !sign.is_control()).take(TEXT_MAX).collect();
    Some(plain.trim().to_owned()).filter(|text| !text.is_empty())
}

/// `Zhang.San@hospital.example` → `zhang.san`.
fn account_name(text: &str) -> Option<String> {
    let name = text.split('@').next().unwrap_or_default().to_lowercase();
    is_name(&name).then_some(name)
}

/// A name for somebody whose own cannot be typed at every keyboard: always the same for the same person.
fn unnamed(subject: &str) -> String {
    let hash = hex::encode(digest(&SHA256, subject.as_bytes()).as_ref());
    format!("oidc-{}", hash.chars().take(12).collect::<String>())
}

/// Departments of a list, or between `;` or `,` of one text. None is none, not all.
fn scope(texts: &[String]) -> Scope {
    let parts = texts.iter().flat_map(|text| text.split([';', ',', '；', '，'])).map(str::trim);
    let mut own: Vec<String> = parts.filter(|part| !part.is_empty()).map(str::to_owned).collect();
    if own.iter().any(|one| one == ALL) {
        return Scope::All;
    }
    own.sort();
    own.dedup();
    Scope::Departments(own)
}
