//! `zoo worker`: lends this machine's device to runs on other machines.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use burn_zoo::data::panic_message;
use clap::Args;
use serde::Serialize;

use crate::devices;
use crate::error::CliError;
use crate::output::Output;
use crate::progress::status;
use crate::remote::{TokenArg, Worker};

/// Lend a device of this machine to training runs on other machines
///
/// A run file names its workers: devices.remote = ["HOST:PORT"]. Worker and run must be of the same version and know the same
/// token. What they send each other is not encrypted: listen where the network is yours. Runs until Ctrl-C or SIGTERM.
#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// Address and port to listen on: 127.0.0.1:3000, or 0.0.0.0:3000 for every address of this machine.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: String,

    /// Device: flex, wgpu, wgpu:1, vulkan, cuda:0, … (see `zoo devices`) [default: $BURN_DEVICE, or a GPU before a CPU]
    #[arg(long, short, value_name = "DEVICE")]
    device: Option<String>,

    #[command(flatten)]
    token: TokenArg,
}

#[derive(Serialize)]
struct Listening {
    listening: SocketAddr,
    device: String,
}

pub(crate) fn run(args: &WorkerArgs, output: Output) -> Result<(), CliError> {
    let token = args.token.read()?;
    let device = devices::choose(args.device.as_deref())?;
    let listener = listen(&args.listen)?;
    let address = listener
        .local_addr()
        .map_err(|error| CliError::Failed(format!("--listen {}: {error}", args.listen)))?;
    ctrlc::set_handler(|| std::process::exit(0))
        .map_err(|error| CliError::Failed(format!("cannot listen for Ctrl-C: {error}")))?;
    if !address.ip().is_loopback() {
        status(
            "warning: the traffic is not encrypted: whoever sees it sees images and weights, and may change them; the token \
             is not sent",
        );
    }
    // It ends a session and not the worker, and whoever computes here is told no reason.
    std::panic::set_hook(Box::new(|info| {
        status(&format!(
            "a session broke off: {}",
            panic_message(info.payload())
        ));
    }));
    let name = devices::name_of(&device);
    let listening = Listening {
        listening: address,
        device: name.clone(),
    };
    output.show_line(&listening, || {
        format!("listening on {address}, computing on {name}")
    })?;
    let worker = Worker {
        listener,
        device,
        name,
        token,
    };
    worker.serve()
}

fn listen(address: &str) -> Result<TcpListener, CliError> {
    let addresses: Vec<SocketAddr> = address
        .to_socket_addrs()
        .map_err(|error| {
            CliError::Input(format!(
                "--listen {address}: {error}; expected an address and a port, as in 127.0.0.1:3000"
            ))
        })?
        .collect();
    TcpListener::bind(addresses.as_slice()).map_err(|error| {
        CliError::Input(format!(
            "--listen {address}: {error}; choose another port, or end the program that has it"
        ))
    })
}
