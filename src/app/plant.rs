//! What the page of operations shows of the settings and of what watches over them.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::app::reload::Lives;
use crate::feed::running::Board;
use crate::feed::watch::{Watch, What};
use crate::hl7::charset::CharsetSetting;
use crate::inbound::console::configured::Configured;
use crate::inbound::console::pages::operations::{Plant, RouteFacts};

/// Every route, with the address it is bound to, and every feed.
pub(super) fn plant(
    lives: &Lives,
    bound: &[(Arc<str>, SocketAddr)],
    watch: &Watch,
    (feeds, configured): (Board, Configured),
) -> Plant {
    let at = |name: &Arc<str>, listen: SocketAddr| {
        bound.iter().find(|(own, _)| own == name).map_or(listen, |(_, address)| *address)
    };
    let hl7 = lives.mllp.iter().map(|live| {
        let (route, live, other) = (live.now().config, live.clone(), live.clone());
        RouteFacts {
            name: Arc::clone(&route.name),
            kind: "HL7 v2",
            listen: at(&route.name, route.listen),
            upstream: route.upstream.clone(),
            mapping: Arc::new(move || live.now().config.mapping.name().to_owned()),
            charset: Arc::new(move || other.now().config.charset),
            light: watch.light(What::Route, &route.name),
        }
    });
    let fhir = lives.fhir.iter().map(|live| {
        let (route, live) = (live.now().config, live.clone());
        RouteFacts {
            name: Arc::clone(&route.name),
            kind: "FHIR",
            listen: at(&route.name, route.listen),
            upstream: route.upstream.url(),
            mapping: Arc::new(move || live.now().config.mapping.name().to_owned()),
            charset: Arc::new(|| CharsetSetting::Auto),
            light: watch.light(What::Route, &route.name),
        }
    });
    Plant::new(hl7.chain(fhir).collect(), feeds, configured)
}
