//! The cell that most tests want: two controls, two workers of one file backend, an API.

use stele::cli::Api;

use crate::harness::cell::Cell;

/// The backend of the workers.
pub(crate) const BACKEND: &str = "it@file";

/// A cell with these roles: `control-a`, `control-b`, `worker-a`, `worker-b`, `api`.
pub(crate) async fn cell(names: &[&'static str]) -> Cell {
    let mut cell = Cell::start().await;
    for name in names {
        add(&mut cell, name);
    }
    cell
}

/// Adds one of the roles.
pub(crate) fn add(cell: &mut Cell, name: &'static str) {
    let args: Vec<String> = match name.split('-').next() {
        Some("control") => {
            let options =
                ["control", "--claim-after-ms", "800", "--server-syncs", "--task-deadline-ms", "15000", "--data"];
            options.iter().map(|option| (*option).to_owned()).chain([cell.path(name)]).collect()
        }
        Some("worker") => {
            let options = ["worker", "--backend", BACKEND, "--driver", "file", "--ack-wait-ms", "1500", "--dir"];
            options.iter().map(|option| (*option).to_owned()).chain([cell.path("volumes")]).collect()
        }
        _ => ["api", "--auth", "noauth", "--http", &address(cell), "--data", &cell.path("api")]
            .map(str::to_owned)
            .to_vec(),
    };
    cell.add(name, args);
}

/// The API of the cell.
pub(crate) fn api(cell: &Cell) -> Api {
    Api::new(&format!("http://{}", address(cell)))
}

/// The API's address: a port is chosen once, so that the API has the same one after every start.
fn address(cell: &Cell) -> String {
    let file = cell.folder.path().join("api.address");
    std::fs::read_to_string(&file).unwrap_or_else(|_| {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        std::fs::write(&file, &free).unwrap();
        free
    })
}
