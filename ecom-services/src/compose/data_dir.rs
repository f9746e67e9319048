//! The directory that holds everything of an embedded shop: one process at a time, files for its owner alone.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Why a data directory cannot be used. Each is one clear line.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// It cannot be created, read or written.
    #[error("cannot use the data directory {path}: {source}")]
    Unusable {
        /// The directory or the file in it.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has it.
    #[error("the data directory {path} is in use by another process")]
    InUse {
        /// The directory.
        path: PathBuf,
    },
}

/// A data directory, locked for as long as this value lives.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// The operating system gives the lock back when the process ends, however it ends.
    _lock: File,
}

impl DataDir {
    /// Creates the directory if need be and locks it.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let unusable = |path: &Path| {
            let path = path.to_owned();
            move |source| DataDirError::Unusable { path, source }
        };
        create(path).map_err(unusable(path))?;
        let file = path.join("lock");
        let lock = private(&file).open(&file).map_err(unusable(&file))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DataDirError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(unusable(&file)(source)),
        }
        // A directory that takes a lock but no data is found now and not at the first order.
        let probe = path.join(".probe");
        fs::write(&probe, b"x").and_then(|()| fs::remove_file(&probe)).map_err(unusable(path))?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Reads a small file in it; `None` when there is none.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, DataDirError> {
        let path = self.file(name);
        match fs::read(&path) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(DataDirError::Unusable { path, source }),
        }
    }

    /// Writes a small secret file that its owner alone may read (mode 0600), whole or not at all.
    pub fn write_secret(&self, name: &str, content: &[u8]) -> Result<(), DataDirError> {
        let (path, draft) = (self.file(name), self.file(&format!(".{name}.new")));
        let written = || -> io::Result<()> {
            let mut file = private(&draft).truncate(true).open(&draft)?;
            file.write_all(content)?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            File::open(&self.path)?.sync_all()
        };
        written().map_err(|source| DataDirError::Unusable { path: path.clone(), source })
    }
}

/// Creates the directory for its owner alone (mode 0700): its databases hold password hashes and signing keys. One that
/// is there already keeps its mode.
pub(super) fn create(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

pub(super) fn private(_path: &Path) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_is_refused_until_the_first_is_gone() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("shop");
        let first = DataDir::open(&path).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        }
        assert!(matches!(DataDir::open(&path), Err(DataDirError::InUse { .. })));
        drop(first);
        assert!(DataDir::open(&path).is_ok());
    }

    #[test]
    fn a_secret_is_for_its_owner_alone() {
        let parent = tempfile::tempdir().unwrap();
        let data = DataDir::open(parent.path()).unwrap();
        assert_eq!(data.read("secret").unwrap(), None);
        data.write_secret("secret", b"one").unwrap();
        data.write_secret("secret", b"two").unwrap();
        assert_eq!(data.read("secret").unwrap().as_deref(), Some(b"two".as_slice()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(data.file("secret")).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_in_its_place_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("file");
        fs::write(&path, b"").unwrap();
        assert!(matches!(DataDir::open(&path), Err(DataDirError::Unusable { .. })));
    }
}
