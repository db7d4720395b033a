//! FHIR over any bytes: reading is total; what is read has no key twice as an independent plain scanner sees it; no
//! write that names a judged type to the most generous server is waved through; cutting nothing out changes nothing.
#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use orgate::fhir::bundle::{bundle_type, contained, entries, find};
use orgate::fhir::document::{Document, Limits, check, read_object, read_patch};
use orgate::fhir::interaction::{Allowed, Head, Interaction, classify};
use orgate::fhir::media::{decode, form, xml_root};
use orgate::fhir::patch::{fhirpath_patch, json_patch};
use orgate::fhir::{CONTAINER_TYPES, JUDGED_TYPES, reference, splice};
use serde_json::{Value, json};

const LIMITS: Limits = Limits { bytes: 64 * 1024, depth: 40 };

/// A scanner of JSON that knows nothing of serde: the keys of every object, unescaped by hand.
struct Scanner<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Scanner<'_> {
    fn blank(&mut self) {
        while self.bytes.get(self.at).is_some_and(|byte| b" \t\r\n".contains(byte)) {
            self.at += 1;
        }
    }

    fn text(&mut self) -> String {
        self.at += 1;
        let mut units: Vec<u16> = Vec::new();
        loop {
            let rest = &self.bytes[self.at..];
            match rest[0] {
                b'"' => break,
                b'\\' if rest[1] == b'u' => {
                    let digits = std::str::from_utf8(&rest[2..6]).unwrap();
                    units.push(u16::from_str_radix(digits, 16).unwrap());
                    self.at += 6;
                }
                b'\\' => {
                    let plain = match rest[1] {
                        b'b' => 8,
                        b'f' => 12,
                        b'n' => 10,
                        b'r' => 13,
                        b't' => 9,
                        other => other,
                    };
                    units.push(u16::from(plain));
                    self.at += 2;
                }
                byte => {
                    let length = match byte {
                        0..0x80 => 1,
                        0x80..0xe0 => 2,
                        0xe0..0xf0 => 3,
                        _ => 4,
                    };
                    units.extend(std::str::from_utf8(&rest[..length]).unwrap().encode_utf16());
                    self.at += length;
                }
            }
        }
        self.at += 1;
        String::from_utf16(&units).unwrap()
    }

    /// Walks one value of sound JSON; no key may stand twice in an object, whatever its case.
    fn value(&mut self) {
        self.blank();
        match self.bytes[self.at] {
            b'"' => drop(self.text()),
            b'{' => {
                let mut keys = HashSet::new();
                self.at += 1;
                self.blank();
                while self.bytes[self.at] != b'}' {
                    let key = self.text();
                    assert!(keys.insert(key.to_lowercase()), "a key stands twice");
                    self.blank();
                    self.at += 1;
                    self.value();
                    self.blank();
                    self.at += usize::from(self.bytes[self.at] == b',');
                    self.blank();
                }
                self.at += 1;
            }
            b'[' => {
                self.at += 1;
                self.blank();
                while self.bytes[self.at] != b']' {
                    self.value();
                    self.blank();
                    self.at += usize::from(self.bytes[self.at] == b',');
                    self.blank();
                }
                self.at += 1;
            }
            _ => {
                while self.bytes.get(self.at).is_some_and(|byte| !b" \t\r\n,]}".contains(byte)) {
                    self.at += 1;
                }
            }
        }
    }
}

fn body(bytes: &[u8]) {
    let _ = (read_object(bytes, LIMITS), xml_root(bytes));
    let patch = read_patch(bytes, LIMITS);
    let Ok(document) = Document::read(bytes, LIMITS) else { return };
    let root = document.root();
    let mut scanner = Scanner { bytes, at: 0 };
    scanner.value();
    scanner.blank();
    assert_eq!(scanner.at, bytes.len(), "nothing stands behind the object");
    assert_eq!(*root, serde_json::from_slice::<Value>(bytes).unwrap());
    assert_eq!(check(root, LIMITS), Ok(()), "what came is as sound as what is made");
    assert_eq!(
        splice::without(bytes, &[]).is_some_and(|same| same == bytes),
        root.get("entry").is_none_or(Value::is_array)
    );
    let order =
        json!({"resourceType": "ServiceRequest", "id": "1", "status": "active", "performer": [{}]});
    for patched in [
        fhirpath_patch(&order, root),
        patch.map_or(Ok(order.clone()), |patch| json_patch(&order, &patch)),
    ] {
        let Ok(patched) = patched else { continue };
        assert_eq!(
            (&patched["resourceType"], &patched["id"]),
            (&order["resourceType"], &order["id"])
        );
    }
    bundle(bytes, root);
}

fn bundle(bytes: &[u8], root: &Value) {
    let found = contained(root);
    let _ = find(root, "Practitioner/1");
    if bundle_type(root, 20).is_err() {
        return;
    }
    let Ok(entries) = entries(root, &Allowed::default()) else { return };
    for entry in &entries {
        assert!(!matches!(entry.interaction, Interaction::Doubtful(_) | Interaction::OutsideBase));
        let resource_type = entry.resource.and_then(|own| own["resourceType"].as_str());
        let judged = resource_type.is_some_and(|own| JUDGED_TYPES.contains(&own));
        let unjudged = matches!(entry.interaction, Interaction::Unjudged { .. });
        assert!(!(judged && unjudged), "an order under the name of something else");
        if judged {
            assert!(found.iter().any(|one| std::ptr::eq(one.resource, entry.resource.unwrap())));
        }
        let _ = entry.patch(LIMITS).map(|patch| patch.apply(root));
    }
    for refused in 0..entries.len() {
        let rest = splice::without(bytes, &[refused]).unwrap();
        let rest: Value = serde_json::from_slice(&rest).unwrap();
        assert_eq!(rest["entry"].as_array().unwrap().len() + 1, entries.len());
    }
}

/// The segments of a path as the most generous server sees them.
fn generous(path: &str) -> Vec<String> {
    let mut text = path.to_owned();
    for _ in 0..16 {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let [first, behind @ ..] = rest {
            let digits = behind.get(..2).and_then(|two| std::str::from_utf8(two).ok());
            let code =
                digits.filter(|_| *first == b'%').and_then(|two| u8::from_str_radix(two, 16).ok());
            bytes.push(code.unwrap_or(*first));
            rest = if code.is_some() { &behind[2..] } else { behind };
        }
        text = String::from_utf8_lossy(&bytes).into_owned();
    }
    let mut segments = Vec::new();
    for segment in text.split(['/', '\\']) {
        match segment.split(';').next().unwrap().trim() {
            "" | "." => {}
            ".." => drop(segments.pop()),
            name => segments.push(name.to_ascii_lowercase()),
        }
    }
    segments
}

fn head(method: &str, target: &str) {
    let (path, query) =
        target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let head = Head { method, path, query, has_body: false, has_header: &|_| false };
    let _ = classify("/fhir", &head, &Allowed { outside_base: true, ..Allowed::default() });
    let interaction = classify("/fhir", &head, &Allowed::default());
    let writes = matches!(method, "POST" | "PUT" | "PATCH");
    let waved = matches!(interaction, Interaction::Stream | Interaction::Unjudged { .. });
    let segments = generous(path);
    let judged = |own: &&String| {
        JUDGED_TYPES.iter().chain(&CONTAINER_TYPES).any(|name| name.eq_ignore_ascii_case(own))
    };
    let exempt = segments.iter().any(|own| own.starts_with('$') || own == "_search");
    if writes && waved && !exempt {
        assert!(segments.iter().find(judged).is_none(), "{method} {path}");
    }
}

fuzz_target!(|input: &[u8]| {
    let [mode, rest @ ..] = input else { return };
    match mode % 4 {
        0 => {
            let text = String::from_utf8_lossy(rest);
            let (method, target) = text.split_once(' ').unwrap_or(("POST", &text));
            head(method, target);
            let _ = (reference::parse(target, "http://x/fhir"), form(Some(target)));
        }
        1 => {
            let (coding, coded) = rest.split_at(rest.len().min(1));
            let coding = ["gzip", "deflate", "br", "gzip, br"]
                [usize::from(coding.first().copied().unwrap_or(0)) % 4];
            if let Ok(decoded) = decode(Some(coding), coded, LIMITS.bytes) {
                assert!(decoded.len() <= LIMITS.bytes);
                body(&decoded);
            }
        }
        _ => body(rest),
    }
});
