//! What the page of operations shows of the settings and of what watches over them.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::feed::watch::{Watch, What};
use crate::feed::watched::Watched;
use crate::hl7::charset::CharsetSetting;
use crate::inbound::console::pages::operations::{Plant, RouteFacts};
use crate::inbound::fhir;
use crate::inbound::mllp;

/// Every route, with the address it is bound to, and every feed.
pub(super) fn plant(
    (mllp, fhir): (&[Arc<mllp::Config>], &[Arc<fhir::Config>]),
    bound: &[(Arc<str>, SocketAddr)],
    watch: &Watch,
    feeds: Vec<Watched>,
) -> Plant {
    let at = |name: &Arc<str>, listen: SocketAddr| {
        bound.iter().find(|(own, _)| own == name).map_or(listen, |(_, address)| *address)
    };
    let hl7 = mllp.iter().map(|route| RouteFacts {
        name: Arc::clone(&route.name),
        kind: "HL7 v2",
        charset: route.charset,
        listen: at(&route.name, route.listen),
        upstream: route.upstream.clone(),
        mapping: route.mapping.name().to_owned(),
        light: watch.light(What::Route, &route.name),
    });
    let fhir = fhir.iter().map(|route| RouteFacts {
        name: Arc::clone(&route.name),
        kind: "FHIR",
        charset: CharsetSetting::Auto,
        listen: at(&route.name, route.listen),
        upstream: route.upstream.url(),
        mapping: route.mapping.name().to_owned(),
        light: watch.light(What::Route, &route.name),
    });
    Plant::new(hl7.chain(fhir).collect(), feeds)
}
