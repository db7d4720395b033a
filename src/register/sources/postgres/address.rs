//! What the address of a shared database says of TLS: whether it is enough, and whether its files can be used.

use std::borrow::Cow;
use std::net::IpAddr;
use std::path::PathBuf;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::net::tls::ClientTls;
use crate::net::tls::client::ClientFiles;

/// What sqlx takes. It passes over anything else with a line in the log: a `sslmode` with a slip of the pen would be none.
const KEYS: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// What keeps others from reading along with a database, or from posing as it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// It is on this machine.
    Local,
    /// Its certificate must be signed by somebody trusted, and name it.
    Named,
    /// Its certificate must be signed by somebody trusted, for whatever name.
    Signed,
    /// TLS with whoever answers.
    Anybody,
    /// No TLS, as somebody decided.
    Plain,
}

impl Protection {
    /// What may happen all the same, and what to do about it.
    pub fn danger(self) -> Option<&'static str> {
        match self {
            Self::Local | Self::Named => None,
            Self::Signed => Some(
                "verify-ca takes the certificate of any host that the CA has signed: write sslmode=verify-full",
            ),
            Self::Anybody => Some(
                "require takes any certificate, so whoever stands in between can pose as the database: write \
                 sslmode=verify-full&sslrootcert=/…/ca.pem",
            ),
            Self::Plain => Some(
                "privileges and patient data cross the network unencrypted: write \
                 sslmode=verify-full&sslrootcert=/…/ca.pem",
            ),
        }
    }
}

/// What an address asks for, and the files it names. `said`: the part after the question mark.
///
/// # Errors
/// What is not understood, not enough, or cannot be read; what may be secret is not repeated.
pub(super) fn look_at<'u>(
    said: impl Iterator<Item = (Cow<'u, str>, Cow<'u, str>)>,
    options: &PgConnectOptions,
) -> Result<(Protection, Option<ClientTls>), String> {
    let (mut ca, mut cert, mut key) = (None, None, None);
    for (name, value) in said {
        match &*name {
            "sslrootcert" | "ssl-root-cert" | "ssl-ca" => ca = Some(file(&value)?),
            "sslcert" | "ssl-cert" => cert = Some(file(&value)?),
            "sslkey" | "ssl-key" => key = Some(file(&value)?),
            known if KEYS.contains(&known) || known.starts_with("options[") => {}
            _ => {
                return Err(format!(
                    "what stands after the question mark is not understood, it may say {}",
                    KEYS.join(", ")
                ));
            }
        }
    }
    let protection = protection(options, ca.is_some())?;
    if matches!(options.get_ssl_mode(), PgSslMode::Disable) {
        return Ok((protection, None));
    }
    let identity = match (cert, key) {
        (Some(cert), Some(key)) => Some((cert, key)),
        (None, None) => None,
        _ => return Err("sslcert and sslkey belong together, write both or none".to_owned()),
    };
    // Who signs is of no account where nobody looks: then the machine's own roots may be missing, too.
    let verified = matches!(options.get_ssl_mode(), PgSslMode::VerifyCa | PgSslMode::VerifyFull);
    if !verified && identity.is_none() {
        return Ok((protection, None));
    }
    let files = ClientFiles { ca, identity };
    let tls = ClientTls::new(files, None, &[]).map_err(|error| match error.key() {
        "ca" => format!("sslrootcert: {error}"),
        "key" => format!("sslkey: {error}"),
        _ => format!("sslcert: {error}"),
    })?;
    Ok((protection, Some(tls)))
}

/// sqlx would also take what is in the file.
fn file(value: &str) -> Result<PathBuf, String> {
    if value.trim_start().starts_with("-----BEGIN") {
        return Err("sslrootcert, sslcert and sslkey must name files".to_owned());
    }
    Ok(PathBuf::from(value))
}

fn protection(options: &PgConnectOptions, names_ca: bool) -> Result<Protection, String> {
    let protection = match options.get_ssl_mode() {
        // sqlx takes it for `disable`.
        PgSslMode::Allow => {
            return Err("sslmode=allow never uses TLS here, write verify-full or disable".into());
        }
        // libpq would look at the certificate then, sqlx does not.
        PgSslMode::Require if names_ca => {
            let text = "sslmode=require does not look at certificates, and sslrootcert would be of no account: \
                 write sslmode=verify-full";
            return Err(text.into());
        }
        PgSslMode::VerifyFull => Protection::Named,
        _ if local(options) => Protection::Local,
        PgSslMode::VerifyCa => Protection::Signed,
        PgSslMode::Require => Protection::Anybody,
        PgSslMode::Disable => Protection::Plain,
        PgSslMode::Prefer => {
            return Err("it does not say sslmode, and whoever stands in between could have all of it in plain \
                 text: write sslmode=verify-full&sslrootcert=/…/ca.pem, or sslmode=disable where the network is \
                 trusted"
                .into());
        }
    };
    Ok(protection)
}

/// Whether nothing leaves this machine.
fn local(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    if options.get_socket().is_some() || host.starts_with('/') {
        return true;
    }
    let address = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    let loopback = |ip: IpAddr| ip.to_canonical().is_loopback();
    host.eq_ignore_ascii_case("localhost") || address.parse().is_ok_and(loopback)
}
