//! TLS on listeners and towards upstreams, against OpenSSL, Python and Node: who gets in, who is not trusted, what a
//! peer that speaks the wrong thing sees, certificates that change while the gate runs.

mod check;
mod http;
mod openssl;
mod reload;
mod sender;
mod senders;
mod upstreams;

use crate::support::certificates::Authority;
use crate::support::gate::{Gate, Hospital};

/// `[mllp.tls]` (or of another table) with these keys.
fn table(name: &str, keys: &[(&str, &str)]) -> String {
    let lines: Vec<String> = keys.iter().map(|(key, value)| format!("{key} = {value:?}")).collect();
    format!("[{name}]\n{}", lines.join("\n"))
}

/// A hospital, who signs its certificates, and the files of the gate's own: `ca`, `cert`, `key`.
fn hospital() -> (Hospital, Authority, [String; 3]) {
    let hospital = Hospital::new();
    let authority = Authority::new("the hospital's CA");
    let ca = hospital.file("ca.pem", &authority.pem);
    let [cert, key] = hospital.pair("gate", &authority.issue("gate"));
    (hospital, authority, [ca, cert, key])
}

fn port(gate: &Gate) -> String {
    gate.address().port().to_string()
}
