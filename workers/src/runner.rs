//! The one place that spawns processes.
//!
//! A program is started with typed arguments, never through a shell; in the C locale and with an environment of its
//! own, so that its output does not depend on who started the worker; in a process group of its own, so that a
//! timeout ends its children as well; with bounded output, so that a tool gone mad cannot fill the memory.
//!
//! A tool that takes too long is asked to end first (SIGTERM) and killed [`GRACE`] later: LVM defers signals while
//! devices are suspended, and a SIGKILL in there would leave them so.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::Access;
use rustix::process::{Pid, Signal, kill_process_group};
use stele_core::task::STDERR_BYTES_MAX;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The most bytes that a tool may write to stdout: the `lvs` of some 20,000 volumes.
pub const STDOUT_BYTES_MAX: usize = 8 << 20;

/// How long a tool may go on after SIGTERM, and how long it may take to disappear after SIGKILL.
pub const GRACE: Duration = Duration::from_secs(3);

/// How long the pipes of a tool that has ended are read on: a daemon that it started may hold them open for ever.
const DRAIN: Duration = Duration::from_secs(1);

/// Where tools are looked for: the places of Debian and of its relatives, whoever started the worker.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program and its arguments.
#[derive(Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The program, looked up in the runner's path.
    pub program: &'static str,
    /// Its arguments, each exactly as the program gets it.
    pub args: Vec<OsString>,
    /// How long it may take.
    pub timeout: Duration,
    /// The argument that is not to be shown.
    secret: Option<OsString>,
}

impl Invocation {
    /// A program with arguments that may take so long.
    pub fn new<A: Into<OsString>>(program: &'static str, timeout: Duration, args: impl IntoIterator<Item = A>) -> Self {
        Self { program, args: args.into_iter().map(Into::into).collect(), timeout, secret: None }
    }

    /// The same, with an argument that is never shown: a password.
    #[must_use]
    pub fn with_secret(self, secret: &str) -> Self {
        Self { secret: Some(secret.into()), ..self }
    }
}

impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program)?;
        self.args.iter().try_for_each(|arg| {
            let shown = if self.secret.as_ref() == Some(arg) { "***".into() } else { arg.to_string_lossy() };
            write!(f, " {shown}")
        })
    }
}

impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invocation({self})")
    }
}

/// What a tool left when it had ended, well or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its exit status; `None` when a signal ended it.
    pub exit_status: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// All of its stdout.
    pub stdout: Vec<u8>,
    /// The end of its stderr, at most [`STDERR_BYTES_MAX`] bytes.
    pub stderr: String,
}

impl Output {
    /// True when the tool said that all went well.
    #[must_use]
    pub fn success(&self) -> bool {
        self.exit_status == Some(0)
    }
}

/// Why there is no output of a tool.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The program is not there or may not be run.
    #[error("{program} is not installed or may not be run")]
    Unavailable {
        /// The program.
        program: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It could not be started or watched.
    #[error("{program} could not be run")]
    Io {
        /// The program.
        program: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It did not end in time and was ended.
    #[error("{program} did not end within {} ms and was killed{}", timeout.as_millis(), if *gone { "" } else { "; it is still there" })]
    Timeout {
        /// The program.
        program: &'static str,
        /// The time that it had.
        timeout: Duration,
        /// False when it hangs in the kernel and did not even end when it was killed.
        gone: bool,
        /// The end of its stderr.
        stderr: String,
    },
    /// It wrote more than anybody can mean; nothing was concluded from it.
    #[error("{program} wrote more than {max} bytes to stdout and was killed")]
    OutputTooLarge {
        /// The program.
        program: &'static str,
        /// The limit, in bytes.
        max: usize,
    },
}

/// Spawns processes, at most so many at once.
#[derive(Debug, Clone)]
pub struct Runner {
    path: OsString,
    slots: Arc<Semaphore>,
    stdout_bytes_max: usize,
}

impl Runner {
    /// A runner that runs at most so many processes at once; further ones wait, and their timeout with them.
    #[must_use]
    pub fn new(processes_max: usize) -> Self {
        Self {
            path: OsString::from(PATH),
            slots: Arc::new(Semaphore::new(processes_max.clamp(1, Semaphore::MAX_PERMITS))),
            stdout_bytes_max: STDOUT_BYTES_MAX,
        }
    }

    /// The same runner, looking for programs elsewhere.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<OsString>) -> Self {
        self.path = path.into();
        self
    }

    /// Runs a tool to its end. An exit status other than 0 is an output like any other: what it means is for the
    /// caller to say.
    ///
    /// When the future is dropped the tool and its children are killed.
    ///
    /// # Errors
    /// [`RunError`] when there is no output to judge.
    pub async fn run(&self, invocation: Invocation) -> Result<Output, RunError> {
        let program = invocation.program;
        let _slot =
            self.slots.acquire().await.map_err(|closed| RunError::Io { program, source: io::Error::other(closed) })?;
        tracing::debug!(%invocation, "run");
        let began = Instant::now();
        let mut child = self.spawn(&invocation)?;
        let group = Group::of(&child);
        let mut stdout = Vec::new();
        let mut stderr = Tail::default();
        let ended = {
            let pipes = (child.stdout.take(), child.stderr.take());
            let work = converse(&mut child, pipes, &mut stdout, &mut stderr, self.stdout_bytes_max);
            tokio::time::timeout(invocation.timeout, work).await
        };
        let took_ms = began.elapsed().as_millis();
        match ended {
            Ok(Ok(Ended::Exited(status))) => {
                tracing::debug!(program, took_ms, %status, "ended");
                group.forget();
                Ok(output(status, stdout, stderr))
            }
            Ok(Ok(Ended::Flooded)) => {
                group.end(&mut child).await;
                Err(RunError::OutputTooLarge { program, max: self.stdout_bytes_max })
            }
            Ok(Err(source)) => {
                group.end(&mut child).await;
                Err(RunError::Io { program, source })
            }
            Err(_elapsed) => {
                let gone = group.end(&mut child).await;
                Err(RunError::Timeout { program, timeout: invocation.timeout, gone, stderr: stderr.into_text() })
            }
        }
    }

    fn spawn(&self, invocation: &Invocation) -> Result<Child, RunError> {
        let program = invocation.program;
        // By its path: a program that the system had to look for in another PATH than ours would be started by fork, which
        // copies the worker's page tables each time, and not by posix_spawn.
        let found = find_program(&self.path, program)
            .ok_or_else(|| RunError::Unavailable { program, source: io::Error::from(io::ErrorKind::NotFound) })?;
        Command::new(found)
            .arg0(program)
            .args(&invocation.args)
            .env_clear()
            .env("PATH", &self.path)
            .env("LC_ALL", "C")
            .env("LVM_SUPPRESS_FD_WARNINGS", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| match source.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => RunError::Unavailable { program, source },
                _ => RunError::Io { program, source },
            })
    }
}

/// The first file of this name that may be executed.
fn find_program(path: &OsStr, program: &str) -> Option<PathBuf> {
    let may_run = |file: &PathBuf| file.is_file() && rustix::fs::access(file, Access::EXEC_OK).is_ok();
    std::env::split_paths(path).map(|folder| folder.join(program)).find(may_run)
}

enum Ended {
    Exited(ExitStatus),
    Flooded,
}

/// Reads both pipes while the tool runs, and what is left in them when it has ended.
async fn converse(
    child: &mut Child,
    (out, err): (Option<impl AsyncRead + Unpin>, Option<impl AsyncRead + Unpin>),
    stdout: &mut Vec<u8>,
    stderr: &mut Tail,
    stdout_bytes_max: usize,
) -> io::Result<Ended> {
    let reading = async {
        let (flooded, ()) = tokio::try_join!(read_whole(out, stdout, stdout_bytes_max), read_tail(err, stderr))?;
        io::Result::Ok(flooded)
    };
    tokio::pin!(reading);
    tokio::select! {
        flooded = &mut reading => {
            if flooded? {
                return Ok(Ended::Flooded);
            }
            child.wait().await.map(Ended::Exited)
        }
        status = child.wait() => {
            let status = status?;
            match tokio::time::timeout(DRAIN, reading).await {
                Ok(Ok(true)) => Ok(Ended::Flooded),
                Ok(Err(error)) => Err(error),
                Ok(Ok(false)) | Err(_) => Ok(Ended::Exited(status)),
            }
        }
    }
}

/// True when there was more than `max`.
async fn read_whole(pipe: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>, max: usize) -> io::Result<bool> {
    let Some(pipe) = pipe else { return Ok(false) };
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    pipe.take(limit).read_to_end(into).await?;
    Ok(into.len() > max)
}

async fn read_tail(pipe: Option<impl AsyncRead + Unpin>, tail: &mut Tail) -> io::Result<()> {
    let Some(mut pipe) = pipe else { return Ok(()) };
    let mut buffer = [0_u8; 4096];
    loop {
        match pipe.read(&mut buffer).await? {
            0 => return Ok(()),
            read => tail.push(&buffer[..read]),
        }
    }
}

fn output(status: ExitStatus, stdout: Vec<u8>, stderr: Tail) -> Output {
    use std::os::unix::process::ExitStatusExt as _;
    Output { exit_status: status.code(), signal: status.signal(), stdout, stderr: stderr.into_text() }
}

/// The last bytes of a stream.
#[derive(Default)]
struct Tail(Vec<u8>);

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        // Cut only at twice the length, so that a flood costs no copy for every read.
        if self.0.len() > 2 * STDERR_BYTES_MAX {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.0.drain(..self.0.len().saturating_sub(STDERR_BYTES_MAX));
    }

    fn into_text(mut self) -> String {
        self.cut();
        end_of(&String::from_utf8_lossy(&self.0), STDERR_BYTES_MAX)
    }
}

/// The end of a text, at most so many bytes of it, cut at a character.
fn end_of(text: &str, bytes_max: usize) -> String {
    let mut start = text.len().saturating_sub(bytes_max);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text[start..].to_owned()
}

/// The process group of a tool; dropped while the tool runs, it kills the group.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }

    fn forget(mut self) {
        self.0 = None;
    }

    /// Ends the group, first kindly; false when the tool is still there.
    async fn end(mut self, child: &mut Child) -> bool {
        let mut gone = false;
        for signal in [Signal::TERM, Signal::KILL] {
            self.signal(signal);
            gone = tokio::time::timeout(GRACE, child.wait()).await.is_ok();
            if gone {
                break;
            }
        }
        // Its children may have ignored the first signal. They keep the group's number from being used again.
        self.signal(Signal::KILL);
        self.0 = None;
        gone
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            // The only error that can come is that nobody is left, which is what is wanted.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, timeout_ms: u64) -> Invocation {
        Invocation::new("sh", Duration::from_millis(timeout_ms), ["-c", script])
    }

    async fn run(invocation: Invocation) -> Result<Output, RunError> {
        Runner::new(4).run(invocation).await
    }

    #[tokio::test]
    async fn the_exit_status_and_both_streams_come_back() {
        let output = run(sh("echo out; echo err >&2; exit 5", 10_000)).await.unwrap();
        assert_eq!(output.exit_status, Some(5));
        assert!(!output.success());
        assert_eq!((output.stdout.as_slice(), output.stderr.as_str()), (b"out\n".as_slice(), "err\n"));
    }

    #[tokio::test]
    async fn a_signal_is_no_exit_status() {
        let output = run(sh("kill -SEGV $$", 10_000)).await.unwrap();
        assert_eq!((output.exit_status, output.signal), (None, Some(11)));
    }

    #[tokio::test]
    async fn the_surroundings_are_the_same_whoever_starts_it() {
        let output = run(Invocation::new("env", Duration::from_secs(10), [""; 0])).await.unwrap();
        let mut names: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
        names.sort();
        assert_eq!(names, ["LC_ALL=C".to_owned(), "LVM_SUPPRESS_FD_WARNINGS=1".to_owned(), format!("PATH={PATH}")]);
    }

    #[tokio::test]
    async fn arguments_meet_no_shell_and_stdin_is_empty() {
        let odd = "a b; $(id) 'x' \"y\" *";
        let output = run(Invocation::new("printf", Duration::from_secs(10), ["%s", odd])).await.unwrap();
        assert_eq!(output.stdout, odd.as_bytes());
        assert_eq!(run(sh("cat", 10_000)).await.unwrap().stdout, b"");
    }

    #[tokio::test]
    async fn a_timeout_ends_the_children_too() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("child");
        let script = format!("sleep 1000 & echo $! > {}; wait", file.display());
        let error = run(sh(&script, 300)).await.unwrap_err();
        assert!(matches!(error, RunError::Timeout { gone: true, .. }), "{error}");
        let child: i32 = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
        // It was killed. The kernel may still be at it, and until its new parent reaps it, it may be seen as a zombie.
        let mut stat = String::new();
        for _ in 0..200 {
            stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            if stat.is_empty() || stat.contains(") Z ") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{stat}");
    }

    #[tokio::test]
    async fn a_missing_program_is_told_apart() {
        let error = run(Invocation::new("no-such-program-here", Duration::from_secs(1), [""; 0])).await.unwrap_err();
        assert!(matches!(error, RunError::Unavailable { program: "no-such-program-here", .. }), "{error}");
    }

    #[tokio::test]
    async fn output_is_bounded() {
        let runner = Runner { stdout_bytes_max: 1000, ..Runner::new(1) };
        let exact = runner.run(sh("head -c 1000 /dev/zero", 10_000)).await.unwrap();
        assert_eq!(exact.stdout.len(), 1000);
        let error = runner.run(sh("while :; do echo flood; done", 10_000)).await.unwrap_err();
        assert!(matches!(error, RunError::OutputTooLarge { max: 1000, .. }), "{error}");
    }

    #[tokio::test]
    async fn of_stderr_the_end_is_kept() {
        let output =
            run(sh("i=0; while [ $i -lt 3000 ]; do echo line $i >&2; i=$((i+1)); done", 20_000)).await.unwrap();
        assert_eq!(output.stderr.len(), STDERR_BYTES_MAX);
        assert!(output.stderr.ends_with("line 2999\n"));
        assert_eq!(end_of("aä", 1), "");
    }

    #[tokio::test]
    async fn a_daemon_that_holds_the_pipes_does_not_hold_the_tool() {
        let output = run(sh("echo done; sleep 3 & exit 0", 10_000)).await.unwrap();
        assert_eq!((output.exit_status, output.stdout.as_slice()), (Some(0), b"done\n".as_slice()));
    }
}
