//! The embedded sample hospital and its day: `config/sample`.

use std::net::SocketAddr;
use std::path::Path;

use rust_embed::Embed;
use serde::Deserialize;

use crate::cli::demo::DemoError;
use crate::clock::Clock;
use crate::config::Settings;
use crate::register::import::{ImportError, Request, import, table};
use crate::register::sources::sqlite;

#[derive(Embed)]
#[folder = "config/sample"]
struct Sample;

#[derive(Embed)]
#[folder = "config/lists"]
struct Shipped;

/// What is played and what is expected of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Day {
    /// The moment of judging.
    pub(super) clock: String,
    #[serde(rename = "message")]
    pub(super) messages: Vec<Message>,
    #[serde(rename = "request")]
    pub(super) requests: Vec<Call>,
}

/// One FHIR or CDS Hooks request of the day.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Call {
    pub(super) file: String,
    /// A route, or `console`.
    pub(super) route: String,
    /// Method and path.
    pub(super) request: String,
    pub(super) at: String,
    pub(super) title: String,
    /// The HTTP status.
    pub(super) status: u16,
    /// Of every entry that is written for it.
    pub(super) decisions: Vec<String>,
    /// `rule: effect`, entry by entry and case by case.
    #[serde(default)]
    pub(super) findings: Vec<String>,
    /// The indicators of the cards that come back.
    #[serde(default)]
    pub(super) cards: Vec<String>,
    #[serde(skip)]
    pub(super) bytes: Vec<u8>,
}

impl Call {
    pub(super) fn content_type(&self) -> &'static str {
        if self.route == "console" { "application/json" } else { "application/fhir+json" }
    }
}

/// One message of the day.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    pub(super) file: String,
    pub(super) route: String,
    pub(super) at: String,
    pub(super) title: String,
    pub(super) decision: String,
    #[serde(default)]
    pub(super) findings: Vec<Expected>,
    #[serde(default)]
    pub(super) gaps: Vec<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "said for the reader of day.toml; the bytes prove it")]
    same_as: Option<String>,
    #[serde(skip)]
    pub(super) bytes: Vec<u8>,
}

/// One finding that is expected.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct Expected {
    pub(super) rule: String,
    pub(super) effect: String,
}

/// The day, with the bytes of its messages.
pub(super) fn read() -> Result<Day, DemoError> {
    let text = file("day/day.toml")?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let mut day: Day =
        toml::from_str(&text).map_err(|error| DemoError::Sample(error.to_string()))?;
    for message in &mut day.messages {
        message.bytes = file(&format!("day/{}", message.file))?;
    }
    for request in &mut day.requests {
        request.bytes = file(&format!("day/{}", request.file))?;
    }
    Ok(day)
}

fn file(name: &str) -> Result<Vec<u8>, DemoError> {
    let found = Sample::get(name).ok_or_else(|| DemoError::Sample(format!("{name} is missing")))?;
    Ok(found.data.into_owned())
}

/// A gate with every shape of feed, everything on loopback ports of its own choosing.
pub(super) fn configuration(data_dir: &Path, downstream: SocketAddr, fhir: SocketAddr) -> String {
    let mut text = format!(
        "[node]\nname = \"demo\"\ndata_dir = {:?}\n[console]\nlisten = \"127.0.0.1:0\"\n",
        data_dir.display().to_string()
    );
    let routes = [("his-orders", "standard"), ("his-zop", "zop"), ("aims", "srm-aims")];
    for (name, mapping) in routes {
        text.push_str(&format!(
            "[[mllp]]\nname = \"{name}\"\nlisten = \"127.0.0.1:0\"\nupstream = \"{downstream}\"\n\
             mapping = \"mappings/hl7v2/{mapping}.toml\"\nstance = \"enforce\"\n"
        ));
    }
    text.push_str(&format!(
        "[[fhir]]\nname = \"fhir-orders\"\nlisten = \"127.0.0.1:0\"\n\
         upstream = \"http://{fhir}/fhir\"\nmapping = \"mappings/fhir/r4.toml\"\nstance = \"enforce\"\n"
    ));
    // Somebody who is told, so that the page of operations has a feed to show.
    let alerts = data_dir.join("alerts.jsonl").display().to_string();
    text.push_str(&format!("[[feed]]\nname = \"alerts\"\nkind = \"file\"\npath = {alerts:?}\n"));
    text
}

/// Loads the sample hospital's register.
pub(super) async fn fill_register(settings: &Settings, folder: &Path) -> Result<(), DemoError> {
    let mut files = Vec::new();
    let calendar = Shipped::get("calendar-cn.csv")
        .ok_or_else(|| DemoError::Sample("calendar-cn.csv is missing".to_owned()))?;
    let mut texts = vec![("calendar", calendar.data.into_owned())];
    for name in
        ["catalogue", "techniques", "dossiers", "surgeons", "grants", "roster", "discussions"]
    {
        texts.push((name, file(&format!("{name}.csv"))?));
    }
    for (name, text) in texts {
        let path = folder.join(format!("{name}.csv"));
        std::fs::write(&path, text)?;
        files.extend(table(name).map(|table| (table, path)));
    }
    let request = Request {
        files,
        merge: false,
        dry_run: false,
        who: "demo".to_owned(),
        at: Clock::System.now(),
        policy: settings.import_policy(),
    };
    let sample = |error: &dyn std::fmt::Display| DemoError::Sample(error.to_string());
    let source = sqlite::open(&settings.register_file).await.map_err(|e| sample(&e))?;
    let imported = import(&source, &request).await;
    source.close().await;
    imported.map(|_| ()).map_err(|error| match error {
        ImportError::Faults(faults) => {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            DemoError::Sample(faults.join("\n"))
        }
        other => sample(&other),
    })
}
