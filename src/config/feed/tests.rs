//! `[[feed]]`: what each kind needs, and every fault at once.

use crate::config::read;

const GOOD: &str = "[[mllp]]\nname = \"a\"\nlisten = \"127.0.0.1:0\"\nupstream = \"127.0.0.1:1\"\nmapping = \"mappings/hl7v2/standard.toml\"\n";

fn faults(text: &str) -> Vec<String> {
    match read("gate.toml", text) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.0.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_feed_of_every_kind_needs_its_address_and_little_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        format!("{path:?}")
    };
    let secret = file("secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
    let url = file("url", "https://qyapi.example/cgi-bin/webhook/send?key=k\n");
    let feeds = [
        ("webhook", format!("url = \"https://a.example/x\"\nsecret_file = {secret}")),
        ("wecom", format!("url_file = {url}")),
        ("dingtalk", format!("url_file = {url}\nsecret_file = {secret}")),
        ("feishu", format!("url_file = {url}")),
        ("nats", "url = \"tls://nats.example:4222\"".to_owned()),
        ("fhir", "url = \"http://10.0.0.9/fhir\"".to_owned()),
        ("hl7v2", "to = \"10.0.0.9:6661\"\nmessage = \"mdm\"\ncharset = \"gb18030\"".to_owned()),
        (
            "mail",
            "smtp = \"mail.example:587\"\nfrom = \"术闸 <a@b.example>\"\nto = [\"c@d.example\"]"
                .to_owned(),
        ),
        ("file", "path = \"alerts.jsonl\"".to_owned()),
    ];
    let tables = feeds
        .map(|(kind, keys)| format!("[[feed]]\nname = \"{kind}\"\nkind = \"{kind}\"\n{keys}\n"));
    let settings = read("gate.toml", &(tables.concat() + GOOD)).unwrap();
    assert_eq!(settings.feeds.len(), 9);
    let wecom = &settings.feeds[1];
    assert_eq!((wecom.per_minute, wecom.group.as_secs()), (Some(20), 10));
    assert!(!format!("{settings:?}").contains("key=k"), "secrets do not print");
}

#[test]
fn every_fault_of_a_feed_is_told() {
    let text = format!(
        "[[feed]]\nname = \"a b\"\nkind = \"pager\"\n[[feed]]\nname = \"x\"\nkind = \"webhook\"\nurl = \"ftp://a\"\n\
         secret_file = \"/no/such\"\nevents = [\"order.*\"]\nto = \"y\"\n[[feed]]\nname = \"x\"\nkind = \"mail\"\nsmtp = \"host\"\n\
         from = \"nobody\"\nuser = \"u\"\n[[feed]]\nname = \"n\"\nkind = \"nats\"\nurl = \"http://a\"\nsubject = \"a.>\"\n\
         [[feed]]\nname = \"w\"\nkind = \"wecom\"\nurl = \"https://u@h/\"\nurl_file = \"x\"\n{GOOD}"
    );
    let faults = faults(&text);
    for wanted in [
        "gate.toml:2: `name` must be of letters",
        "gate.toml:3: `kind` must be \"webhook\" or \"wecom\"",
        "gate.toml:7: the address is not an http or https URL",
        "gate.toml:8: `/no/such` cannot be read",
        "gate.toml:9: `order.*` fits no type",
        "gate.toml:10: unknown key `to` in `feed`",
        "gate.toml:14: `smtp` must be a host and port",
        "gate.toml:15: `from` must be an address",
        "`mail` needs `to",
        "gate.toml:16: `user` and `password_file` belong together",
        "gate.toml:20: the address must be \"nats://",
        "gate.toml:21: `subject` must be words",
        "gate.toml:25: this kind needs `url",
    ] {
        assert!(faults.iter().any(|fault| fault.contains(wanted)), "{wanted}\n{faults:#?}");
    }
}
