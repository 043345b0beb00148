//! A `latchkey dev` of its own, as a process.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;

/// The command under test.
pub(crate) fn latchkey() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    for variable in ["OPENAI_API_KEY", "ANTHROPIC_API_KEY"] {
        command.env_remove(variable);
    }
    command
}

/// A running `latchkey dev`, killed when it is dropped.
pub(crate) struct Dev {
    child: Child,
    folder: TempDir,
    /// The output until it served.
    pub(crate) printed: String,
}

impl Dev {
    /// Starts `latchkey dev` on free ports, and waits until it serves.
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let mut child = on_free_ports(&folder.path().join("dev"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut printed = String::new();
        // The last line of the commands that it prints.
        while !printed.contains("UsageService/ListAttempts\n") {
            let read = lines.read_line(&mut printed).expect("it prints UTF-8");
            assert_ne!(read, 0, "it ended early:\n{printed}");
        }
        child.stdout = Some(lines.into_inner());
        Self {
            child,
            folder,
            printed,
        }
    }

    /// The admin's token.
    pub(crate) fn token(&self) -> String {
        let file = self.folder.path().join("dev/admin.token");
        std::fs::read_to_string(file)
            .expect("it was made")
            .trim()
            .to_owned()
    }

    /// The addresses of vault and router.
    pub(crate) fn addresses(&self) -> (String, String) {
        let line = self
            .printed
            .lines()
            .find(|line| line.starts_with("Serving: "))
            .unwrap();
        let mut found = line
            .split_whitespace()
            .map(|word| word.trim_end_matches([',', '.']))
            .filter(|word| word.starts_with("127.0.0.1:"));
        let next = |found: &mut dyn Iterator<Item = &str>| found.next().unwrap().to_owned();
        (next(&mut found), next(&mut found))
    }

    /// Sends SIGTERM and waits. Returns the exit status and the output since it served.
    pub(crate) fn terminate(mut self) -> (ExitStatus, String) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let status = self.child.wait().unwrap();
        let mut rest = String::new();
        if let Some(stdout) = self.child.stdout.as_mut() {
            stdout.read_to_string(&mut rest).unwrap();
        }
        (status, rest)
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `latchkey dev` in a folder, on free ports.
pub(crate) fn on_free_ports(folder: &Path) -> Command {
    let mut command = latchkey();
    command.arg("dev").arg("--folder").arg(folder);
    for port in ["--vault-port", "--router-port", "--sandbox-port"] {
        command.args([port, "0"]);
    }
    command
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
