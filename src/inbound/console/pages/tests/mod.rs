//! Small things of the pages: forms, masks, paths.

use crate::inbound::console::pages::form::Form;
use crate::inbound::console::pages::words::masked;

#[test]
fn a_form_is_decoded_and_the_first_of_a_name_counts() {
    let form = Form::read("a=1&b=%E6%97%A5+x&a=2&c&d=%FF");
    assert_eq!((form.get("a"), form.get("b"), form.get("c")), ("1", "日 x", ""));
    assert_eq!((form.filled("c"), form.filled("b")), (None, Some("日 x")));
    assert_eq!(form.get("d"), "\u{fffd}");
}

#[test]
fn a_masked_number_shows_no_more_than_its_end() {
    assert_eq!(masked("P2699001"), "••••01");
    assert_eq!(masked("P26"), "••••");
    assert_eq!(masked(""), "••••");
}
