//! One server for each data directory.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
    process,
};

use anyhow::{Context, Result, bail};

/// The file that a server holds locked; the process id in it is for people.
const LOCK_FILE: &str = "serve.lock";

/// Held while a server runs; released by the operating system however the process ends.
#[derive(Debug)]
pub(super) struct ServeLock {
    file: File,
}

impl ServeLock {
    /// Takes the lock of the data directory, which must be there.
    pub(super) fn take(data: &Path) -> Result<Self> {
        let path = data.join(LOCK_FILE);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).with_context(
                || format!("{} cannot be written: name another directory with --data", path.display()),
            )?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "another muster, process {}, serves {}: stop it first, or name another directory with --data",
                holder(&mut file),
                data.display(),
            ),
            Err(TryLockError::Error(error)) => {
                let path = path.display();
                return Err(error)
                    .with_context(|| format!("{path} cannot be locked: put the data on a local disk"));
            }
        }
        file.set_len(0)?;
        writeln!(file, "{}", process::id())?;
        Ok(Self { file })
    }
}

impl Drop for ServeLock {
    /// The file stays: who removed it could remove the lock of the next server with it.
    fn drop(&mut self) {
        let emptied = self.file.set_len(0).and_then(|()| self.file.rewind());
        if let Err(error) = emptied {
            tracing::warn!(%error, "the lock file keeps a process id that has ended");
        }
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().chars().take(20).collect(),
        _ => "unknown".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::ServeLock;

    #[test]
    fn a_second_server_is_refused_with_the_pid_of_the_first() {
        let directory = tempfile::tempdir().unwrap();
        let lock = ServeLock::take(directory.path()).unwrap();
        let error = ServeLock::take(directory.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(lock);
        ServeLock::take(directory.path()).unwrap();
    }
}
