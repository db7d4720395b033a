//! Configuration: every fault at once, with its line and what to write.

use std::path::Path;

use super::*;

const GOOD: &str = "[[mllp]]\nname = \"a\"\nlisten = \"127.0.0.1:0\"\nupstream = \"127.0.0.1:1\"\nmapping = \"mappings/hl7v2/standard.toml\"\n";

fn faults(text: &str) -> Vec<String> {
    match read("gate.toml", text) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.0.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_route_with_addresses_needs_nothing_else() {
    let settings = read("gate.toml", GOOD).unwrap();
    assert_eq!(settings.node.name, "gate-1");
    assert_eq!(settings.node.zone.iana_name(), Some("Asia/Shanghai"));
    assert!(settings.sync_every);
    assert_eq!(settings.mllp.len(), 1);
}

#[test]
fn the_reference_configuration_holds() {
    let text = include_str!("../../config/orgate.toml");
    assert_eq!(faults(text), Vec::<String>::new());
}

#[test]
fn every_fault_is_told_at_once_with_its_line() {
    let text = format!(
        "[node]\nnam = \"x\"\ntimezone = \"Mars/Base\"\n[register]\nfresh_s = -1\nsource = \"oracle\"\n\
         [policy.effects]\ngrant-missing = [\"off\"]\nsurgeon-not-licensed = [\"flag\", \"block\", \"flag\"]\nno-such = [\"flag\", \"flag\", \"flag\"]\n\
         [ledger]\nsync = \"never\"\n[extra]\nx = 1\n{GOOD}stance = \"watch\"\nmax_frame_kib = 0\n[[mllp]]\nname = \"a\"\nlisten = \"nowhere\"\nmapping = \"no/such.toml\"\n"
    );
    let faults = faults(&text);
    for wanted in [
        "gate.toml:2: unknown key `nam` in `node`, did you mean `name`?",
        "gate.toml:3: `timezone` must be an IANA name",
        "gate.toml:5: `fresh_s` must be a whole number",
        "gate.toml:6: `source` must be \"sqlite\"",
        "gate.toml:8: `grant-missing` must be three of",
        "gate.toml:9: `surgeon-not-licensed` is lifted by nothing",
        "gate.toml:10: `no-such` is no rule",
        "gate.toml:12: `sync` must be \"every\" or \"findings\"",
        "gate.toml:13: unknown key `extra`",
        "gate.toml:20: `stance` must be",
        "gate.toml:21: `max_frame_kib` must be",
        "gate.toml:24: `listen` must be an address and port",
        "`mllp` needs `upstream",
        "no/such.toml: cannot be read",
    ] {
        assert!(faults.iter().any(|fault| fault.contains(wanted)), "{wanted}\n{faults:#?}");
    }
}

#[test]
fn text_that_is_no_toml_says_where() {
    let faults = faults("[node\nname = 1 2\n");
    assert!(faults.iter().any(|fault| fault.starts_with("gate.toml:1:")), "{faults:?}");
}

const FHIR: &str = "[[fhir]]\nname = \"f\"\nlisten = \"127.0.0.1:0\"\nupstream = \"http://127.0.0.1:1/fhir\"\nmapping = \"mappings/fhir/r4.toml\"\n";

#[test]
fn where_a_gate_keeps_its_data_is_known_whatever_else_is_wrong() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let node = |text: &str| {
        std::fs::write(file.path(), text).unwrap();
        load_node(file.path())
    };
    let own = "[node]\ndata_dir = \"/var/lib/orgate\"\ntimezone = \"Asia/Urumqi\"\nnam = 1\n";
    for rest in ["", "[[mllp]]\nlisten = 1\n", "[register]\nsource = \"postgres\nx = [\"half"] {
        let node = node(&format!("{own}{rest}")).unwrap();
        assert_eq!(node.data_dir.to_str(), Some("/var/lib/orgate"), "{rest}");
        assert_eq!(node.zone.iana_name(), Some("Asia/Urumqi"));
    }
    let wrong = node("[node]\ntimezone = \"Mars/Base\"\n").unwrap_err();
    assert!(wrong.0.iter().any(|fault| fault.line == Some(2)), "{wrong:?}");
    assert!(load_node(Path::new("no/such.toml")).is_err());
}

#[test]
fn a_fhir_route_needs_no_hl7_route_beside_it() {
    let settings = read("gate.toml", FHIR).unwrap();
    assert!(settings.mllp.is_empty());
    let [route] = settings.fhir.as_slice() else { panic!("one route") };
    assert_eq!(route.upstream.url(), "http://127.0.0.1:1/fhir");
    assert_eq!(route.limits.bytes, 16 * 1024 * 1024);
    let none = faults("[node]\nname = \"x\"\n");
    assert!(none.iter().any(|fault| fault.contains("[[mllp]] or [[fhir]]")), "{none:?}");
}

#[test]
fn every_fault_of_a_fhir_route_is_told_at_once_with_its_line() {
    let text = "[[fhir]]\nname = \"f\"\nlisten = \"nowhere\"\nupstream = \"http://u@h/fhir?x=1\"\n\
                mapping = \"no/such.toml\"\nallow_operations = [\"graphql\"]\nrewrite_base = true\n\
                public_url = \"here\"\nmax_body_kib = 0\nmax_dept = 3\noutside_base = \"x\"\n";
    let faults = faults(text);
    for wanted in [
        "gate.toml:3: `listen` must be an address and port",
        "gate.toml:4: `upstream` must be http or https",
        "no/such.toml: cannot be read",
        "gate.toml:6: `allow_operations` must list operations with their `$`",
        "gate.toml:7: `rewrite_base` must be \"off\" or \"on\"",
        "gate.toml:8: `public_url` must be http or https",
        "gate.toml:9: `max_body_kib` must be",
        "gate.toml:10: unknown key `max_dept` in `fhir`, did you mean `max_depth`?",
        "gate.toml:11: `outside_base` must be",
    ] {
        assert!(faults.iter().any(|fault| fault.contains(wanted)), "{wanted}\n{faults:#?}");
    }
}

#[test]
fn routes_of_different_protocols_do_not_share_a_name_or_an_address() {
    let hl7 = GOOD.replace("127.0.0.1:0", "127.0.0.1:7001").replace("\"a\"", "\"f\"");
    let fhir = FHIR.replace("127.0.0.1:0", "127.0.0.1:7001");
    let faults = faults(&format!("{hl7}{fhir}"));
    assert!(faults.iter().any(|fault| fault.contains("two routes are called `f`")), "{faults:?}");
    assert!(
        faults.iter().any(|fault| fault.contains("two routes listen on 127.0.0.1:7001")),
        "{faults:?}"
    );
}

#[test]
fn every_fault_of_tls_is_told_at_once_with_its_line() {
    let text = "[[mllp]]\nname = \"a\"\nlisten = \"127.0.0.1:0\"\nupstream = \"x y:1\"\n\
                mapping = \"mappings/hl7v2/standard.toml\"\n[mllp.tls]\ncert = \"no/such.pem\"\n\
                clients_ca = \"x\"\n[mllp.upstream_tls]\ncert = \"x.pem\"\nserver_name = \"a b\"\n\
                [[fhir]]\nname = \"f\"\nlisten = \"127.0.0.1:0\"\nupstream = \"http://h/fhir\"\n\
                mapping = \"mappings/fhir/r4.toml\"\n[fhir.upstream_tls]\nca = \"Cargo.toml\"\n\
                [console]\n[console.tls]\ncert = \"Cargo.toml\"\nkey = \"Cargo.toml\"\n";
    let faults = faults(text);
    for wanted in [
        "`tls` needs `key = ",
        "gate.toml:8: unknown key `clients_ca` in `tls`, did you mean `client_ca`?",
        "`cert` and `key` belong together, write both or none",
        "gate.toml:11: `server_name` is no host name and no address",
        "gate.toml:18: `ca` Cargo.toml holds no certificate",
        "gate.toml:21: `cert` Cargo.toml holds no certificate",
    ] {
        assert!(faults.iter().any(|fault| fault.contains(wanted)), "{wanted}\n{faults:#?}");
    }
}

#[test]
fn a_server_by_http_has_no_tls() {
    let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), signed.cert.pem()).unwrap();
    let text = format!("{FHIR}[fhir.upstream_tls]\nca = {:?}\n", file.path());
    let found = faults(&text);
    assert!(found.iter().any(|fault| fault.contains("write https")), "{found:?}");
    assert_eq!(faults(&text.replace("http://", "https://")), Vec::<String>::new());
}

#[test]
fn an_identity_provider_needs_an_address_a_client_a_way_back_and_roles() {
    let bare = format!("{GOOD}[console.oidc]\nlable = \"x\"\n");
    let faults_of_bare = faults(&bare);
    for wanted in [
        "`oidc` needs `issuer",
        "`oidc` needs `client_id",
        "write `public_url` in [console]",
        "map groups to roles in [console.oidc.roles]",
        "unknown key `lable` in `oidc`, did you mean `label`?",
    ] {
        assert!(faults_of_bare.iter().any(|fault| fault.contains(wanted)), "{faults_of_bare:#?}");
    }
    let table = |issuer: &str, more: &str| {
        format!(
            "{GOOD}[console]\npublic_url = \"https://gate.example/\"\n[console.oidc]\n\
             issuer = \"{issuer}\"\nclient_id = \"orgate\"\n{more}\n\
             [console.oidc.roles]\n\"CN=医务科,OU=x\" = [\"reviewer\", \"viewer\"]\n"
        )
    };
    let settings = read("gate.toml", &table("https://id.example", "")).unwrap();
    let oidc = settings.console.oidc.unwrap();
    assert_eq!(oidc.redirect, "https://gate.example/login/oidc/done");
    assert_eq!(oidc.roles.len(), 1);
    assert_eq!(
        (oidc.claims.roles.as_str(), oidc.scopes.as_slice()),
        ("groups", &["profile".to_owned()][..])
    );
    for good in ["http://127.0.0.1:8080", "http://localhost/realms/x"] {
        assert_eq!(faults(&table(good, "")), Vec::<String>::new());
    }
    for bad in ["http://id.example", "ldap://id.example", "id.example", "http://localhost.evil"] {
        let found = faults(&table(bad, ""));
        assert!(found.iter().any(|fault| fault.contains("must begin with https://")), "{found:?}");
    }
    let files =
        table("https://id.example", "client_secret_file = \"no/such\"\nca_file = \"Cargo.toml\"");
    let found = faults(&files);
    for wanted in ["`client_secret_file` cannot be used", "`ca_file` cannot be used"] {
        assert!(found.iter().any(|fault| fault.contains(wanted)), "{found:?}");
    }
    let role = table("https://id.example", "").replace("reviewer", "boss");
    assert!(faults(&role).iter().any(|fault| fault.contains("must be a list of viewer")));
}
