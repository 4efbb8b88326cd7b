//! The master key: a file of the operator's that wraps every other key.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::{
    MasterRecord, SealingError, WrappedKey,
    cipher::{KEY_BYTES, Secret, frame, random_id},
};

/// Longer than any master key file; so much is read of one that is something else.
const FILE_LIMIT: usize = 256;
/// Bits of a file's mode that let others than its owner at it.
#[cfg(unix)]
const OTHERS: u32 = 0o077;

const ID_PURPOSE: &[u8] = b"muster master key id";
const CHECK_PURPOSE: &[u8] = b"muster master key check";
const CHECK_TEXT: &[u8] = b"this is the right master key";
const WRAP_PURPOSE: &[u8] = b"muster wrapped key";

/// Wraps every other key. Overwritten when dropped, and never printed.
#[derive(Clone)]
pub struct MasterKey {
    /// Derived from the key, so that a file and a database can be told to belong together.
    id: String,
    secret: Secret,
}

/// Where the master key comes from.
#[derive(Debug, Clone)]
pub enum MasterSource {
    /// It is at hand.
    Key(MasterKey),
    /// This file, which must be there.
    File(PathBuf),
    /// This file, which is made when there are no keys yet for which it would be needed.
    FileMadeOnFirstRun(PathBuf),
}

impl From<MasterKey> for MasterSource {
    fn from(key: MasterKey) -> Self {
        Self::Key(key)
    }
}

impl MasterSource {
    /// The file, where it is one.
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Self::Key(_) => None,
            Self::File(path) | Self::FileMadeOnFirstRun(path) => Some(path),
        }
    }

    /// The key. `is_first_run`: there are no keys yet that it wraps.
    pub(super) fn key(self, is_first_run: bool) -> Result<MasterKey, SealingError> {
        match self {
            Self::Key(key) => Ok(key),
            Self::FileMadeOnFirstRun(path) if is_first_run && !path.exists() => {
                // Another process may have been faster; then its key is the one.
                MasterKey::create_new(&path)
                    .or_else(|error| if path.exists() { MasterKey::read(&path) } else { Err(error) })
            }
            Self::File(path) | Self::FileMadeOnFirstRun(path) => MasterKey::read(&path),
        }
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "MasterKey({})", self.id)
    }
}

impl MasterKey {
    /// A new one, in memory only.
    pub fn generate() -> Self {
        Self::from(Secret::random())
    }

    /// From a file of 64 hexadecimal digits that only its owner may read.
    pub fn read(path: &Path) -> Result<Self, SealingError> {
        let shown = path.display();
        let file = File::open(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => SealingError::Unusable(format!(
                "there is no master key file {shown}: put it back from its backup, or name another one with \
                 --master-key-file; `muster keys new` makes one for a new ledger"
            )),
            _ => unreadable(path, &error),
        })?;
        let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
        if metadata.is_dir() {
            let text = format!("the master key file {shown} is a directory: name the file in it");
            return Err(SealingError::Unusable(text));
        }
        refuse_shared(path, &metadata)?;
        let mut text = Zeroizing::new(Vec::with_capacity(FILE_LIMIT));
        file.take(FILE_LIMIT as u64).read_to_end(&mut text).map_err(|error| unreadable(path, &error))?;
        Self::from_hex(text.trim_ascii_end()).map_err(|what| {
            SealingError::Unusable(format!(
                "the master key file {shown} {what}: put the right file back from its backup, or name another one \
                 with --master-key-file"
            ))
        })
    }

    /// Makes a new one and writes it to `path`, durably and readable by its owner only. Never overwrites.
    pub fn create_new(path: &Path) -> Result<Self, SealingError> {
        let key = Self::generate();
        let draft = Draft::beside(path);
        let written = key.write(&draft.0).and_then(|()| fs::hard_link(&draft.0, path));
        written.and_then(|()| sync_directory(path)).map_err(|error| {
            let shown = path.display();
            SealingError::Unusable(match error.kind() {
                ErrorKind::AlreadyExists => {
                    format!("{shown} is there already, and a master key is never overwritten: name another file")
                }
                _ => format!(
                    "the master key file {shown} cannot be written ({error}): name a file in a directory that this \
                     user may write"
                ),
            })
        })?;
        Ok(key)
    }

    /// Tells this key from others without saying anything about it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What is stored to recognize it by.
    pub(super) fn record(&self) -> MasterRecord {
        let check = self.secret.seal(CHECK_TEXT, &self.check_context());
        MasterRecord { id: self.id.as_str().into(), check }
    }

    /// Refuses a database whose keys are wrapped by another one.
    pub(super) fn verify(&self, record: &MasterRecord) -> Result<(), SealingError> {
        if self.id != record.id.as_str() {
            return Err(self.wrong(&record.id));
        }
        let opened = self.secret.open(&record.check, &self.check_context());
        if opened.is_none_or(|text| text.as_slice() != CHECK_TEXT) {
            let text = "the check value of the master key was altered: put the keys back from their backup";
            return Err(SealingError::Unusable(text.into()));
        }
        Ok(())
    }

    /// That `needed` wraps what this one was to unwrap.
    pub(super) fn wrong(&self, needed: &str) -> SealingError {
        SealingError::WrongMasterKey { needed: needed.into(), given: self.id.clone() }
    }

    pub(super) fn wrap(&self, id: &str, holder: &str, secret: &Secret) -> WrappedKey {
        let bytes = self.secret.seal(secret.bytes(), &wrap_context(id, holder));
        WrappedKey { id: id.into(), holder: holder.into(), master: self.id.as_str().into(), bytes }
    }

    pub(super) fn unwrap(&self, key: &WrappedKey) -> Result<Secret, SealingError> {
        if self.id != key.master.as_str() {
            return Err(self.wrong(&key.master));
        }
        let opened = self.secret.open(&key.bytes, &wrap_context(&key.id, &key.holder));
        opened.and_then(|bytes| Secret::from_bytes(&bytes)).ok_or_else(|| {
            SealingError::Unusable(format!(
                "key {} of {} was altered where it is stored: put the keys back from their backup",
                key.id, key.holder
            ))
        })
    }

    fn check_context(&self) -> Vec<u8> {
        frame(&[CHECK_PURPOSE, self.id.as_bytes()])
    }

    fn from_hex(text: &[u8]) -> Result<Self, String> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        if text.len() != 2 * KEY_BYTES {
            let digits = 2 * KEY_BYTES;
            let least = if text.len() >= FILE_LIMIT { "at least " } else { "" };
            return Err(format!("holds {least}{} characters where {digits} are needed", text.len()));
        }
        hex::decode_to_slice(text, bytes.as_mut_slice())
            .map_err(|_| "holds something else than hexadecimal digits".to_owned())?;
        let secret = Secret::from_bytes(bytes.as_slice());
        Ok(Self::from(secret.expect("the array has the length of a key")))
    }

    fn write(&self, path: &Path) -> std::io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        let mut text = Zeroizing::new([b'\n'; 2 * KEY_BYTES + 1]);
        hex::encode_to_slice(self.secret.bytes(), &mut text[..2 * KEY_BYTES])
            .expect("two digits for each byte of the key");
        file.write_all(text.as_slice())?;
        file.sync_all()
    }
}

impl From<Secret> for MasterKey {
    fn from(secret: Secret) -> Self {
        let id = hex::encode(&secret.mac(&[ID_PURPOSE])[..8]);
        Self { id, secret }
    }
}

/// The file before it has its name, so that nobody finds it half written under it, not even after a crash.
struct Draft(PathBuf);

impl Draft {
    fn beside(path: &Path) -> Self {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.new", random_id::<4>()));
        Self(path.with_file_name(name))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Already gone when it could not be written; and then there is nothing to add to that error.
        let _ = fs::remove_file(&self.0);
    }
}

/// A new name is durable only when the directory is.
fn sync_directory(path: &Path) -> std::io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if cfg!(unix) { File::open(directory.unwrap_or(Path::new(".")))?.sync_all() } else { Ok(()) }
}

fn wrap_context(id: &str, holder: &str) -> Vec<u8> {
    frame(&[WRAP_PURPOSE, holder.as_bytes(), id.as_bytes()])
}

fn unreadable(path: &Path, error: &std::io::Error) -> SealingError {
    SealingError::Unusable(format!(
        "the master key file {} cannot be read ({error}): give this user the right to read it, or name another one \
         with --master-key-file",
        path.display()
    ))
}

#[cfg(unix)]
fn refuse_shared(path: &Path, metadata: &fs::Metadata) -> Result<(), SealingError> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
    if mode & OTHERS == 0 {
        return Ok(());
    }
    let shown = path.display();
    Err(SealingError::Unusable(format!(
        "others may read or write the master key file {shown} (mode {mode:03o}): run `chmod 600 {shown}`, and \
         consider whether somebody has read it"
    )))
}

#[cfg(not(unix))]
fn refuse_shared(_path: &Path, _metadata: &fs::Metadata) -> Result<(), SealingError> {
    Ok(())
}
