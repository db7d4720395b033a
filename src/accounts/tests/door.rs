//! In with the right password, locked after wrong ones, out when a session has ended.

use std::time::Duration;

use crate::accounts::account::{NewAccount, Role};
use crate::accounts::error::AccountsError;
use crate::accounts::keep::Chosen;
use crate::accounts::tests::{PASSWORD, at, new, with_wang};
use crate::accounts::{LoginRefused, Token, generated};

#[tokio::test]
async fn the_right_password_opens_and_the_session_goes_on_until_idle_or_old() {
    let accounts = with_wang().await;
    let entered = accounts.log_in("wang", PASSWORD, at(0)).await.unwrap().unwrap();
    let (token, session) = (&entered.token, |minutes, active| {
        let accounts = accounts.clone();
        let token = entered.token.clone();
        async move { accounts.session(&token, at(minutes), active).await.unwrap().is_some() }
    });
    assert!(Token::sent(token.reveal()).is_some());
    assert!(session(29, true).await && session(58, true).await);
    // A page that refreshes itself does not keep it alive.
    assert!(session(80, false).await && !session(88, true).await && !session(60, true).await);
    let second = accounts.log_in("wang", PASSWORD, at(100)).await.unwrap().unwrap().token;
    for minutes in (120..820).step_by(20) {
        assert!(accounts.session(&second, at(minutes), true).await.unwrap().is_some());
    }
    assert!(accounts.session(&second, at(820), true).await.unwrap().is_none());
    let other = Token::new().unwrap();
    assert!(accounts.session(&other, at(101), true).await.unwrap().is_none());
}

#[tokio::test]
async fn wrong_passwords_lock_the_account_for_a_while_also_against_the_right_one() {
    let accounts = with_wang().await;
    for _ in 0..4 {
        let refused = accounts.log_in("wang", "wrong", at(0)).await.unwrap().unwrap_err();
        assert_eq!(refused, LoginRefused::Wrong);
    }
    let refused = accounts.log_in("wang", "wrong", at(1)).await.unwrap().unwrap_err();
    assert_eq!(refused, LoginRefused::Locked(at(16)));
    let refused = accounts.log_in("wang", PASSWORD, at(15)).await.unwrap().unwrap_err();
    assert_eq!(refused, LoginRefused::Locked(at(16)));
    assert!(accounts.log_in("wang", PASSWORD, at(16)).await.unwrap().is_ok());
    // Counted from the beginning again.
    assert_eq!(
        accounts.log_in("wang", "wrong", at(17)).await.unwrap().unwrap_err(),
        LoginRefused::Wrong
    );
    assert_eq!(
        accounts.log_in("nobody", "wrong", at(17)).await.unwrap().unwrap_err(),
        LoginRefused::Wrong
    );
}

#[tokio::test]
async fn passwords_tried_at_once_are_no_more_tries() {
    let accounts = with_wang().await;
    let before = accounts.account("wang").await.unwrap();
    let turns = u32::try_from(accounts.hashing.available_permits()).unwrap();
    let held = accounts.hashing.acquire_many(turns).await.unwrap();
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let accounts = accounts.clone();
        tries.spawn(async move { accounts.log_in("wang", "wrong", at(0)).await.unwrap() });
    }
    // All have found the account open and wait for their turn to hash.
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(held);
    let refused = tries.join_all().await.into_iter().map(Result::unwrap_err);
    let (wrong, locked): (Vec<_>, Vec<_>) =
        refused.partition(|refused| *refused == LoginRefused::Wrong);
    assert_eq!((wrong.len(), locked.len()), (4, 16));
    assert!(locked.iter().all(|refused| *refused == LoginRefused::Locked(at(15))));
    // Nor is somebody let in whose account was looked at before it was locked.
    let outcome = accounts.enter(before, at(1)).await.unwrap();
    assert_eq!(outcome.unwrap_err(), LoginRefused::Locked(at(15)));
}

#[tokio::test]
async fn closing_an_account_or_changing_its_password_ends_its_sessions() {
    let accounts = with_wang().await;
    let token = accounts.log_in("wang", PASSWORD, at(0)).await.unwrap().unwrap().token;
    assert!(accounts.account("wang").await.unwrap().must_change);
    accounts.set_password("wang", "another-one-88", Chosen::ByOwner).await.unwrap();
    assert!(!accounts.account("wang").await.unwrap().must_change);
    assert!(accounts.session(&token, at(1), true).await.unwrap().is_none());
    assert!(accounts.log_in("wang", PASSWORD, at(1)).await.unwrap().is_err());
    let token = accounts.log_in("wang", "another-one-88", at(1)).await.unwrap().unwrap().token;
    accounts.set_usable("wang", false).await.unwrap();
    assert!(accounts.session(&token, at(2), true).await.unwrap().is_none());
    let refused = accounts.log_in("wang", "another-one-88", at(2)).await.unwrap().unwrap_err();
    assert_eq!(refused, LoginRefused::Disabled);
    let token = {
        accounts.set_usable("wang", true).await.unwrap();
        accounts.log_in("wang", "another-one-88", at(3)).await.unwrap().unwrap().token
    };
    accounts.lock("wang", at(60)).await.unwrap();
    assert!(accounts.session(&token, at(4), true).await.unwrap().is_none());
    accounts.log_out(&token).await.unwrap();
}

#[tokio::test]
async fn an_account_of_a_vendor_ends_by_itself() {
    let accounts = with_wang().await;
    let days = |days: i64| Some(at(days * 24 * 60));
    let vendor = |expires| NewAccount { vendor: true, expires, ..new("vendor", &[Role::Operator]) };
    for wrong in [None, days(91), days(0)] {
        let outcome = accounts.add(&vendor(wrong), PASSWORD, "root", at(0)).await;
        assert!(matches!(outcome, Err(AccountsError::VendorExpiry(90))), "{wrong:?}");
    }
    accounts.add(&vendor(days(90)), PASSWORD, "root", at(0)).await.unwrap();
    let end = 90 * 24 * 60;
    let token = accounts.log_in("vendor", PASSWORD, at(end - 1)).await.unwrap().unwrap().token;
    assert!(accounts.session(&token, at(end), true).await.unwrap().is_none());
    let refused = accounts.log_in("vendor", PASSWORD, at(end)).await.unwrap().unwrap_err();
    assert_eq!(refused, LoginRefused::Expired);
}

#[tokio::test]
async fn easy_passwords_odd_names_and_second_accounts_are_refused() {
    let accounts = with_wang().await;
    for easy in
        ["short", "aaaaaaaaaaaa", "mywang-is-here", "Password-2026", "x".repeat(300).as_str()]
    {
        let outcome = accounts.set_password("wang", easy, Chosen::ByOwner).await;
        assert!(matches!(outcome, Err(AccountsError::Password(_))), "{easy}");
    }
    for name in ["W", "Wang", "王", "a b", "../x", ""] {
        let outcome = accounts.add(&new(name, &[Role::Viewer]), PASSWORD, "root", at(0)).await;
        assert!(matches!(outcome, Err(AccountsError::Name(_))), "{name}");
    }
    let again = accounts.add(&new("wang", &[Role::Viewer]), PASSWORD, "root", at(0)).await;
    assert!(matches!(again, Err(AccountsError::Taken(_))));
    let none = accounts.add(&new("li", &[]), PASSWORD, "root", at(0)).await;
    assert!(matches!(none, Err(AccountsError::NoRole)));
    let generated = generated().unwrap();
    accounts.set_password("wang", &generated, Chosen::ForThem).await.unwrap();
    assert!(accounts.log_in("wang", &generated, at(0)).await.unwrap().is_ok());
}

#[test]
fn a_form_word_is_of_its_session_alone() {
    let (own, other) = (Token::new().unwrap(), Token::new().unwrap());
    assert!(own.is_form_word(&own.form_word()));
    for wrong in [other.form_word(), String::new(), "é".repeat(40), own.reveal().to_owned()] {
        assert!(!own.is_form_word(&wrong));
    }
    assert_eq!(format!("{own:?}"), "Token(…)");
    assert!(Token::sent("abc").is_none());
}
