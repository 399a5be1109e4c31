//! nginx as a bare reverse proxy: the yardstick. Set up to be as fast as it can be for each kind of answer.
//!
//! It does none of a gateway's work (no key, no look into the body, no usage, no log), which flatters it.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use crate::failure::{Context, Result};
use crate::process::{GATEWAY_CORE, Ports, Spawn};
use crate::target::{Kind, Target};

/// Starts it with one worker in front of `provider`; its files live in `directory`.
pub(crate) async fn start(program: &Path, provider: SocketAddr, directory: &Path, ports: &mut Ports) -> Result<Target> {
    let (json, stream) = (ports.next()?, ports.next()?);
    fs::create_dir_all(directory).context(|| format!("making {}", directory.display()))?;
    let file = directory.join("nginx.conf");
    fs::write(&file, config(provider, json, stream, directory)).context(|| format!("writing {}", file.display()))?;
    let errors = directory.join("error.log");
    let arguments = ["-c", &file.to_string_lossy(), "-e", &errors.to_string_lossy()].map(str::to_owned).to_vec();
    let mut process = Spawn { arguments, ..Spawn::new("nginx", GATEWAY_CORE, program) }.start()?;
    process.listening(json).await?;
    process.listening(stream).await?;
    Ok(Target { kind: Kind::Nginx, json, stream, books: None, process })
}

/// Two servers in one worker: buffered for JSON (one write per answer), unbuffered for streams (no delay).
///
/// Request bodies stay in memory, connections to the provider are kept, and nothing is logged. The sizes were chosen
/// by measuring: 2 KB for the first read takes head and body of a small request at once (4 KB and more cost a fifth
/// more CPU on 40 KB bodies, the default of 1 KB a read more on small ones), and 32 KB is the cheapest for bursts.
fn config(provider: SocketAddr, json: SocketAddr, stream: SocketAddr, directory: &Path) -> String {
    let directory = directory.display();
    format!(
        r#"daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid {directory}/nginx.pid;
error_log {directory}/error.log error;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  tcp_nodelay on;
  keepalive_timeout 300s;
  keepalive_requests 1000000000;
  client_header_buffer_size 2k;
  client_max_body_size 64m;
  client_body_buffer_size 1m;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  upstream provider {{
    server {provider};
    keepalive 1024;
    keepalive_timeout 300s;
    keepalive_requests 1000000000;
  }}
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_read_timeout 300s;
  server {{
    listen {json} backlog=4096;
    location / {{ proxy_pass http://provider; }}
  }}
  server {{
    listen {stream} backlog=4096;
    location / {{
      proxy_pass http://provider;
      proxy_buffering off;
      proxy_buffer_size 32k;
      proxy_buffers 4 32k;
      proxy_busy_buffers_size 32k;
    }}
  }}
}}
"#
    )
}
