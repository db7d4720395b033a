//! FHIR: one AuditEvent an alert, created on a FHIR server. A break-glass is DCM 110127 with purpose ETREAT.

use http::header::AUTHORIZATION;
use http::{HeaderValue, Uri};
use orgate_fhir_sdk::audit::{Audit, audit_event};
use serde_json::Value;

use crate::domain::order::Redacted;
use crate::feed::sink::{Delivery, Failure, Letter, Sink};
use crate::feed::sinks::http::Poster;

/// A FHIR server.
pub struct Fhir {
    poster: Poster,
    /// `…/AuditEvent`.
    uri: Option<Uri>,
    token: Option<Redacted>,
}

impl Fhir {
    /// The poster's address is the FHIR base.
    pub fn new(poster: Poster, token: Option<Redacted>) -> Self {
        let base = poster.uri().to_string();
        let uri = format!("{}/AuditEvent", base.trim_end_matches('/')).parse().ok();
        Self { poster, uri, token }
    }

    async fn create(&self, letter: &Letter) -> Result<(), Failure> {
        let uri = self.uri.as_ref();
        let uri = uri.ok_or_else(|| Failure::unavailable("the address takes no /AuditEvent"))?;
        let event = audit_event(&audit(letter));
        let event =
            event.ok_or_else(|| Failure::Refused("no AuditEvent can be made".to_owned()))?;
        let mut headers = Vec::new();
        if let Some(token) = &self.token {
            let value = HeaderValue::from_str(&format!("Bearer {}", token.reveal()));
            let value = value.map_err(|_| Failure::unavailable("the token is no header"))?;
            headers.push((AUTHORIZATION, value));
        }
        let body = event.to_string().into_bytes();
        self.poster.post(uri, "application/fhir+json; charset=utf-8", headers, body).await?.check()
    }
}

fn audit(letter: &Letter) -> Audit {
    let cases = letter.at("/verdict/cases").as_array().into_iter().flatten();
    let surgeons = cases.filter_map(|case| {
        let text = |key: &str| case.get("surgeon")?.get(key)?.as_str().map(str::to_owned);
        Some((text("id")?, text("name")))
    });
    let mut surgeons: Vec<(String, Option<String>)> = surgeons.collect();
    surgeons.dedup();
    let kind = letter.text("type");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let patient = text(letter.at("/patient/id"));
    let patient = patient.or_else(|| text(letter.at("/patient/pseudonym")));
    Audit {
        id: letter.id.clone(),
        kind: kind.to_owned(),
        break_glass: kind == "orgate.override.opened",
        refused: kind == "orgate.order.blocked" && letter.at("/verdict/stance") == "enforce",
        recorded: letter.text("time").to_owned(),
        node: letter.text("source").to_owned(),
        text: letter.data_text("text_zh").to_owned(),
        surgeons,
        patient,
        entry: letter.text("subject").to_owned(),
    }
}

impl Sink for Fhir {
    fn deliver<'a>(&'a mut self, letters: &'a [Letter]) -> Delivery<'a> {
        Box::pin(async move {
            for letter in letters {
                self.create(letter).await?;
            }
            Ok(())
        })
    }

    fn letters_max(&self) -> usize {
        1
    }
}
