//! What each role may, and what each account sees.

use crate::accounts::account::{Permit, Role, Scope};

#[test]
fn each_permit_needs_its_role_and_no_role_has_all() {
    use Permit::{Administer, Audit, ChangeRegister, Operate, Review, See};
    let all = [See, Review, ChangeRegister, Operate, Audit, Administer];
    let may = |role: Role| all.into_iter().filter(|p| role.permits(*p)).collect::<Vec<_>>();
    assert_eq!(may(Role::Viewer), [See]);
    assert_eq!(may(Role::Reviewer), [See, Review]);
    assert_eq!(may(Role::Registrar), [See, ChangeRegister]);
    assert_eq!(may(Role::Operator), [Operate]);
    assert_eq!(may(Role::Auditor), [See, Audit]);
    assert_eq!(may(Role::Admin), [Administer]);
    let words: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
    assert_eq!(words.join(", "), Role::WORDS);
}

#[test]
fn a_limited_account_sees_its_departments_only() {
    let some = Scope::Departments(vec!["0301".to_owned()]);
    assert!(some.sees(Some("0301")) && !some.sees(Some("0302")) && !some.sees(None));
    assert!(Scope::All.sees(None) && Scope::All.sees(Some("0302")));
}
