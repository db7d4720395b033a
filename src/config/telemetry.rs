//! `[telemetry]`: where traces of checked messages go, if anywhere.

use std::path::PathBuf;

use http::Uri;

use crate::config::reader::Section;
use crate::net::client::check_authority;

/// Of a hundred messages so many are traced.
const SAMPLE_PERCENT: u64 = 100;
/// Where a collector takes traces, below its address.
const PATH: &str = "/v1/traces";

/// A collector of traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traces {
    /// Where it takes them.
    pub to: Uri,
    /// Who signs its certificate, instead of the system's roots.
    pub ca: Option<PathBuf>,
    /// Of a hundred messages so many are traced.
    pub percent: u64,
}

impl Traces {
    /// Whether it is reached by TLS.
    pub fn https(&self) -> bool {
        self.to.scheme_str() == Some("https")
    }
}

/// The collector, if one is set. Faults are kept; then there is none.
pub(super) fn traces(root: &Section<'_>) -> Option<Traces> {
    let section = root.section("telemetry");
    let otlp = section.text_or_none("otlp");
    let ca = section.text_or_none("ca").map(PathBuf::from);
    let percent = section.number("sample_percent", SAMPLE_PERCENT, 0..101);
    if let Some(Err(error)) = ca.as_deref().map(check_authority) {
        section.fault("ca", error.to_string());
    }
    let to = otlp.as_deref().map(|text| (text, collector(text)));
    if let Some((_, None)) = to {
        let form = "`otlp` must be the address of a collector, \"http://collector:4318\"";
        section.fault("otlp", form);
    }
    let traces = to.and_then(|(_, to)| to).map(|to| Traces { to, ca, percent });
    section.finish();
    traces
}

/// `http://collector:4318` → its address for traces.
fn collector(text: &str) -> Option<Uri> {
    let uri: Uri = text.trim_end_matches('/').parse().ok()?;
    let host = uri.authority()?;
    // Who is asked for a password there writes it down for everybody.
    let plain = !host.as_str().contains('@') && uri.query().is_none();
    let known = matches!(uri.scheme_str(), Some("http" | "https"));
    if !(plain && known) {
        return None;
    }
    let path = uri.path().trim_end_matches('/');
    let path = if path.ends_with(PATH) { path.to_owned() } else { format!("{path}{PATH}") };
    let mut parts = uri.into_parts();
    parts.path_and_query = path.parse().ok();
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_an_address_to_which_the_path_of_traces_is_added() {
        for (text, to) in [
            ("http://collector:4318", "http://collector:4318/v1/traces"),
            ("http://collector:4318/", "http://collector:4318/v1/traces"),
            ("https://c.test/otlp/", "https://c.test/otlp/v1/traces"),
            ("http://10.0.0.9:4318/v1/traces", "http://10.0.0.9:4318/v1/traces"),
        ] {
            assert_eq!(collector(text).unwrap().to_string(), to);
        }
        for text in ["", "collector:4318", "grpc://c:4317", "http://a:b@c:4318", "http://c/?x=1"] {
            assert_eq!(collector(text), None, "{text}");
        }
    }
}
