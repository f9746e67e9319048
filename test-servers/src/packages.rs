//! Installing what is missing, where that is allowed.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use crate::kind::Kind;
use crate::process::{is_root, run};

/// The package on Debian and its kin.
const fn package(kind: Kind) -> &'static str {
    match kind {
        Kind::Postgres => "postgresql",
        Kind::RabbitMq => "rabbitmq-server",
    }
}

/// What somebody can do who has none.
pub fn instructions(kind: Kind) -> String {
    let (package, variable) = (package(kind), kind.variable());
    format!(
        "Do one of these and start again:\n  \
         - start Docker\n  \
         - install the programs: `apt-get install {package}` or `brew install {}`\n  \
         - set {variable} to the URL of a server",
        match kind {
            Kind::Postgres => "postgresql@15",
            Kind::RabbitMq => "rabbitmq",
        }
    )
}

/// Installs the programs, if that can be done here and somebody agrees.
pub fn install(kind: Kind, yes: bool) -> Result<(), String> {
    let package = package(kind);
    let can = is_root() && run(Command::new("apt-get").arg("--version")).is_ok();
    if !can {
        return Err(format!("no {} for the tests. {}", kind.name(), instructions(kind)));
    }
    let ci = std::env::var("CI").is_ok_and(|value| value == "true");
    let agreed = yes || ci || ask(&format!("Install {package} with apt-get?"));
    if !agreed {
        let hint = "`--yes` or CI=true lets it be installed here.";
        return Err(format!("no {} for the tests. {}\n{hint}", kind.name(), instructions(kind)));
    }
    eprintln!("installing {package}");
    apt(&["update", "-qq"])?;
    // What is there is left as it is.
    apt(&["install", "-y", "-qq", "--no-upgrade", "--no-install-recommends", package])
}

fn apt(arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).stdout(Stdio::null());
    let status = command.status().map_err(|error| format!("apt-get: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`apt-get {}` ended with {status}", arguments.join(" "))) }
}

/// Asks on the terminal, whatever the standard input is; without one nobody agrees.
fn ask(question: &str) -> bool {
    let Ok(mut terminal) = File::options().read(true).write(true).open("/dev/tty") else { return false };
    drop(write!(terminal, "{question} [y/N] "));
    let mut answer = String::new();
    BufReader::new(terminal).read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}
