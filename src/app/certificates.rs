//! Follows the files of certificates while the gate runs: new ones are taken into use, and whoever must renew one is told.

use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::config::Certificate;
use crate::feed::watch::{Light, Watch, What};
use crate::net::tls::facts::Facts;
use crate::net::tls::kept::Look;
use crate::telemetry::net as events;

/// How often the files are looked at. They are in use at the second look that finds them the same: a new certificate
/// counts within some two seconds.
const EVERY: Duration = Duration::from_secs(1);
/// A certificate is to be renewed so long before it expires: hospitals order theirs, and that takes weeks.
pub(crate) const RENEW_BEFORE_S: i64 = 30 * 24 * 3600;

/// A certificate and who is told of it.
pub(super) struct Watched {
    certificate: Certificate,
    light: Light,
    /// The end that was last told of.
    told: Option<jiff::Timestamp>,
}

/// All of them, and the lights that tell.
pub(super) fn watched(certificates: &[Certificate], watch: &Watch) -> Vec<Watched> {
    let watched = certificates.iter().map(|certificate| {
        let name = format!("{}/{}", certificate.whose, certificate.side.as_str());
        let light = watch.light(What::Certificate, &name);
        Watched { certificate: certificate.clone(), light, told: None }
    });
    watched.collect()
}

/// Looks at all of them until the gate stops.
pub(super) async fn follow(mut all: Vec<Watched>, clock: Clock, mut stop: watch::Receiver<bool>) {
    while !all.is_empty() {
        // Reads files, which may lie on a network.
        let looking = tokio::task::spawn_blocking(move || {
            for one in &mut all {
                one.look();
                one.tell(clock);
            }
            all
        });
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            looked = looking => match looked {
                Ok(looked) => all = looked,
                Err(_) => return,
            },
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

impl Watched {
    fn look(&self) {
        let (route, side) = (&*self.certificate.whose, self.certificate.side.as_str());
        match self.certificate.files.look() {
            Look::Same => {}
            Look::New => events::CertificateReloaded { route, side }.emit(),
            Look::Unusable(error) => {
                events::CertificateUnusable { route, side, error: &error }.emit();
            }
        }
    }

    fn tell(&mut self, clock: Clock) {
        let Some(facts) = self.certificate.files.own() else { return };
        let (route, side) = (&*self.certificate.whose, self.certificate.side.as_str());
        let expires_in_s = facts.expires_in_s(clock.now());
        events::CertificateHolds { route, side, expires_in_s }.emit();
        if expires_in_s > RENEW_BEFORE_S {
            self.light.works();
            self.told = None;
            return;
        }
        let why = end(&facts, expires_in_s);
        self.light.fails(&why);
        if self.told != Some(facts.not_after) {
            self.told = Some(facts.not_after);
            events::CertificateExpiring { route, side, why: &why }.emit();
        }
    }
}

/// When it expires, or has.
pub(crate) fn end(facts: &Facts, expires_in_s: i64) -> String {
    let verb = if expires_in_s < 0 { "expired" } else { "expires" };
    let at = TimeZone::UTC.to_datetime(facts.not_after);
    format!("{} {verb} on {} at {} UTC", facts.name, at.date(), at.time())
}
