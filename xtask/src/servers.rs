//! The PostgreSQL and the RabbitMQ that some tests need: found or started by `test-servers`, held while they are used.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::step::{Outcome, cargo, run};

/// Servers that tests may use.
pub(crate) struct Servers {
    /// The variables that name them.
    variables: Vec<(String, String)>,
    child: Child,
    /// Closed to end them.
    hold: Option<ChildStdin>,
}

impl Servers {
    /// Finds them, or starts what is missing; `yes` lets programs be installed without a question.
    pub(crate) fn find(yes: bool) -> Result<Self, String> {
        Self::start(yes, &[])
    }

    /// Starts some that nobody else uses.
    pub(crate) fn own(yes: bool) -> Result<Self, String> {
        Self::start(yes, &["--only", "programs"])
    }

    fn start(yes: bool, way: &[&str]) -> Result<Self, String> {
        run(&mut cargo(&["build", "--quiet", "-p", "test-servers"]))?;
        let mut command = cargo(&["run", "--quiet", "-p", "test-servers", "--"]);
        command.args(way);
        if yes {
            command.arg("--yes");
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("test-servers: {error}"))?;
        let (hold, told) = (child.stdin.take(), child.stdout.take());
        let mut servers = Self { variables: vec![], child, hold };
        let told = told.ok_or_else(|| "test-servers: no output".to_owned())?;
        for line in BufReader::new(told).lines() {
            let line = line.map_err(|error| format!("test-servers: {error}"))?;
            match line.split_once('=') {
                Some((name, url)) => servers.variables.push((name.to_owned(), url.to_owned())),
                None if line == "ready" => return Ok(servers),
                None => {}
            }
        }
        // It has said why.
        Err("there are no servers for the tests".to_owned())
    }

    /// Runs a command that finds them in its environment.
    pub(crate) fn run(&self, command: &mut Command) -> Outcome {
        run(self.told(command))
    }

    /// The command, with their names in its environment.
    pub(crate) fn told<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.envs(self.variables.iter().map(|(name, url)| (name, url)))
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.hold.take());
        drop(self.child.wait());
    }
}
