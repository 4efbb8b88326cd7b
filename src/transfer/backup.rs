//! A backup: a directory with the log and the pictures in one folder, the keys in another one, and what was backed up in
//! `backup.json`. The two folders are apart because they are kept for different times; a text in each says so.

use std::{
    env,
    ffi::OsString,
    fs::{self, DirBuilder, File, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use muster_events::{stream::Position, time::Timestamp};
use serde::{Deserialize, Serialize};
use tempfile::{Builder, TempDir};
use thiserror::Error;

use super::Moved;
use crate::{
    deployment::{BLOBS_FILE, DeploymentOptions, Holdings, KEYS_FILE, LOG_FILE, OpenError, Place},
    sealing::{KeyStore, SealingError, moving},
};

/// What was backed up.
const MANIFEST: &str = "backup.json";
/// The folder of the log and the pictures.
const LOG: &str = "log";
/// The folder of the keys.
const KEYS: &str = "keys";
const FOLDERS: [&str; 2] = [LOG, KEYS];
/// The text in each folder.
const NOTE: &str = "README.txt";
/// Where in a data directory a backup is copied to while it is restored.
const WORKING_COPY: &str = "restoring";
/// How it is called among temporary files.
const TEMPORARY_COPY: &str = "muster-restoring-";
/// The shape of [`Manifest`].
const FORMAT: u32 = 1;

const NOTE_ON_LOG: &str = include_str!("note_on_log.txt");
const NOTE_ON_KEYS: &str = include_str!("note_on_keys.txt");

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The shape of this file.
    format: u32,
    /// When it was begun.
    pub taken_at: Timestamp,
    /// Of what, in words.
    pub of: String,
    /// The position of its last event.
    pub position: Position,
    /// The digest over all its leaves, as `muster doctor --json` prints it for that position.
    pub digest: String,
    /// [`moving::digest`] of its keys; none in one of an earlier version.
    #[serde(default)]
    pub keys: Option<String>,
    /// Id of the master key that wraps its keys, which is not in it.
    pub master_key: String,
}

impl Manifest {
    /// Of what was moved into a backup.
    pub async fn new(
        taken_at: Timestamp,
        of: &Place,
        moved: &Moved,
        keys: &dyn KeyStore,
    ) -> Result<Self, SealingError> {
        let (position, digest) = (moved.position, moved.digest.clone());
        let founding = keys.founding().await?;
        let master_key = founding.map(|founding| founding.master.id.to_string()).unwrap_or_default();
        let keys = Some(moving::digest(keys).await?);
        Ok(Self { format: FORMAT, taken_at, of: of.to_string(), position, digest, keys, master_key })
    }
}

/// Why a backup cannot be written or read.
#[derive(Debug, Error)]
pub enum BackupError {
    /// Something is there already.
    #[error("{} is there already and not empty: name another directory", .0.display())]
    Occupied(PathBuf),
    /// Another process is at it.
    #[error("another muster backs up into {} at this moment: let it end, or name another directory", .0.display())]
    UnderWay(PathBuf),
    /// Nothing can be renamed to it.
    #[error("{} is a mount point: name a directory in it that is not there yet", .0.display())]
    Mounted(PathBuf),
    /// It is none.
    #[error("{} is no backup of muster: {why}", .directory.display())]
    None {
        /// What was named.
        directory: PathBuf,
        /// What is missing.
        why: String,
    },
    /// The file system refuses.
    #[error("{} cannot be used: {error}", .path.display())]
    Files {
        /// What.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// What is in it cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_path_buf();
    move |error| BackupError::Files { path, error }
}

/// A backup that is being written, beside where it is to be: under its own name there is only a whole one.
#[derive(Debug)]
pub struct Draft {
    place: PathBuf,
    at: PathBuf,
    /// Open, and locked: whoever else writes it is refused.
    _lock: File,
}

impl Draft {
    /// Begins a backup at `place`, or goes on with one that was cut off.
    pub fn begin(place: &Path) -> Result<Self, BackupError> {
        let is_empty = match fs::read_dir(place) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(failed(place)(error)),
        };
        if !is_empty {
            return Err(BackupError::Occupied(place.into()));
        }
        let mut name: OsString = place.components().as_path().as_os_str().to_owned();
        name.push(".unfinished");
        let draft = PathBuf::from(name);
        make(&draft)?;
        if is_mounted(place, &draft)? {
            return Err(BackupError::Mounted(place.into()));
        }
        let lock = File::open(&draft).map_err(failed(&draft))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { place: place.into(), at: draft, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(BackupError::UnderWay(place.into())),
            Err(TryLockError::Error(error)) => Err(failed(&draft)(error)),
        }
    }

    /// Forgets what was written: it was whole when whoever wrote it ended, and nothing is added to a whole one. Nobody
    /// holds it open.
    pub fn begin_anew(&self) -> Result<(), BackupError> {
        for folder in FOLDERS.map(|folder| self.at.join(folder)) {
            fs::remove_dir_all(&folder).map_err(failed(&folder))?;
        }
        make(&self.at)
    }

    /// What it is written into.
    pub async fn holdings(&self) -> Result<Holdings, BackupError> {
        holdings(&self.at, &self.at).await
    }

    /// Gives it its name. Whoever holds it open has let go.
    pub fn finish(self, manifest: &Manifest) -> Result<(), BackupError> {
        let text = serde_json::to_string_pretty(manifest)
            .map_err(|error| failed(&self.at)(io::Error::other(error)))?;
        let files = [
            (self.at.join(LOG).join(NOTE), NOTE_ON_LOG.to_owned()),
            (self.at.join(KEYS).join(NOTE), NOTE_ON_KEYS.replace("{master_key}", &manifest.master_key)),
            (self.at.join(MANIFEST), text + "\n"),
        ];
        for (path, text) in files {
            let written = File::create(&path).and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            });
            written.map_err(failed(&path))?;
        }
        for folder in [self.at.join(LOG), self.at.join(KEYS), self.at.clone()] {
            sync(&folder)?;
        }
        fs::rename(&self.at, &self.place).map_err(failed(&self.place))?;
        match self.place.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => sync(parent),
            None => sync(Path::new(".")),
        }
    }
}

/// The folders of a backup.
fn make(backup: &Path) -> Result<(), BackupError> {
    for folder in FOLDERS.map(|folder| backup.join(folder)) {
        // Nobody else is to read what is in there, sealed or not.
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed(&folder))?;
    }
    Ok(())
}

/// Whether `place`, where it is there, is on another file system than `beside` it: nothing can take its name then.
fn is_mounted(place: &Path, beside: &Path) -> Result<bool, BackupError> {
    match fs::metadata(place) {
        Ok(there) => Ok(there.dev() != fs::metadata(beside).map_err(failed(beside))?.dev()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed(place)(error)),
    }
}

/// A name is durable only when its directory is.
fn sync(directory: &Path) -> Result<(), BackupError> {
    File::open(directory).and_then(|file| file.sync_all()).map_err(failed(directory))
}

/// Reads what a backup says of itself.
pub fn manifest(directory: &Path) -> Result<Manifest, BackupError> {
    let none = |why: String| BackupError::None { directory: directory.into(), why };
    let path = directory.join(MANIFEST);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(none(format!("there is no {MANIFEST} in it")));
        }
        Err(error) => return Err(failed(&path)(error)),
    };
    let manifest: Manifest =
        serde_json::from_str(&text).map_err(|error| none(format!("its {MANIFEST} is damaged ({error})")))?;
    if manifest.format != FORMAT {
        return Err(none(format!("its format is {}, this muster knows {FORMAT}", manifest.format)));
    }
    for file in files(directory) {
        if !file.exists() {
            return Err(none(format!("{} is gone from it: put it back beside the rest", file.display())));
        }
    }
    Ok(manifest)
}

/// What a backup holds, in files of its own: a backup stays as it is, on whatever it is kept.
#[derive(Debug)]
pub struct WorkingCopy {
    directory: TempDir,
    /// Held as long as somebody restores from it.
    _lock: File,
    of: PathBuf,
}

impl WorkingCopy {
    /// Opens it.
    pub async fn holdings(&self) -> Result<Holdings, BackupError> {
        holdings(self.directory.path(), &self.of).await
    }
}

/// Copies what a backup holds into the data directory that it is restored to, or to where temporary files are kept for a
/// database; gone when it is dropped. What was left there by one that was cut off is gone before.
pub fn copy(backup: &Path, to: &DeploymentOptions) -> Result<WorkingCopy, BackupError> {
    let directory = if to.database.is_none() {
        let left = to.data.join(WORKING_COPY);
        match fs::remove_dir_all(&left) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&left)(error)),
            _ => Builder::new().prefix(WORKING_COPY).rand_bytes(0).tempdir_in(&to.data),
        }
        .map_err(failed(&left))?
    } else {
        forget_cut_off();
        Builder::new().prefix(TEMPORARY_COPY).tempdir().map_err(failed(&env::temp_dir()))?
    };
    let lock = File::open(directory.path()).map_err(failed(directory.path()))?;
    lock.lock().map_err(failed(directory.path()))?;
    make(directory.path())?;
    for (from, to) in files(backup).iter().zip(files(directory.path())) {
        let mut from_file = File::open(from).map_err(failed(from))?;
        let mut to_file = File::create(&to).map_err(failed(&to))?;
        io::copy(&mut from_file, &mut to_file).map_err(failed(&to))?;
    }
    Ok(WorkingCopy { directory, _lock: lock, of: backup.into() })
}

/// Removes what was left by those who were cut off: nobody holds it. What is another user's, or cannot be removed, stays.
fn forget_cut_off() {
    for entry in fs::read_dir(env::temp_dir()).into_iter().flatten().map_while(Result::ok) {
        let is_one = entry.file_name().to_string_lossy().starts_with(TEMPORARY_COPY);
        if is_one && File::open(entry.path()).is_ok_and(|left| left.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Opens what is in a directory that is called `place`.
async fn holdings(directory: &Path, place: &Path) -> Result<Holdings, BackupError> {
    let [log, keys, blobs] = files(directory);
    Ok(Holdings::in_files(&log, &keys, &blobs, Place::Directory(place.into())).await?)
}

fn files(directory: &Path) -> [PathBuf; 3] {
    let log = directory.join(LOG);
    [log.join(LOG_FILE), directory.join(KEYS).join(KEYS_FILE), log.join(BLOBS_FILE)]
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::is_mounted;

    #[test]
    fn a_place_on_a_file_system_of_its_own_cannot_be_renamed_to() {
        let directory = tempfile::tempdir().unwrap();
        let draft = directory.path().join("backup.unfinished");
        std::fs::create_dir(&draft).unwrap();
        assert!(!is_mounted(directory.path(), &draft).unwrap());
        assert!(!is_mounted(&directory.path().join("backup"), &draft).unwrap(), "it is not there yet");
        #[cfg(target_os = "linux")]
        assert!(is_mounted(Path::new("/proc"), &draft).unwrap());
    }
}
