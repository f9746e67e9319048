//! Running commands.

use std::process::{Command, Stdio};

/// Runs a command to its end; its output is told only when it fails.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(format!("{name} ended with {}: {} {}", output.status, text(&output.stdout), text(&output.stderr)))
}

/// Whether this process is root.
pub(crate) fn is_root() -> bool {
    run(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}
