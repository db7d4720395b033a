//! Entry bodies: what is accepted as canonical JSON is what the canonical writer makes of the same value, and what the
//! writer makes is accepted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orgate::ledger::{Body, canonical};
use serde_json::Value;

fuzz_target!(|text: &str| {
    let accepted = Body::new(text.to_owned());
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        assert!(accepted.is_err(), "canonical text is JSON");
        return;
    };
    let written = canonical(&value);
    if accepted.is_ok() {
        assert_eq!(written.as_deref(), Ok(text), "a value has one canonical text");
    }
    if let (Ok(written), true) = (written, value.is_object()) {
        assert!(Body::new(written).is_ok(), "what is written canonically is accepted");
    }
});
