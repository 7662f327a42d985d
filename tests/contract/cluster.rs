//! Three nats-servers on loopback that form a cluster, to be killed and restarted at will.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

/// A cluster of three; its servers end with it.
pub(crate) struct Cluster {
    binary: PathBuf,
    directory: PathBuf,
    client_ports: Vec<u16>,
    servers: Vec<Option<Child>>,
}

impl Cluster {
    /// Starts three servers in `directory`, which must be empty. `sync_always` needs a server from 2.10 on.
    pub(crate) async fn start(binary: &Path, directory: &Path, sync_always: bool) -> Self {
        let ports = free_ports(6);
        let (clients, routes) = ports.split_at(3);
        let all_routes: Vec<String> = routes.iter().map(|port| format!("\"nats://127.0.0.1:{port}\"")).collect();
        for server in 0..3 {
            let store = directory.join(format!("store-{server}"));
            let text = format!(
                "listen: \"127.0.0.1:{}\"\nserver_name: \"server-{server}\"\nlog_file: \"{}\"\n\
                 jetstream {{ store_dir: \"{}\", max_memory_store: 268435456, max_file_store: 4294967296{} }}\n\
                 cluster {{ name: \"duel\", listen: \"127.0.0.1:{}\", routes: [{}] }}\n",
                clients[server],
                directory.join(format!("server-{server}.log")).display(),
                store.display(),
                if sync_always { ", sync_interval: always" } else { "" },
                routes[server],
                all_routes.join(", "),
            );
            std::fs::create_dir_all(&store).unwrap();
            std::fs::write(directory.join(format!("server-{server}.conf")), text).unwrap();
        }
        let servers = vec![None, None, None];
        let mut cluster = Self {
            binary: binary.to_owned(),
            directory: directory.to_owned(),
            client_ports: clients.to_vec(),
            servers,
        };
        for server in 0..3 {
            cluster.restart(server);
        }
        for server in 0..3 {
            cluster.wait_until_it_listens(server).await;
        }
        cluster
    }

    /// The addresses for clients.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.client_ports.iter().map(|port| format!("nats://127.0.0.1:{port}")).collect()
    }

    /// SIGKILL.
    pub(crate) async fn kill(&mut self, server: usize) {
        if let Some(mut child) = self.servers[server].take() {
            child.kill().await.unwrap();
        }
    }

    /// Starts a server that was killed.
    pub(crate) fn restart(&mut self, server: usize) {
        let config = self.directory.join(format!("server-{server}.conf"));
        let mut command = Command::new(&self.binary);
        command.arg("--config").arg(config).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        self.servers[server] = Some(command.spawn().unwrap());
    }

    async fn wait_until_it_listens(&self, server: usize) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.client_ports[server])).await.is_err() {
            assert!(Instant::now() < deadline, "server {server} does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Ports that were free together a moment ago.
fn free_ports(count: usize) -> Vec<u16> {
    let listeners: Vec<_> = (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
    listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect()
}
