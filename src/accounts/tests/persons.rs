//! Accounts of people for whom another system answers.

use crate::accounts::account::{Role, Scope};
use crate::accounts::error::AccountsError;
use crate::accounts::keep::Chosen;
use crate::accounts::oidc::Person;
use crate::accounts::tests::{PASSWORD, at, with_wang};
use crate::accounts::{Accounts, LoggedIn, LoginRefused};

fn li(roles: &[Role]) -> Person {
    Person {
        subject: "https://id 1".to_owned(),
        account: "li".to_owned(),
        display: "李样例".to_owned(),
        staff: Some("D91".to_owned()),
        roles: roles.to_vec(),
        scope: None,
    }
}

async fn come(
    accounts: &Accounts,
    person: &Person,
    minutes: i64,
) -> Result<LoggedIn, LoginRefused> {
    match accounts.admit(person, at(minutes)).await.unwrap() {
        Ok(account) => accounts.enter(account, at(minutes)).await.unwrap(),
        Err(refused) => Err(refused),
    }
}

#[tokio::test]
async fn who_another_system_answers_for_has_no_password_and_follows_what_it_says() {
    let accounts = with_wang().await;
    let first = come(&accounts, &li(&[Role::Viewer]), 0).await.unwrap().account;
    assert!(!first.must_change);
    assert_eq!((first.staff.as_deref(), &first.scope), (Some("D91"), &Scope::All));
    for password in ["", PASSWORD] {
        assert!(accounts.log_in("li", password, at(0)).await.unwrap().is_err());
    }
    let given = accounts.set_password("li", PASSWORD, Chosen::ForThem).await;
    assert!(matches!(given, Err(AccountsError::NoPassword(_))));
    let own = Scope::Departments(vec!["0301".to_owned()]);
    let later =
        Person { account: "li2".to_owned(), scope: Some(own.clone()), ..li(&[Role::Auditor]) };
    let account = come(&accounts, &later, 1).await.unwrap().account;
    assert_eq!((account.name.as_str(), account.roles.as_slice()), ("li", &[Role::Auditor][..]));
    assert_eq!(account.scope, own);
    // What it does not say stays.
    let account = come(&accounts, &li(&[Role::Auditor]), 2).await.unwrap().account;
    assert_eq!(account.scope, own);
}

#[tokio::test]
async fn a_local_account_is_not_taken_over_nor_one_of_another_person() {
    let accounts = with_wang().await;
    let wang = Person { account: "wang".to_owned(), ..li(&[Role::Admin]) };
    assert_eq!(come(&accounts, &wang, 0).await.unwrap_err(), LoginRefused::Taken);
    assert_eq!(accounts.account("wang").await.unwrap().roles, [Role::Reviewer]);
    assert!(accounts.log_in("wang", PASSWORD, at(0)).await.unwrap().is_ok());
    come(&accounts, &li(&[Role::Viewer]), 0).await.unwrap();
    let other = Person { subject: "https://id 2".to_owned(), ..li(&[Role::Viewer]) };
    assert_eq!(come(&accounts, &other, 1).await.unwrap_err(), LoginRefused::Taken);
}

#[tokio::test]
async fn without_a_role_nobody_is_in_and_who_has_lost_the_last_one_is_out() {
    let accounts = with_wang().await;
    assert_eq!(come(&accounts, &li(&[]), 0).await.unwrap_err(), LoginRefused::NoRole);
    assert!(accounts.account("li").await.is_err(), "nothing is left of it");
    let token = come(&accounts, &li(&[Role::Viewer]), 1).await.unwrap().token;
    assert!(accounts.session(&token, at(2), true).await.unwrap().is_some());
    assert_eq!(come(&accounts, &li(&[]), 3).await.unwrap_err(), LoginRefused::NoRole);
    assert!(accounts.session(&token, at(3), true).await.unwrap().is_none());
}

#[tokio::test]
async fn a_closed_or_ended_or_locked_account_stays_so_whatever_the_other_system_says() {
    let accounts = with_wang().await;
    come(&accounts, &li(&[Role::Viewer]), 0).await.unwrap();
    accounts.set_usable("li", false).await.unwrap();
    let refused = come(&accounts, &li(&[Role::Admin]), 1).await.unwrap_err();
    assert_eq!(refused, LoginRefused::Disabled);
    accounts.set_usable("li", true).await.unwrap();
    // Wrong passwords of others do not lock out who has none.
    for _ in 0..20 {
        let refused = accounts.log_in("li", "wrong", at(2)).await.unwrap().unwrap_err();
        assert_eq!(refused, LoginRefused::Wrong);
    }
    assert!(come(&accounts, &li(&[Role::Viewer]), 2).await.is_ok());
    accounts.lock("li", at(10)).await.unwrap();
    let refused = come(&accounts, &li(&[Role::Viewer]), 3).await.unwrap_err();
    assert_eq!(refused, LoginRefused::Locked(at(10)));
    assert!(come(&accounts, &li(&[Role::Viewer]), 10).await.is_ok());
}
