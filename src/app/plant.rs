//! What the page of operations shows of the settings.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::app::reload::Lives;
use crate::inbound::console::pages::operations::{Plant, RouteFacts};

/// Every route, with the address it is bound to.
pub(super) fn plant(lives: &Lives, bound: &[(Arc<str>, SocketAddr)]) -> Plant {
    let at = |name: &Arc<str>, listen: SocketAddr| {
        bound.iter().find(|(own, _)| own == name).map_or(listen, |(_, address)| *address)
    };
    let hl7 = lives.mllp.iter().map(|live| {
        let route = live.now().config;
        let live = live.clone();
        RouteFacts {
            name: Arc::clone(&route.name),
            kind: "HL7 v2",
            listen: at(&route.name, route.listen),
            upstream: route.upstream.clone(),
            mapping: Arc::new(move || live.now().config.mapping.name().to_owned()),
            up: None,
        }
    });
    let fhir = lives.fhir.iter().map(|live| {
        let route = live.now().config;
        let live = live.clone();
        RouteFacts {
            name: Arc::clone(&route.name),
            kind: "FHIR",
            listen: at(&route.name, route.listen),
            upstream: route.upstream.url(),
            mapping: Arc::new(move || live.now().config.mapping.name().to_owned()),
            up: None,
        }
    });
    Plant { routes: hl7.chain(fhir).collect() }
}
