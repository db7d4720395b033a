//! What administrators may change, and what comes of it.

use crate::accounts::account::{Account, Role, Scope, Status};
use crate::accounts::change::{Change, ChangeRefused, weigh};
use crate::accounts::tests::{PASSWORD, at, with_wang};

fn account(name: &str, roles: &[Role]) -> Account {
    Account {
        name: name.to_owned(),
        display: name.to_owned(),
        staff: None,
        roles: roles.to_vec(),
        scope: Scope::All,
        status: Status::Active,
        vendor: false,
        expires: None,
        must_change: false,
        locked_until: None,
        subject: None,
        created: at(0),
        created_by: "root".to_owned(),
        last_login: None,
    }
}

fn roles(roles: &[Role]) -> Change {
    Change::Rights { roles: roles.to_vec(), scope: None, expires: None }
}

fn ends(roles: &[Role], minutes: i64) -> Change {
    Change::Rights { roles: roles.to_vec(), scope: None, expires: Some(at(minutes)) }
}

const ADMIN: &[Role] = &[Role::Admin];

#[test]
fn nobody_takes_administration_from_themselves_or_from_the_last_who_has_it() {
    let two = [account("a", ADMIN), account("b", ADMIN)];
    let closes = [Change::Disable, roles(&[Role::Viewer]), ends(ADMIN, 60)];
    for change in &closes {
        assert_eq!(weigh(&two, "a", "a", change, at(0)), Err(ChangeRefused::Own), "{change:?}");
        assert_eq!(weigh(&two, "a", "b", change, at(0)), Ok(()), "{change:?}");
    }
    // Others that may be gone tomorrow do not count: closed, ending, or of the identity provider.
    let gone = [
        Account { status: Status::Disabled, ..account("b", ADMIN) },
        Account { expires: Some(at(1)), ..account("b", ADMIN) },
        Account { subject: Some("https://id 1".to_owned()), ..account("b", ADMIN) },
        account("b", &[Role::Operator]),
    ];
    for other in gone {
        let all = [account("a", ADMIN), other];
        for change in &closes {
            let refused = weigh(&all, "b", "a", change, at(0));
            assert_eq!(refused, Err(ChangeRefused::LastAdmin), "{change:?} {all:?}");
        }
    }
    assert_eq!(weigh(&two, "a", "a", &roles(&[Role::Viewer, Role::Admin]), at(0)), Ok(()));
    // Without any that stays, the last that keeps them today is kept.
    let ending = Account { expires: Some(at(9)), ..account("a", ADMIN) };
    let refused = weigh(std::slice::from_ref(&ending), "x", "a", &Change::Disable, at(0));
    assert_eq!(refused, Err(ChangeRefused::LastAdmin));
}

#[test]
fn what_makes_no_sense_is_refused_with_its_reason() {
    let by_provider =
        Account { subject: Some("https://id 1".to_owned()), ..account("p", &[Role::Viewer]) };
    let vendor = Account { vendor: true, expires: Some(at(60)), ..account("v", &[Role::Operator]) };
    let all = [account("a", ADMIN), by_provider, vendor];
    let day = 24 * 60;
    let cases = [
        ("nobody", Change::Disable, ChangeRefused::Unknown),
        ("a", Change::Enable, ChangeRefused::Same),
        ("a", roles(ADMIN), ChangeRefused::Same),
        ("a", Change::Unlock, ChangeRefused::Same),
        ("v", roles(&[]), ChangeRefused::NoRole),
        ("v", ends(&[Role::Operator], -1), ChangeRefused::Past),
        ("v", roles(&[Role::Operator]), ChangeRefused::VendorExpiry),
        ("v", ends(&[Role::Operator], 91 * day), ChangeRefused::VendorExpiry),
        ("p", roles(&[Role::Admin]), ChangeRefused::Elsewhere),
        ("p", Change::Password, ChangeRefused::NoPassword),
    ];
    for (name, change, refused) in cases {
        assert_eq!(weigh(&all, "a", name, &change, at(0)), Err(refused), "{name} {change:?}");
    }
    let keeper = Account { subject: Some("https://id 2".to_owned()), ..account("k", ADMIN) };
    let both = [account("a", ADMIN), keeper];
    let own = weigh(&both, "k", "k", &Change::EndSessions, at(0));
    assert_eq!(own, Ok(()), "ending one's own sessions takes nothing away");
    let good = [
        ("v", ends(&[Role::Operator], 90 * day)),
        ("p", ends(&[Role::Viewer], 60)),
        ("p", Change::Disable),
        ("v", Change::Password),
        ("v", Change::EndSessions),
    ];
    for (name, change) in good {
        assert_eq!(weigh(&all, "a", name, &change, at(0)), Ok(()), "{name} {change:?}");
    }
}

#[tokio::test]
async fn a_change_counts_at_once_and_sessions_are_counted_and_ended() {
    let accounts = with_wang().await;
    let first = accounts.log_in("wang", PASSWORD, at(0)).await.unwrap().unwrap().token;
    accounts.log_in("wang", PASSWORD, at(1)).await.unwrap().unwrap();
    assert_eq!(accounts.sessions(at(2)).await.unwrap().get("wang"), Some(&2));
    // Idle for too long: it is none any more, though it is not swept yet.
    assert_eq!(accounts.sessions(at(30)).await.unwrap().get("wang"), Some(&1));
    let own = Scope::Departments(vec!["0301".to_owned()]);
    let rights = |scope| Change::Rights { roles: vec![Role::Viewer], scope, expires: Some(at(60)) };
    accounts.change("wang", &rights(Some(own.clone()))).await.unwrap();
    let session = accounts.session(&first, at(3), true).await.unwrap().unwrap();
    assert_eq!((session.account.roles, session.account.scope), (vec![Role::Viewer], own.clone()));
    accounts.change("wang", &rights(None)).await.unwrap();
    let kept = accounts.account("wang").await.unwrap();
    assert_eq!((kept.scope, kept.expires), (own, Some(at(60))));
    accounts.change("wang", &Change::EndSessions).await.unwrap();
    assert!(accounts.session(&first, at(4), true).await.unwrap().is_none());
    assert!(accounts.sessions(at(4)).await.unwrap().is_empty());
    accounts.lock("wang", at(50)).await.unwrap();
    accounts.change("wang", &Change::Unlock).await.unwrap();
    assert!(accounts.log_in("wang", PASSWORD, at(5)).await.unwrap().is_ok());
    let nobody = super::accounts().await;
    assert!(nobody.change("wang", &Change::Unlock).await.is_err());
}
