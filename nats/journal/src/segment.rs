//! One segment file.
//!
//! ```text
//!  0  8 bytes  "NEXUSJ1\n"
//!  8  u64 LE   sequence
//! 16  u32 LE   salt: the marker of this segment's frames
//! 20  u32 LE   CRC-32C of the bytes before
//! 24  zeroes up to 64
//! 64  frames
//! ```

use std::{
    fs::{self, File, OpenOptions},
    io::{self, IoSlice, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use rustix::{fs::FallocateFlags, io::Errno};

use crate::frame::u32_at;

/// Bytes of a segment before its first frame.
pub(crate) const START: u64 = HEAD as u64;

const HEAD: usize = 64;

const MAGIC: &[u8; 8] = b"NEXUSJ1\n";
const EXTENSION: &str = "segment";

/// Creates a file of `bytes` bytes whose blocks are reserved, so that writing into it later works
/// on a disk that someone else filled.
pub(crate) fn reserve(path: &Path, bytes: u64) -> io::Result<()> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    let reserved = match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, bytes) {
        Ok(()) => file.sync_all(),
        // Some file systems can't reserve; a sparse file is the best they have.
        Err(Errno::OPNOTSUPP) => file.set_len(bytes),
        Err(error) => Err(error.into()),
    };
    // Every try has a name of its own: on a full disk there would be ever more of them.
    reserved.inspect_err(|_no_room| drop(fs::remove_file(path)))
}

/// Opens a reserved file for writing as segment `sequence`; the writer stands at its first frame.
pub(crate) fn begin(path: &Path, sequence: u64, salt: u32) -> io::Result<File> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    file.write_all_at(&head(sequence, salt), 0)?;
    file.seek(SeekFrom::Start(START))?;
    Ok(file)
}

fn head(sequence: u64, salt: u32) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[0..8].copy_from_slice(MAGIC);
    head[8..16].copy_from_slice(&sequence.to_le_bytes());
    head[16..20].copy_from_slice(&salt.to_le_bytes());
    let crc = crc32c::crc32c(&head[..20]);
    head[20..24].copy_from_slice(&crc.to_le_bytes());
    head
}

/// The salt of a segment, and whether its head was whole. When it is damaged, the first frame's
/// marker tells the salt; the frame's own checksum then confirms it.
pub(crate) fn read_salt(file: &File) -> io::Result<(u32, bool)> {
    let mut bytes = [0; HEAD + 4];
    let len = read_at_most(file, &mut bytes, 0)?;
    let bytes = &bytes[..len];
    let whole =
        bytes.get(..8) == Some(MAGIC) && bytes.get(..20).map(crc32c::crc32c) == u32_at(bytes, 20);
    let at = if whole { 16 } else { HEAD };
    Ok((u32_at(bytes, at).unwrap_or(0), whole))
}

/// Fills as much of `buffer` as the file has at `offset`.
pub(crate) fn read_at_most(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Writes all slices, a thousand a call (the system takes 1,024).
pub(crate) fn write_all(mut file: &File, slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    for part in slices.chunks_mut(1_000) {
        let mut rest = part;
        while !rest.is_empty() {
            match file.write_vectored(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut rest, written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Lets the system take back the memory in which it keeps the first `bytes` of the file, which were synced.
/// The page that they end in stays: the writer would have to read it. Only advice: what is asked for
/// afterwards is read from the disk.
#[cfg(target_os = "linux")]
pub(crate) fn forget(file: &File, bytes: u64) {
    let Some(bytes) = std::num::NonZeroU64::new(bytes) else { return };
    if let Err(error) = rustix::fs::fadvise(file, 0, Some(bytes), rustix::fs::Advice::DontNeed) {
        tracing::debug!(%error, "a segment stays in the system's memory");
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) const fn forget(_file: &File, _bytes: u64) {}

/// The name of segment `sequence` in `dir`.
pub(crate) fn path(dir: &Path, sequence: u64) -> PathBuf {
    dir.join(format!("{sequence:016x}.{EXTENSION}"))
}

/// The sequences of the segments in `dir`, oldest first.
pub(crate) fn list(dir: &Path) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            found.extend(u64::from_str_radix(stem, 16).ok());
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Makes the names in `dir` survive a power cut.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
