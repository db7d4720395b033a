//! What the hospital writes of its identity provider.

use std::path::PathBuf;

use crate::accounts::account::Role;

/// The provider, and what its words mean here.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its address, exactly as it names itself; discovery begins here.
    pub issuer: String,
    /// As whom the gate is known there.
    pub client_id: String,
    /// The file of the gate's secret; read at each login, so that it can be changed. None: a public client.
    pub secret_file: Option<PathBuf>,
    /// The authority of its certificate, where the system does not know it.
    pub ca_file: Option<PathBuf>,
    /// What is asked for besides `openid`.
    pub scopes: Vec<String>,
    /// Where browsers come back to: a path of this gate below its public address.
    pub redirect: String,
    /// What stands on the button.
    pub label: String,
    /// Under which names it says what.
    pub claims: Claims,
    /// Its words for groups, and the roles of their members.
    pub roles: Vec<(String, Vec<Role>)>,
}

/// Names of claims. A dot leads into an object: `realm_access.roles`.
#[derive(Clone, Debug)]
pub struct Claims {
    /// The account's name.
    pub account: String,
    /// The person's name.
    pub name: String,
    /// The person's staff number (工号).
    pub staff: String,
    /// Groups, of which [`Settings::roles`] speaks.
    pub roles: String,
    /// Departments, as messages write them; `None`: the provider does not say, and they are kept here.
    pub departments: Option<String>,
}
