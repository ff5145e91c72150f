//! `yubihsm-mock PORT`: a mock YubiHSM 2 behind `http://127.0.0.1:PORT`, in the state of a new device.
//!
//! Prints a line when it listens. Its state is in memory only: start another one for a new device.

use std::io::{self, Write};
use std::process::ExitCode;
use yubihsm::connector::{http, HttpConfig};
use yubihsm::Connector;

fn main() -> ExitCode {
    let Some(port) = std::env::args().nth(1).and_then(|port| port.parse().ok()) else {
        eprintln!("usage: yubihsm-mock PORT");
        return ExitCode::from(2);
    };
    let config = HttpConfig { port, ..HttpConfig::default() };
    let server = match http::Server::new(&config, Connector::mockhsm()) {
        Ok(server) => server,
        Err(error) => {
            eprintln!("cannot listen at port {port}: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("listening at http://127.0.0.1:{port}");
    io::stdout().flush().expect("stdout is open");
    loop {
        // A request that fails fails alone; the crate's own loop would end with it.
        if let Err(error) = server.handle_request() {
            eprintln!("{error}");
        }
    }
}
