//! The outage switch and the channel by which commands of this machine reach the gate.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::AppError;
use crate::clock::Clock;
use crate::config::Settings;
use crate::gate::afterwards::{Afterwards, Recorded};
use crate::gate::bypass::Bypass;
use crate::gate::{Gate, Request};
use crate::inbound::admin::{self, Answer, Doors, Pruner, Recorder, listener};
use crate::inbound::live::{InForce, Live};
use crate::inbound::mllp;
use crate::inbound::mllp::intake::{self, Intake};
use crate::telemetry::trace::Trace;

/// The switch as it stood when the gate stopped.
pub(super) fn bypass(settings: &Settings, clock: Clock) -> Bypass {
    Bypass::restore(&settings.bypass_file(), settings.bypass_longest, clock.now())
}

/// The socket.
pub(super) fn bind(settings: &Settings) -> Result<UnixListener, AppError> {
    listener::bind(&settings.node.data_dir).map_err(|error| {
        let socket = admin::socket(&settings.node.data_dir).display().to_string();
        AppError::Admin { socket, error }
    })
}

/// Serves commands, and ends each bypass when its time is over.
pub(super) fn follow(
    tasks: &mut JoinSet<()>,
    gate: &Arc<Gate>,
    (mllp, pruner): (&[Live<mllp::Config>], Pruner),
    socket: UnixListener,
    stop: &watch::Receiver<bool>,
) {
    let recorders = mllp.iter().map(|route| recorder(route, gate)).collect();
    let doors = Doors { gate: Arc::clone(gate), recorders, pruner };
    tasks.spawn(listener::run(socket, doors, stop.clone()));
    let (gate, mut stop) = (Arc::clone(gate), stop.clone());
    tasks.spawn(async move {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => {}
            () = gate.follow_bypass() => {}
        }
    });
}

/// How an HL7 route records what has passed without it.
fn recorder(live: &Live<mllp::Config>, gate: &Arc<Gate>) -> Recorder {
    let (live, gate) = (live.clone(), Arc::clone(gate));
    let now = live.clone();
    Recorder {
        route: Arc::clone(&live.now().config.name),
        max_bytes: Arc::new(move || now.now().config.max_frame),
        record: Arc::new(move |message, at, told| {
            let (now, gate) = (live.now(), Arc::clone(&gate));
            Box::pin(async move { record(now, &gate, message, at, told).await })
        }),
    }
}

async fn record(
    InForce { config, terms }: InForce<mllp::Config>,
    gate: &Gate,
    message: Bytes,
    at: Option<Timestamp>,
    told: Afterwards,
) -> Answer {
    // Nobody waits: what cannot be told from what is not surgical, or judged, now can be later.
    if !gate.register().usable() {
        let zh = "授权库尚不可用，请待其恢复后重新执行；已记录的不会重复。".to_owned();
        let en = "the register cannot be used, run it again when it is back".to_owned();
        return Answer::Refused { zh, en };
    }
    let subject = match intake::read(&config, gate, &message) {
        Intake::Short { .. } => return Answer::NotSurgical,
        Intake::Checked { read, .. } => read,
    };
    let now = gate.clock().now();
    // A sender's clock may be ahead; what is still to come cannot have passed.
    let own = subject.orders().iter().find_map(|order| order.message_time);
    let at = at.or(own).unwrap_or(now).min(now);
    let control_id = mllp::respond::control_id(&message);
    let request = Request {
        route: Arc::clone(&config.name),
        stance: config.stance.now(),
        mapping: config.mapping.name().into(),
        message,
        control_id: control_id.clone(),
        subject,
        // Looked at above.
        register_usable: true,
        read_elsewhere: Vec::new(),
        sender: None,
        trace: Trace::off(),
        answer: Box::new(|_, _| None),
        terms,
    };
    match gate.record_afterwards(request, at, &told).await {
        Ok(Recorded::Already(entry)) => Answer::Already { entry },
        Ok(Recorded::Entered(entry, verdict)) => {
            let rules = verdict.findings().map(|(_, finding)| finding.rule.as_str());
            let gaps = verdict.gaps.iter().map(|gap| gap.as_str());
            let mut found: Vec<String> = rules.chain(gaps).map(str::to_owned).collect();
            found.sort();
            found.dedup();
            let (entry, decision) = (entry.to_string(), verdict.decision.as_str().to_owned());
            Answer::Recorded(admin::Recorded { entry, at, control_id, decision, found })
        }
        Err(error) => {
            let zh = "账本暂不可写，请稍后重新执行；已记录的不会重复。".to_owned();
            Answer::Refused { zh, en: error.to_string() }
        }
    }
}
