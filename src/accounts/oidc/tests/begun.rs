//! What binds a login to the browser that began it.

use crate::accounts::oidc::Begun;
use crate::accounts::tests::at;

#[test]
fn a_login_is_known_again_by_its_cookie_alone_and_for_ten_minutes() {
    let begun = Begun::new(at(0)).unwrap();
    let (cookie, state) = (begun.reveal(), begun.state());
    let again = Begun::sent(&cookie, at(9)).unwrap();
    assert!(again.is_state(&state));
    assert_eq!((again.nonce(), again.verifier()), (begun.nonce(), begun.verifier()));
    assert_eq!(begun.verifier().len(), 43, "RFC 7636");
    assert_eq!(Begun::sent(&cookie, at(10)), None, "too late");
    assert_eq!(Begun::sent(&cookie, at(-1)), None, "of a time to come");
    for wrong in ["", ".", "abc.1", &state, &cookie.replace('.', ""), &format!("{cookie}x")] {
        assert_eq!(Begun::sent(wrong, at(0)), None, "{wrong}");
    }
    assert_eq!(format!("{begun:?}"), "Begun(…)");
}

#[test]
fn every_login_has_a_state_nonce_and_verifier_of_its_own_and_none_tells_another() {
    let (one, other) = (Begun::new(at(0)).unwrap(), Begun::new(at(0)).unwrap());
    let mut all = vec![one.state(), one.nonce(), one.verifier(), other.state(), other.nonce()];
    all.extend([other.verifier(), one.reveal(), other.reveal()]);
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count);
    for wrong in [other.state(), one.nonce(), String::new(), "é".repeat(43)] {
        assert!(!one.is_state(&wrong), "{wrong}");
    }
    // Who makes the cookie younger holds another state.
    let word = one.reveal().split('.').next().unwrap().to_owned();
    let younger = format!("{word}.{}", at(5).as_second());
    assert!(!Begun::sent(&younger, at(12)).unwrap().is_state(&one.state()));
}
