//! How a child process is started.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Process;
use super::output::Output;
use crate::Error;

/// What to start: a program, its arguments, its environment and where its output goes.
#[derive(Debug, Clone)]
pub struct Launch {
    program: PathBuf,
    args: Vec<OsString>,
    envs: Vec<(OsString, OsString)>,
    clear: bool,
    log: PathBuf,
    append: bool,
    clean: Option<PathBuf>,
}

impl Launch {
    /// Starts `program` (a path, or a name looked up in `PATH`) and writes its stdout and stderr to
    /// the file `log`.
    pub fn new(program: impl Into<PathBuf>, log: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            envs: Vec::new(),
            clear: false,
            log: log.into(),
            append: false,
            clean: None,
        }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets one environment variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.envs.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Hands on nothing of our own environment but `PATH`: no stray `AWS_PROFILE` or `KUBECONFIG`.
    #[must_use]
    pub fn env_clear(mut self) -> Self {
        self.clear = true;
        self
    }

    /// Appends to the log instead of starting it anew.
    #[must_use]
    pub fn append(mut self) -> Self {
        self.append = true;
        self
    }

    /// Removes this directory once the process is gone, even if we are gone by then.
    #[must_use]
    pub fn clean(mut self, dir: impl Into<PathBuf>) -> Self {
        self.clean = Some(dir.into());
        self
    }

    /// Starts it. Returns when the process runs, which says nothing about its being ready.
    pub fn spawn(self) -> Result<Process, Error> {
        let name = self.program.file_name().unwrap_or(self.program.as_os_str()).to_string_lossy().into_owned();
        let output = Output::new(Some(open_log(&self.log, self.append)?));
        let mut command = Command::new("/bin/sh");
        if self.clear {
            command.env_clear();
            command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        }
        let mut child = command
            .args(["-c", include_str!("wrapper.sh"), "-"])
            .arg(self.clean.unwrap_or_default())
            .arg(&self.program)
            .args(&self.args)
            .envs(self.envs)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C in the terminal is for us; we end our children in our own order.
            .process_group(0)
            .spawn()
            .map_err(Error::io(format!("cannot start {name}")))?;

        if let Some(stderr) = child.stderr.take() {
            output.follow(stderr);
        }
        let mut pid = None;
        if let Some(stdout) = child.stdout.take() {
            let mut stdout = BufReader::new(stdout);
            let mut line = String::new();
            stdout.read_line(&mut line).map_err(Error::io(format!("cannot start {name}")))?;
            pid = line.trim().parse::<u32>().ok();
            output.follow(stdout);
        }
        let Some(pid) = pid else {
            return Err(Error::io(format!("cannot start {name}"))(std::io::Error::other("its pid is unknown")));
        };
        Ok(Process::new(name, pid, child, output, self.log))
    }
}

fn open_log(path: &Path, append: bool) -> Result<File, Error> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).map_err(Error::path("create", dir))?;
    }
    if !append {
        // A log that somebody still writes to keeps its own file.
        let _ = std::fs::remove_file(path);
    }
    OpenOptions::new().create(true).append(true).open(path).map_err(Error::path("open", path))
}
