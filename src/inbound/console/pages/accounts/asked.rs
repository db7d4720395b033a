//! What forms say of roles, departments and days.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::accounts::{Role, Scope};
use crate::inbound::console::pages::form::Form;

/// The roles that are ticked, each a field of its own.
pub(super) fn roles(form: &Form) -> Vec<Role> {
    let ticked = |role: &Role| !form.get(&format!("role-{}", role.as_str())).is_empty();
    Role::ALL.into_iter().filter(ticked).collect()
}

/// The word for no department at all.
const NONE: &str = "-";

/// Departments as a field shows them, and [`scope`] reads them.
pub(super) fn departments(scope: &Scope) -> String {
    match scope {
        Scope::All => String::new(),
        Scope::Departments(own) if own.is_empty() => NONE.to_owned(),
        Scope::Departments(own) => own.join(", "),
    }
}

/// Departments that a form changes; `None` where it leaves them as they are.
pub(super) fn scope_or_kept(form: &Form) -> Option<Scope> {
    (form.get("departments-as") != "told").then(|| scope(form))
}

/// Departments between commas of either kind, or 、 or line ends; none or `*` is all.
pub(super) fn scope(form: &Form) -> Scope {
    let parts = form.get("departments").split([',', '，', '、', ';', '；', '\n']).map(str::trim);
    let mut own: Vec<String> = parts.filter(|part| !part.is_empty()).map(str::to_owned).collect();
    if own.is_empty() || own.iter().any(|one| one == "*") {
        return Scope::All;
    }
    own.retain(|one| one != NONE);
    own.sort();
    own.dedup();
    Scope::Departments(own)
}

/// The end of an account whose last day is written; the day counts in full. `None`: what is written is no day.
pub(super) fn end(form: &Form, zone: &TimeZone) -> Option<Option<Timestamp>> {
    let Some(text) = form.filled("until") else { return Some(None) };
    let next = text.parse::<Date>().ok()?.tomorrow().ok()?;
    zone.to_timestamp(next.at(0, 0, 0, 0)).ok().map(Some)
}

/// The last day of an account that ends; empty where it does not.
pub(super) fn last_day(end: Option<Timestamp>, zone: &TimeZone) -> String {
    let last = end.and_then(|end| zone.to_datetime(end).date().yesterday().ok());
    last.map_or_else(String::new, |day| day.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_names_roles_departments_and_a_last_day_that_counts_in_full() {
        let form = Form::read(
            "role-admin=on&role-viewer=on&role-root=on&departments=0302%EF%BC%8C+0301%E3%80%810302\
             &until=2026-03-31",
        );
        assert_eq!(roles(&form), [Role::Viewer, Role::Admin]);
        let own = ["0301", "0302"].map(str::to_owned).to_vec();
        assert_eq!(scope(&form), Scope::Departments(own));
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let ends = end(&form, &zone).unwrap();
        assert_eq!(ends, Some("2026-03-31T16:00:00Z".parse().unwrap()));
        assert_eq!(last_day(ends, &zone), "2026-03-31");
        assert_eq!(scope(&Form::read("departments=+")), Scope::All);
        let none = Scope::Departments(Vec::new());
        assert_eq!(scope(&Form::read(&format!("departments={}", departments(&none)))), none);
        assert_eq!(scope_or_kept(&Form::read("departments=&departments-as=told")), None);
        assert_eq!(end(&Form::read("until="), &zone), Some(None));
        assert_eq!(end(&Form::read("until=2026-02-30"), &zone), None);
    }
}
