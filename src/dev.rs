//! `stele dev`: a whole cell in one process, on loopback.

use std::time::Duration;

use stele_core::chap::ChapKey;
use stele_core::id::BackendName;
use stele_projections::v3::auth::Authenticator;
use stele_workers::config::{BackendConfig, DriverConfig, NullConfig};
use stele_workers::target::TargetConfig;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::archive::{archive, cell_log};
use crate::args::{AuthMethod, Dev, DriverKind};
use crate::chap_key;
use crate::control::{self, ControlSettings};
use crate::failure::Failure;
use crate::key_file;
use crate::nats::{ServerProcess, ServerProcessSettings, StreamSettings};
use crate::role::api::Probe;
use crate::role::connect::{connected, prepared};
use crate::role::{api, stop, worker};
use crate::settings::Settings;

/// How long everything may take to answer.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How long a task may be in the hands of a worker that died. In one process that is the process: short, so that a
/// cell that was killed goes on at once when it is started again.
const ACK_WAIT: Duration = Duration::from_secs(5);

/// Runs a cell until the process is asked to end.
///
/// # Errors
/// A [`Failure`] that says which part could not start, and what to do.
pub async fn main(settings: &Settings, args: &Dev) -> Result<(), Failure> {
    let stop = stop::on_signals();
    let mut auth = settings.from_file.auth.with(&args.auth);
    auth.method.get_or_insert(AuthMethod::NoAuth);
    let authenticator = auth.authenticator(args.http).await?;
    let mut server = ServerProcess::start(&ServerProcessSettings {
        directory: args.data.join("nats"),
        port: args.nats_port,
        binary: None,
    })
    .await?;
    let (nats, syncs) = (server.url(), server.syncs_always());
    let cell = tokio::select! {
        cell = run(settings, args, (&nats, syncs), authenticator, stop) => cell,
        status = server.ended() => {
            let log = args.data.join("nats/nats-server.log");
            return Err(Failure::new("NatsServerEnded", format!("nats-server ended: {status}"), format!("see {}", log.display())));
        }
    };
    info!("stopping nats-server");
    server.stop().await;
    cell
}

async fn run(
    settings: &Settings,
    args: &Dev,
    (nats, syncs): (&str, bool),
    authenticator: Authenticator,
    stop: CancellationToken,
) -> Result<(), Failure> {
    let mut own = settings.clone();
    own.nats.value = vec![nats.to_owned()];
    let connection = connected(&own, "stele dev").await?;
    let streams = StreamSettings::default();
    prepared(&connection, &streams, Some(syncs), false).await?;
    // The address first: a second cell ends here, before it has touched the log of the first.
    let data = args.data.join("api");
    let (backends, chap_key) = backends(settings, args)?;
    let secrets = (authenticator, chap_key);
    let archive = archive(settings)?;
    let log = cell_log(&connection, archive.clone());
    let data = (data.as_path(), settings.from_file.api.history(args.history));
    let served = api::start((connection.clone(), log), data, args.http, secrets, stop.clone()).await?;
    let (url, probe) = (served.url(), served.probe());
    let control = ControlSettings {
        config: settings.from_file.control.clone(),
        data: args.data.join("control"),
        server_syncs: syncs,
        // Nobody else can lead this cell: there is nothing to wait for.
        claim_after: Duration::ZERO,
        host: crate::role::control::host_name(),
        streams,
        archive,
    };
    let mut parts: JoinSet<Result<(), Failure>> = JoinSet::new();
    let controlled = (connection.clone(), stop.clone());
    parts.spawn(async move { Ok(control::run(controlled.0, control, controlled.1).await?) });
    parts.spawn(served.run());
    for backend in backends.clone() {
        let (connection, stop) = (connection.clone(), stop.clone());
        parts.spawn(async move { worker::run(connection, backend, ACK_WAIT, stop).await });
    }
    let ready = async {
        wait_until_ready(&probe, &backends).await?;
        announce(&url, nats);
        std::future::pending::<Result<(), Failure>>().await
    };
    let ended = tokio::select! {
        ended = ready => ended,
        ended = first_failure(&mut parts, &stop) => ended,
    };
    stop.cancel();
    while let Some(part) = parts.join_next().await {
        if let Ok(Err(failure)) = part {
            error!("{failure}");
        }
    }
    connection.flush().await.ok();
    ended
}

/// Ends when the first part fails, or when all have ended because they were asked to.
async fn first_failure(parts: &mut JoinSet<Result<(), Failure>>, stop: &CancellationToken) -> Result<(), Failure> {
    while let Some(part) = parts.join_next().await {
        match part {
            Ok(Ok(())) if stop.is_cancelled() => {}
            Ok(Ok(())) => return Err(Failure::new("PartEnded", "a part of the cell ended", "see the lines above")),
            Ok(Err(failure)) => return Err(failure),
            Err(panic) => {
                return Err(Failure::new("PartPanicked", panic.to_string(), "this is a fault of the program"));
            }
        }
    }
    Ok(())
}

async fn wait_until_ready(probe: &Probe, backends: &[BackendConfig]) -> Result<(), Failure> {
    let deadline = tokio::time::Instant::now() + READY_WITHIN;
    loop {
        let why = match probe.services().await {
            Ok(services) => {
                let waiting = backends.iter().find(|backend| !services.contains(&backend.name));
                match waiting {
                    None => return Ok(()),
                    Some(backend) => format!("backend {} has not reported", backend.name),
                }
            }
            Err(failure) => failure.message,
        };
        if tokio::time::Instant::now() >= deadline {
            return Err(Failure::new("NotReady", why, "see the lines above"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[expect(clippy::print_stdout, reason = "the line that scripts wait for")]
fn announce(http: &str, nats: &str) {
    println!("ready {http} {nats}");
}

/// The backends, and the key of what they export.
fn backends(settings: &Settings, args: &Dev) -> Result<(Vec<BackendConfig>, Option<ChapKey>), Failure> {
    let mut export = args.export.clone();
    if export.chap_key_file.is_none() {
        export.chap_key_file.clone_from(&settings.from_file.chap_key_file);
    }
    if export.target.is_some() && export.chap_key_file.is_none() {
        let file = args.data.join("chap.key");
        std::fs::create_dir_all(&args.data)?;
        key_file::make(&file)?;
        export.chap_key_file = Some(file);
    }
    let key = export.chap_key_file.as_deref().map(chap_key::read).transpose()?;
    if !settings.from_file.backends.is_empty() {
        return Ok((settings.from_file.backends.clone(), key));
    }
    let target = worker::target(&export)?;
    let host = crate::role::control::host_name();
    let kind = worker::kind_name(args.driver);
    let backends: Result<_, Failure> = (1..=args.backends)
        .map(|number| {
            let name = if args.backends == 1 { format!("{host}@{kind}") } else { format!("{host}@{kind}{number}") };
            let name = BackendName::new(&name);
            let name =
                name.map_err(|e| Failure::new("InvalidName", e.to_string(), "give this machine a plain name"))?;
            Ok(worker::backend(name, driver(args, number, target.clone())))
        })
        .collect();
    Ok((backends?, key))
}

fn driver(args: &Dev, number: u16, target: Option<TargetConfig>) -> DriverConfig {
    match args.driver {
        DriverKind::File => worker::file_driver(args.data.join("volumes").join(number.to_string())),
        DriverKind::Null => DriverConfig::Null(NullConfig::default()),
        DriverKind::Lvm => worker::lvm_driver(args.volume_group.clone(), target),
    }
}
