//! `[console.oidc]` → the hospital's identity provider, and the roles of its groups.

use std::path::{Path, PathBuf};

use crate::accounts::Role;
use crate::accounts::oidc::{Claims, Settings};
use crate::config::reader::Section;
use crate::net::client::check_authority;

/// Where browsers come back to; what must be registered at the provider.
const BACK: &str = "/login/oidc/done";

/// Reads the table, if it is written.
pub(super) fn oidc(console: &Section<'_>, public_url: Option<&str>) -> Option<Settings> {
    let section = console.section("oidc");
    if !section.is_written() {
        return None;
    }
    let issuer = section.text_needed("issuer");
    if !issuer.is_empty() && !is_safe(&issuer) {
        let text = "`issuer` must begin with https:// (plain http only on this machine itself)";
        section.fault("issuer", text);
    }
    if public_url.is_none() {
        let text = "people come back from the provider: write `public_url` in [console]";
        section.fault("issuer", text);
    }
    let client_id = section.text_needed("client_id");
    let secret_file = section.text_or_none("client_secret_file").map(PathBuf::from);
    if let Some(Err(why)) = secret_file.as_deref().map(readable) {
        section.fault("client_secret_file", format!("`client_secret_file` cannot be used: {why}"));
    }
    let ca_file = section.text_or_none("ca_file").map(PathBuf::from);
    if let Some(Err(error)) = ca_file.as_deref().map(check_authority) {
        section.fault("ca_file", format!("`ca_file` cannot be used: {error}"));
    }
    let asked = section.texts("scopes");
    let scopes = if asked.is_empty() { vec!["profile".to_owned()] } else { asked };
    let claims = Claims {
        account: section.text("account_claim", "preferred_username"),
        name: section.text("name_claim", "name"),
        staff: section.text("staff_claim", "staff_no"),
        roles: section.text("roles_claim", "groups"),
        departments: section.text_or_none("departments_claim"),
    };
    let label = section.text("label", "统一认证登录");
    let roles = roles(&section);
    section.finish();
    let redirect = format!("{}{BACK}", public_url.unwrap_or_default().trim_end_matches('/'));
    Some(Settings {
        issuer,
        client_id,
        secret_file,
        ca_file,
        scopes,
        redirect,
        label,
        claims,
        roles,
    })
}

/// `"group" = ["role", …]`.
fn roles(section: &Section<'_>) -> Vec<(String, Vec<Role>)> {
    let table = section.section("roles");
    let mut mapped = Vec::new();
    for (group, words) in table.free_keys() {
        let roles: Option<Vec<Role>> = words.iter().map(|word| Role::from_name(word)).collect();
        match roles.filter(|roles| !roles.is_empty()) {
            Some(roles) => mapped.push((group.to_owned(), roles)),
            None => {
                table.fault(group, format!("`{group}` must be a list of {}", Role::WORDS));
            }
        }
    }
    if mapped.is_empty() {
        let text = "nobody could log in: map groups to roles in [console.oidc.roles]";
        section.fault("roles", text);
    }
    mapped
}

fn readable(file: &Path) -> Result<(), String> {
    match std::fs::read_to_string(file) {
        Ok(text) if text.trim().is_empty() => Err("it is empty".to_owned()),
        Ok(_) => Ok(()),
        Err(error) => Err(error.kind().to_string()),
    }
}

/// Whoever listens on the way could make themselves anybody.
fn is_safe(issuer: &str) -> bool {
    let Ok(uri) = issuer.parse::<http::Uri>() else { return false };
    let here = matches!(uri.host(), Some("127.0.0.1" | "localhost" | "[::1]"));
    match uri.scheme_str() {
        Some("https") => uri.host().is_some_and(|host| !host.is_empty()),
        Some("http") => here,
        _ => false,
    }
}
