//! A file that a command writes at its end.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::out::lost;
use super::{Ending, usage};

/// A file to be: written beside its place and put there whole, so that what is there stays until then.
pub(super) struct Goal {
    path: PathBuf,
    /// `None` where there is something that is no file, like a terminal: that is written to as it is.
    beside: Option<PathBuf>,
}

impl Goal {
    /// Whether it can be written is told before the work, and not after it; nothing is left of the attempt.
    pub(super) fn of(path: &Path) -> Result<Self, Ending> {
        let problem = |error: io::Error| usage(format_args!("{}: {error}", path.display()));
        // Where a link leads, there the file is.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let is_special = fs::metadata(&path).is_ok_and(|it| !it.is_file() && !it.is_dir());
        if is_special {
            OpenOptions::new().append(true).open(&path).map_err(problem)?;
            return Ok(Self { path, beside: None });
        }
        if path.is_dir() || path.file_name().is_none() {
            return Err(problem(ErrorKind::IsADirectory.into()));
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.tmp", std::process::id()));
        let beside = path.with_file_name(name);
        let probe = OpenOptions::new().write(true).create_new(true).open(&beside);
        probe.and_then(|_| fs::remove_file(&beside)).map_err(problem)?;
        Ok(Self { path, beside: Some(beside) })
    }

    /// Writes it.
    pub(super) fn write(&self, text: &str) {
        let written = match &self.beside {
            None => fs::write(&self.path, text),
            Some(beside) => fs::write(beside, text).and_then(|()| fs::rename(beside, &self.path)).inspect_err(|_| {
                drop(fs::remove_file(beside));
            }),
        };
        if let Err(error) = written {
            lost(format_args!("{}: {error}", self.path.display()));
        }
    }
}
