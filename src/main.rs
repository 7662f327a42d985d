//! Parse, dispatch, print.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use stele::args::{Bench, Cli, Command};
use stele::failure::Failure;
use stele::role;
use stele::settings::Settings;

/// How long a chunk that is being copied may hold up the end.
const LAST_CHUNK: Duration = Duration::from_secs(5);

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    init_tracing(&cli.command);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Failure::from(error), cli.global.json),
    };
    let ended = runtime.block_on(run(&cli));
    // A device that hangs must not keep a worker that was told to end.
    runtime.shutdown_timeout(LAST_CHUNK);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure, cli.global.json),
    }
}

async fn run(cli: &Cli) -> Result<(), Failure> {
    let settings = Settings::load(&cli.global)?;
    match &cli.command {
        Command::Control(args) => role::control::main(&settings, args).await,
        Command::Worker(args) => role::worker::main(&settings, args).await,
        Command::Dev(args) => stele::dev::main(&settings, args).await,
        Command::Api(args) => role::api::main(&settings, args).await,
        Command::Bench(Bench::Create(args)) => stele::bench::create(&settings, args, cli.global.json).await,
        Command::Bench(Bench::Audit(args)) => stele::bench::audit(&settings, args, cli.global.json).await,
        Command::Bench(Bench::Cinder(args)) => stele::bench::cinder(&settings, args, cli.global.json).await,
        client => stele::cli::run(settings, client, cli.global.json).await,
    }
}

/// By default roles tell what they do, and clients only what is wrong.
fn init_tracing(command: &Command) {
    let is_role = matches!(command, Command::Control(_) | Command::Api(_) | Command::Worker(_));
    let default = if is_role { "warn,stele=info,stele_workers=info,stele_projections=info" } else { "warn" };
    stele::logging::init(default);
}

#[expect(clippy::print_stdout, reason = "with --json the failure is the answer")]
fn fail(failure: &Failure, json: bool) -> ExitCode {
    if json {
        println!("{}", failure.to_json());
    } else {
        eprintln!("stele: {failure}");
    }
    ExitCode::FAILURE
}
