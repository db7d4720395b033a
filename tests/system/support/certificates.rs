//! Certificates of the tests: good, expired, of another name, of nobody known.

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use orgate::clock::Clock;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use crate::support::gate::Hospital;

/// Somebody who signs.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, PEM.
    pub(crate) pem: String,
}

/// A certificate and its key, PEM.
pub(crate) struct Pair {
    pub(crate) cert: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = named(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// For `localhost` and 127.0.0.1, good for a year.
    pub(crate) fn issue(&self, name: &str) -> Pair {
        self.issue_for(name, &["localhost", "127.0.0.1"], (-1, 365))
    }

    /// For these names, from and to so many days from today.
    pub(crate) fn issue_for(&self, name: &str, names: &[&str], days: (i64, i64)) -> Pair {
        let key = KeyPair::generate().expect("a key");
        let mut params = named(name, names);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let [from, to] = [days.0, days.1].map(day);
        params.not_before = date_time_ymd(from.0, from.1, from.2);
        params.not_after = date_time_ymd(to.0, to.1, to.2);
        let cert = params.signed_by(&key, &self.issuer).expect("a certificate").pem();
        Pair { cert, key: key.serialize_pem() }
    }
}

impl Hospital {
    /// Certificate and key as `NAME.pem` and `NAME.key`; gives their paths.
    pub(crate) fn pair(&self, name: &str, pair: &Pair) -> [String; 2] {
        [
            self.file(&format!("{name}.pem"), &pair.cert),
            self.file(&format!("{name}.key"), &pair.key),
        ]
    }
}

/// Signed by itself.
pub(crate) fn self_signed(name: &str) -> Pair {
    let key = KeyPair::generate().expect("a key");
    let cert = named(name, &["localhost", "127.0.0.1"]).self_signed(&key).expect("a certificate");
    Pair { cert: cert.pem(), key: key.serialize_pem() }
}

fn named(name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// Year, month and day, so many days from today.
fn day(days: i64) -> (i32, u8, u8) {
    let at = Clock::System.now() + SignedDuration::from_hours(24 * days);
    let date = TimeZone::UTC.to_datetime(at).date();
    let part = |part: i8| u8::try_from(part).expect("a date");
    (i32::from(date.year()), part(date.month()), part(date.day()))
}
