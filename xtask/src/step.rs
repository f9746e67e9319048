//! One step of a task: a command with a title, its time printed, its failure one clear line.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::root;

/// How often a command with a time limit is looked at.
const POLL: Duration = Duration::from_millis(50);

/// Why a task failed: one line.
pub(crate) type Outcome = Result<(), String>;

/// A `cargo` command, run at the root of the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(arguments);
    command
}

/// Announces a step, runs it, and prints how long it took.
pub(crate) fn step(title: &str, work: impl FnOnce() -> Outcome) -> Outcome {
    println!("── {title}");
    std::io::stdout().flush().map_err(|error| error.to_string())?;
    let start = Instant::now();
    work().map_err(|problem| format!("{title}: {problem}"))?;
    println!("── {title}: ok ({:.1} s)\n", start.elapsed().as_secs_f64());
    Ok(())
}

/// Runs a command to its end; its output goes where ours goes.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| format!("{}: {error}", line(command)))?;
    if status.success() { Ok(()) } else { Err(format!("`{}` ended with {status}", line(command))) }
}

/// Like [`run`], but a command that is still running after `limit` is ended and counts as failed.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Outcome {
    let text = line(command);
    let mut child = command.spawn().map_err(|error| format!("{text}: {error}"))?;
    let end = Instant::now() + limit;
    loop {
        match child.try_wait().map_err(|error| format!("{text}: {error}"))? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(format!("`{text}` ended with {status}")),
            None if Instant::now() < end => thread::sleep(POLL),
            None => {
                child.kill().and_then(|()| child.wait()).map_err(|error| format!("{text}: {error}"))?;
                return Err(format!("`{text}` was still running after {} s", limit.as_secs()));
            }
        }
    }
}

/// Runs a command and returns what it prints; what one that fails has printed is shown.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let text = line(command);
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| format!("{text}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        println!("{}", String::from_utf8_lossy(&output.stdout));
        Err(format!("`{text}` ended with {}", output.status))
    }
}

/// The command as one would type it.
fn line(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let name = program.rsplit('/').next().unwrap_or(&program).to_owned();
    command.get_args().fold(name, |text, argument| text + " " + &argument.to_string_lossy())
}
