//! Traces on their way to a collector: in batches, beside the messages, which never wait for them.
//!
//! While the collector takes none, one batch is tried again and the queue behind it fills; what finds no room there is
//! dropped and counted, and so is a batch that the collector will never take.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Limited};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::config::Settings;
use crate::net::client::{Client, ClientError, Settings as Reach, whole};
use crate::telemetry::export as events;
use crate::telemetry::trace::{Finished, Tracer, dropped, exported, otlp};

/// Traces of one request, some 2 KiB each.
const BATCH_MAX: usize = 256;
/// A trace waits so long for others to go with it.
const TOGETHER: Duration = Duration::from_secs(1);
/// How long a collector may take.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// How long connecting may.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A collector that takes none is tried again after this, then after twice as long, up to the longest.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// When the gate stops, messages in hand come in this time, and the collector has as long to take them.
const LAST: Duration = Duration::from_secs(1);
/// Of its answer so much is read, for the connection to be used again.
const ANSWER_MAX: usize = 64 * 1024;

/// Whoever brings traces to the collector.
pub(super) struct Exporter {
    client: Client,
    to: Uri,
    node: String,
    finished: mpsc::Receiver<Finished>,
}

/// Why a batch was not taken.
enum NotTaken {
    /// It may be taken later.
    Down(&'static str),
    /// It never will.
    Refused(&'static str),
}

/// What traces messages, and what brings the traces away; neither, where no collector is set.
///
/// # Errors
/// TLS to the collector cannot be set up.
pub(super) fn begin(settings: &Settings) -> Result<(Tracer, Option<Exporter>), ClientError> {
    let Some(traces) = &settings.traces else { return Ok((Tracer::off(), None)) };
    let reach = Reach { connect_timeout: CONNECT_TIMEOUT, https: traces.https(), h2: false };
    let client = match &traces.ca {
        Some(ca) => Client::trusting(reach, ca)?,
        None => Client::new(reach)?,
    };
    let (tracer, finished) = Tracer::new(traces.percent);
    let (to, node) = (traces.to.clone(), settings.node.name.clone());
    Ok((tracer, Some(Exporter { client, to, node, finished })))
}

/// Runs it until the gate stops.
pub(super) fn follow(
    tasks: &mut JoinSet<()>,
    exporter: Option<Exporter>,
    stop: &watch::Receiver<bool>,
) {
    if let Some(exporter) = exporter {
        tasks.spawn(exporter.run(stop.clone()));
    }
}

impl Exporter {
    async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let (mut batch, mut down, mut pause) = (Vec::new(), false, RETRY.0);
        loop {
            let stopping = self.gather(&mut batch, &mut stop).await;
            let count = batch.len();
            let taken = if count == 0 {
                Ok(())
            } else {
                tokio::select! {
                    taken = self.send(&batch) => taken,
                    () = last(&mut stop) => Err(NotTaken::Down("timeout")),
                }
            };
            match taken {
                Ok(()) if count == 0 => {}
                Ok(()) => {
                    batch.clear();
                    exported(count);
                    pause = RETRY.0;
                    if std::mem::take(&mut down) {
                        events::CollectorBack {}.emit();
                    }
                }
                Err(NotTaken::Refused(why)) => {
                    batch.clear();
                    dropped(count);
                    if !std::mem::replace(&mut down, true) {
                        events::CollectorDown { why }.emit();
                    }
                }
                Err(NotTaken::Down(why)) => {
                    if !std::mem::replace(&mut down, true) {
                        events::CollectorDown { why }.emit();
                    }
                    if !stopping {
                        tokio::select! {
                            () = sleep(pause) => {}
                            _ = stop.wait_for(|stop| *stop) => {}
                        }
                        pause = pause.saturating_mul(2).min(RETRY.1);
                    }
                }
            }
            if stopping {
                dropped(batch.len() + self.finished.len());
                return;
            }
        }
    }

    /// Adds what there is to the batch, waiting for the first and then a while for more; whether the gate stops.
    async fn gather(
        &mut self,
        batch: &mut Vec<Finished>,
        stop: &mut watch::Receiver<bool>,
    ) -> bool {
        if batch.is_empty() {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => {}
                // The gate holds the other end.
                Some(first) = self.finished.recv() => batch.push(first),
            }
        }
        let stopping = *stop.borrow();
        let _ = timeout(if stopping { LAST } else { TOGETHER }, async {
            while batch.len() < BATCH_MAX {
                let room = BATCH_MAX - batch.len();
                if self.finished.recv_many(batch, room).await == 0 {
                    return;
                }
            }
        })
        .await;
        stopping
    }

    /// Tells a batch.
    async fn send(&self, batch: &[Finished]) -> Result<(), NotTaken> {
        let mut request = Request::new(whole(otlp::request(&self.node, batch).into()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.to.clone();
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let sending = async {
            let response = self.client.request(request).await.map_err(|error| match error {
                ClientError::Untrusted(why) => NotTaken::Down(why),
                ClientError::Connect => NotTaken::Down("refused"),
                _ => NotTaken::Down("broken"),
            })?;
            let status = response.status();
            // Only so that the connection can be used again.
            let _ = Limited::new(response.into_body(), ANSWER_MAX).collect().await;
            match status {
                status if status.is_success() => Ok(()),
                StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT => Err(NotTaken::Down("overloaded")),
                _ => Err(NotTaken::Refused("refused-by-status")),
            }
        };
        timeout(ANSWERS_WITHIN, sending).await.unwrap_or(Err(NotTaken::Down("timeout")))
    }
}

/// The gate stops, and has waited long enough.
async fn last(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
    sleep(LAST).await;
}
